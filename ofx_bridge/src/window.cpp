#include "window.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace wetgate {

namespace {

constexpr int most_neighbours = 64;

}  // namespace

SourceWindow::SourceWindow(const Instance& instance, const Image& center, double time, int reach, const OfxRectI& box)
    : center_(center), box_(box) {
    if (reach > most_neighbours) throw Failure("the node looks at too many frames");
    for (int side = -1; side <= 1; side += 2) {
        std::vector<Image>& found = side < 0 ? before_ : after_;
        for (int step = 1; step <= reach && in_range(instance, time + side * step); ++step) {
            Image image(instance, ofx::Source, time + side * step);
            if (!image || !alike(image.picture())) break;
            found.push_back(std::move(image));
        }
    }
    for (int offset = -reach; offset <= reach; ++offset) add(offset, time);
}

bool SourceWindow::in_range(const Instance& instance, double time) const {
    const Properties clip = instance.clip_properties(ofx::Source);
    const double first = clip.number("OfxImageEffectPropFrameRange", time, 0);
    const double last = clip.number("OfxImageEffectPropFrameRange", time, 1);
    return first >= last || (time >= first && time <= last);
}

bool SourceWindow::alike(const Picture& picture) const {
    return same(intersection(picture.bounds, box_), box_) && picture.channels == center_.picture().channels;
}

void SourceWindow::add(int offset, double time) {
    const std::vector<Image>& side = offset < 0 ? before_ : after_;
    const auto wanted = static_cast<std::size_t>(std::abs(offset));
    const std::size_t there = std::min(wanted, side.size());
    const Picture picture = part_of(there == 0 ? center_.picture() : side[there - 1].picture(), box_);
    Slot slot;
    slot.channels = picture.channels;
    slot.alpha = picture.alpha;
    slot.repeated = there < wanted;
    slot.bounds = picture.bounds;
    slot.time = time + offset;
    pictures_.push_back(picture);
    slots_.push_back(slot);
}

}  // namespace wetgate
