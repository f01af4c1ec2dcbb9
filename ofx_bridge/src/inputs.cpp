#include "inputs.h"

#include <optional>
#include <string>
#include <utility>

#include "own_params.h"

namespace wetgate {

namespace {

// A mask is 1 where the node acts. One of 1 all over changes nothing, so nobody needs to be asked about it.
void demand_sure(const Instance& instance, double value) {
    if (value == 1 || !instance.connects_everything()) return;
    throw Failure("the host says that Mask is connected, and gives a mask of " + std::to_string(value).substr(0, 4) +
                  " all over; hosts exist that say so of inputs to which nothing is connected. Set Mask to Ignore if there is"
                  " none, or to Use if it is meant");
}

void add_mask(const Instance& instance, double time, const OfxRectI& over, std::vector<Input>& found) {
    const int use = instance.integer(own::mask_input, time, own::ask_mask);
    if (use == own::ignore_mask || !instance.is_connected(ofx::Mask)) return;
    Image image(instance, ofx::Mask, time);
    const int channel = image && image.picture().channels == 4 ? 3 : 0;
    if (use == own::ask_mask) {
        const std::optional<float> value = image ? constant_value(image.picture(), channel, over) : 0.0f;
        if (value) demand_sure(instance, *value);
    }
    // A connected input without a picture is black (ofxImageEffect.h, clipGetImage), and so the node acts nowhere.
    if (!image) throw Failure("the host says that Mask is connected, and gives no picture for it; set Mask to Ignore");
    found.push_back({std::move(image), Role::mask, channel});
}

// What has one value all over says nothing, whether somebody connected it or not.
void add_plate(const Instance& instance, const char* clip, Role role, double time, const OfxRectI& over,
               std::vector<Input>& found) {
    if (!instance.is_connected(clip)) return;
    Image image(instance, clip, time);
    if (!image) return;
    const int channels = image.picture().channels;
    if (role == Role::reference && channels == 1) return;
    bool varies = false;
    for (int channel = 0; channel < channels && channel < 3; ++channel)
        varies = varies || !constant_value(image.picture(), channel, over);
    if (varies) found.push_back({std::move(image), role, role == Role::infrared ? 0 : -1});
}

}  // namespace

std::vector<Input> optional_inputs(const Instance& instance, double time, const OfxRectI& over) {
    std::vector<Input> found;
    add_mask(instance, time, over, found);
    add_plate(instance, ofx::Infrared, Role::infrared, time, over, found);
    add_plate(instance, ofx::Reference, Role::reference, time, over, found);
    return found;
}

}  // namespace wetgate
