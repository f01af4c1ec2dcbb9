// The frames of a node's window, as the host gives them.
#pragma once

#include <vector>

#include "images.h"
#include "request.h"

namespace wetgate {

// By rising time, the frame itself in the middle. An edge frame stands in for one that the host does not have. Each is cut
// to `box`, which lies inside the frame.
class SourceWindow {
public:
    SourceWindow(const Instance& instance, const Image& center, double time, int reach, const OfxRectI& box);

    const std::vector<Picture>& pictures() const { return pictures_; }
    const std::vector<Slot>& slots() const { return slots_; }

private:
    bool in_range(const Instance& instance, double time) const;
    bool alike(const Picture& picture) const;
    void add(int offset, double time);

    const Image& center_;
    OfxRectI box_;
    std::vector<Image> before_, after_;
    std::vector<Picture> pictures_;
    std::vector<Slot> slots_;
};

}  // namespace wetgate
