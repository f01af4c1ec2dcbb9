// Pictures of a host and pictures of the protocol, and copies between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "host.h"

namespace wetgate {

enum class Depth { byte, short_, half, float_ };

// A host's image: rows from the bottom, of any stride and sign.
struct Picture {
    unsigned char* data = nullptr;  // the pixel at (bounds.x1, bounds.y1)
    OfxRectI bounds{};
    std::ptrdiff_t row_bytes = 0;
    int channels = 0;  // 4 RGBA, 3 RGB, 1 alpha
    Depth depth = Depth::float_;
    std::uint8_t alpha = 0;  // as the protocol counts it: 0 opaque, 1 premultiplied, 2 not
    bool alpha_is_said = false;

    std::size_t width() const { return static_cast<std::size_t>(static_cast<std::int64_t>(bounds.x2) - bounds.x1); }
    std::size_t height() const { return static_cast<std::size_t>(static_cast<std::int64_t>(bounds.y2) - bounds.y1); }
    std::size_t values() const { return width() * height() * static_cast<std::size_t>(channels); }
    unsigned char* at(int x, int y) const;
};

// A part of a picture, which lies inside it.
Picture part_of(const Picture& picture, const OfxRectI& box);

// The image as it is described by its properties. Throws Failure where it is not one that can be worked.
Picture read_picture(const Properties& image, const char* clip);

// The whole picture as packed float32, row 0 at the top. `channel` >= 0 takes that channel alone.
void to_packed(const Picture& picture, float* packed, int channel = -1);

// The one value that a channel has all over `box`, which is 0 outside the picture; nothing where it varies.
std::optional<float> constant_value(const Picture& picture, int channel, const OfxRectI& box);

// Puts what meets `window` of a packed picture of `bounds` into the target; what it does not cover becomes 0. Its alpha is
// meant as that of `like`, and becomes as the target's is meant.
void from_packed(const float* packed, const OfxRectI& bounds, int channels, const Picture& like, const Picture& target,
                 const OfxRectI& window);

// Puts what meets `window` of one host picture into another, bit for bit where both are of one kind; what it does not cover becomes 0.
void copy_through(const Picture* source, const Picture& target, const OfxRectI& window);

OfxRectI intersection(const OfxRectI& a, const OfxRectI& b);
bool same(const OfxRectI& a, const OfxRectI& b);

}  // namespace wetgate
