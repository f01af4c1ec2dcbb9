// The optional inputs of the General context: Mask, Infrared, Reference.
#pragma once

#include <vector>

#include "images.h"
#include "request.h"

namespace wetgate {

// One that is to be used: its image, its role, and the one channel of it that counts (below 0: all).
struct Input {
    Image image;
    Role role;
    int channel;
};

// Those that are connected and hold something, in the protocol's order. Throws Failure where a mask must be asked about.
std::vector<Input> optional_inputs(const Instance& instance, double time, const OfxRectI& over);

}  // namespace wetgate
