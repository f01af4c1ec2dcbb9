// What hosts ask before they render: identity, regions, frames, preferences, colour of the result.
#include <algorithm>
#include <cmath>
#include <string>

#include "actions.h"
#include "instance.h"
#include "own_params.h"
#include "request.h"

namespace wetgate {

namespace {

bool region_of_clip(const Instance& instance, const char* name, double time, OfxRectD& region) {
    const OfxImageClipHandle clip = instance.clip(name);
    return clip != nullptr && instance.host.effect->clipGetRegionOfDefinition != nullptr &&
           instance.host.effect->clipGetRegionOfDefinition(clip, time, &region) == ofx::OK;
}

// kOfxFlagInfiniteMin and Max: a side that has no end is handed on as it is.
bool is_infinite(double side) { return std::fabs(side) >= 2147483647.0; }

void set_rectangle(const Properties& out, const std::string& name, const OfxRectD& rect) {
    const double sides[4] = {rect.x1, rect.y1, rect.x2, rect.y2};
    for (int i = 0; i < 4; ++i) out.set(name.c_str(), sides[i], i);
}

OfxRectD intersection(const OfxRectD& a, const OfxRectD& b) {
    return {std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
}

// A canonical region with the pixels that are looked at around it.
void grow(OfxRectD& region, const Instance& instance, double time, const Order& order) {
    const double pixels = margin(instance, time, order), aspect = instance.pixel_aspect();
    region = {region.x1 - pixels * aspect / order.scale_x, region.y1 - pixels / order.scale_y,
              region.x2 + pixels * aspect / order.scale_x, region.y2 + pixels / order.scale_y};
}

}  // namespace

// A lone alpha is no colour, and alpha goes through untouched.
OfxStatus is_identity(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const double time = Properties(plugin.host, in).number("OfxPropTime", 0);
    const std::string components = instance->clip_properties(ofx::Output).text("OfxImageEffectPropComponents");
    if (components != ofx::Alpha && (!instance->is_identity(time) || instance->keeps_records(time))) return ofx::ReplyDefault;
    const Properties answer(plugin.host, out);
    answer.set("OfxPropName", ofx::Source);
    answer.set("OfxPropTime", time);
    return ofx::OK;
}

// The picture is the source's, whatever a mask covers; larger where the node enlarges it.
OfxStatus region_of_definition(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                               OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const double time = Properties(plugin.host, in).number("OfxPropTime", 0);
    OfxRectD region{};
    if (!region_of_clip(*instance, ofx::Source, time, region)) return ofx::ReplyDefault;
    if (plugin.host.takes_other_sizes() && !instance->is_identity(time))
        for (double* side : {&region.x1, &region.y1, &region.x2, &region.y2})
            if (!is_infinite(*side)) *side *= instance->enlarges(time);
    set_rectangle({plugin.host, out}, "OfxImageEffectPropRegionOfDefinition", region);
    return ofx::OK;
}

// Most nodes look at whole pictures; others at what is asked for and some pixels around it.
OfxStatus regions_of_interest(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                              OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const double time = Properties(plugin.host, in).number("OfxPropTime", 0);
    const Properties arguments(plugin.host, in);
    OfxRectD around{};
    const bool parts = instance->works_in_parts(time) && arguments.rectangle("OfxImageEffectPropRegionOfInterest", around);
    if (parts) grow(around, *instance, time, read_order(arguments));
    bool any = false;
    for (const char* name : {ofx::Source, ofx::Mask, ofx::Infrared, ofx::Reference}) {
        OfxRectD region{};
        if (!region_of_clip(*instance, name, time, region)) continue;
        if (parts && name == ofx::Source) region = intersection(region, around);
        set_rectangle({plugin.host, out}, std::string("OfxImageClipPropRoI_") + name, region);
        any = true;
    }
    return any ? ofx::OK : ofx::ReplyDefault;
}

OfxStatus frames_needed(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                        OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const double time = Properties(plugin.host, in).number("OfxPropTime", 0);
    const int reach = instance->reach(time);
    if (reach == 0) return ofx::ReplyDefault;
    const Properties answer(plugin.host, out);
    const std::string name = std::string("OfxImageClipPropFrameRange_") + ofx::Source;
    answer.set(name.c_str(), time - reach, 0);
    answer.set(name.c_str(), time + reach, 1);
    return ofx::OK;
}

// Noise and analysed curves go by the frame number, so a still does not stay one. The result has the source's components and
// alpha: a host left to itself would take those of a mask into account.
OfxStatus clip_preferences(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const Properties answer(plugin.host, out);
    bool any = answer.set("OfxImageEffectFrameVarying", 1);
    if (instance->clip(ofx::Mask) == nullptr) return any ? ofx::OK : ofx::ReplyDefault;
    const Properties source = instance->clip_properties(ofx::Source);
    const std::string components = source.text("OfxImageEffectPropComponents");
    const std::string alpha = source.text("OfxImageEffectPropPreMultiplication");
    if (components == ofx::RGBA || components == ofx::RGB || components == ofx::Alpha)
        any = answer.set("OfxImageClipPropComponents_Output", components.c_str()) || any;
    if (!alpha.empty()) any = answer.set("OfxImageEffectPropPreMultiplication", alpha.c_str()) || any;
    return any ? ofx::OK : ofx::ReplyDefault;
}

OfxStatus output_colour_space(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const std::string chosen =
        plugin.node->hdr_output ? instance->chosen_space(own::output_space, own::output_space_name, 0) : "";
    const char* name = chosen.empty() ? "OfxColourspace_Source" : chosen.c_str();
    return Properties(plugin.host, out).set("OfxImageClipPropColourspace", name) ? ofx::OK : ofx::ReplyDefault;
}

}  // namespace wetgate
