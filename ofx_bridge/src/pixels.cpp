#include "pixels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "failure.h"

namespace wetgate {

namespace {

constexpr std::int64_t longest_side = 65536;

std::size_t size_of(Depth depth) {
    return depth == Depth::float_ ? 4 : depth == Depth::byte ? 1 : 2;
}

// IEEE 754 binary16 to binary32, exact.
float from_half(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1Fu;
    const std::uint32_t fraction = half & 0x3FFu;
    std::uint32_t bits;
    if (exponent == 0) {
        const float value = std::ldexp(static_cast<float>(fraction), -24);
        return sign != 0 ? -value : value;
    }
    if (exponent == 31)
        bits = sign | 0x7F800000u | (fraction << 13);
    else
        bits = sign | ((exponent + 112) << 23) | (fraction << 13);
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

// To the nearest binary16, ties to even; beyond the largest it is infinite.
std::uint16_t to_half(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u);
    if (magnitude >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);
    if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24
        float size;
        std::memcpy(&size, &magnitude, 4);
        return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(std::ldexp(size, 24))));
    }
    const std::uint32_t odd = (magnitude >> 13) & 1u;
    return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xFFFu + odd) >> 13));
}

float load(const unsigned char* at, Depth depth) {
    if (depth == Depth::byte) return static_cast<float>(*at) / 255.0f;
    std::uint16_t whole;
    std::memcpy(&whole, at, 2);
    return depth == Depth::short_ ? static_cast<float>(whole) / 65535.0f : from_half(whole);
}

// Integers hold 0 to 1; what is not a number becomes 0.
std::uint32_t quantised(float value, float top) {
    if (!(value > 0.0f)) return 0;
    return static_cast<std::uint32_t>(std::min(value, 1.0f) * top + 0.5f);
}

void store(unsigned char* at, Depth depth, float value) {
    if (depth == Depth::byte) {
        *at = static_cast<unsigned char>(quantised(value, 255.0f));
        return;
    }
    const auto whole =
        depth == Depth::short_ ? static_cast<std::uint16_t>(quantised(value, 65535.0f)) : to_half(value);
    std::memcpy(at, &whole, 2);
}

void to_floats(const unsigned char* from, Depth depth, std::size_t count, float* to) {
    if (depth == Depth::float_) {
        std::memcpy(to, from, 4 * count);
        return;
    }
    for (std::size_t i = 0; i < count; ++i) to[i] = load(from + i * size_of(depth), depth);
}

void from_floats(const float* from, std::size_t count, Depth depth, unsigned char* to) {
    if (depth == Depth::float_) {
        std::memcpy(to, from, 4 * count);
        return;
    }
    for (std::size_t i = 0; i < count; ++i) store(to + i * size_of(depth), depth, from[i]);
}

bool empty(const OfxRectI& rect) { return rect.x1 >= rect.x2 || rect.y1 >= rect.y2; }

std::size_t width_of(const OfxRectI& rect) { return static_cast<std::size_t>(rect.x2 - rect.x1); }

// All bits 0 is 0 in every depth.
void clear(const Picture& target, const OfxRectI& window) {
    const OfxRectI part = intersection(target.bounds, window);
    if (empty(part)) return;
    const std::size_t bytes = width_of(part) * size_of(target.depth) * static_cast<std::size_t>(target.channels);
    for (int y = part.y1; y < part.y2; ++y) std::memset(target.at(part.x1, y), 0, bytes);
}

constexpr std::uint8_t premultiplied = 1, not_premultiplied = 2;

// What a row of one picture needs to become a row of another.
struct Conversion {
    int from, to;  // channels
    bool multiplies = false, divides = false;

    Conversion(const Picture& like, int channels, const Picture& target) : from(channels), to(target.channels) {
        if (from != 4 || to != 4 || !like.alpha_is_said || !target.alpha_is_said) return;
        multiplies = like.alpha == not_premultiplied && target.alpha == premultiplied;
        divides = like.alpha == premultiplied && target.alpha == not_premultiplied;
    }

    bool is_none() const { return from == to && !multiplies && !divides; }

    // RGB is RGBA without its alpha, which is 1; a lone alpha is the alpha.
    void pixel(const float* source, float* target) const {
        float made[4] = {0, 0, 0, 1};
        if (from == 1)
            made[3] = source[0];
        else
            std::copy(source, source + from, made);
        const float factor = multiplies ? made[3] : divides && made[3] != 0 ? 1 / made[3] : 1;
        if (multiplies || divides)
            for (int i = 0; i < 3; ++i) made[i] *= factor;
        if (to == 1)
            target[0] = made[3];
        else
            std::copy(made, made + to, target);
    }

    void row(const float* source, float* target, std::size_t width) const {
        for (std::size_t x = 0; x < width; ++x) pixel(source + x * static_cast<std::size_t>(from), target + x * static_cast<std::size_t>(to));
    }
};

}  // namespace

unsigned char* Picture::at(int x, int y) const {
    const auto pixel = static_cast<std::ptrdiff_t>(size_of(depth)) * channels;
    return data + (static_cast<std::ptrdiff_t>(y) - bounds.y1) * row_bytes +
           (static_cast<std::ptrdiff_t>(x) - bounds.x1) * pixel;
}

Picture part_of(const Picture& picture, const OfxRectI& box) {
    Picture part = picture;
    part.data = picture.at(box.x1, box.y1);
    part.bounds = box;
    return part;
}

Picture read_picture(const Properties& image, const char* clip) {
    const auto refuse = [clip](const std::string& what) {
        throw Failure(std::string("the host's ") + clip + " picture " + what);
    };
    Picture picture;
    picture.data = static_cast<unsigned char*>(image.pointer("OfxImagePropData"));
    if (picture.data == nullptr) refuse("has no pixels");
    if (!image.rectangle("OfxImagePropBounds", picture.bounds)) refuse("has no bounds");
    const OfxRectI& box = picture.bounds;
    const std::int64_t width = static_cast<std::int64_t>(box.x2) - box.x1, height = static_cast<std::int64_t>(box.y2) - box.y1;
    if (width <= 0 || height <= 0) refuse("is empty");
    if (width > longest_side || height > longest_side) refuse("is larger than 65,536 pixels a side");
    const std::string depth = image.text("OfxImageEffectPropPixelDepth");
    if (depth == ofx::Float)
        picture.depth = Depth::float_;
    else if (depth == ofx::Half)
        picture.depth = Depth::half;
    else if (depth == ofx::Short)
        picture.depth = Depth::short_;
    else if (depth == ofx::Byte)
        picture.depth = Depth::byte;
    else
        refuse("has a depth that is not known: " + depth);
    const std::string components = image.text("OfxImageEffectPropComponents");
    picture.channels = components == ofx::RGBA ? 4 : components == ofx::RGB ? 3 : components == ofx::Alpha ? 1 : 0;
    if (picture.channels == 0) refuse("has components that are not known: " + components);
    const std::ptrdiff_t packed = static_cast<std::ptrdiff_t>(width) * picture.channels * static_cast<std::ptrdiff_t>(size_of(picture.depth));
    picture.row_bytes = image.integer("OfxImagePropRowBytes", static_cast<int>(std::min<std::ptrdiff_t>(packed, std::numeric_limits<int>::max())));
    if (height > 1 && (picture.row_bytes < 0 ? -picture.row_bytes : picture.row_bytes) < packed) refuse("has rows that overlap");
    const std::string alpha = image.text("OfxImageEffectPropPreMultiplication");
    picture.alpha_is_said = !alpha.empty();
    picture.alpha = picture.channels != 4 || alpha == ofx::Opaque ? 0 : alpha == ofx::Premultiplied ? 1 : 2;
    return picture;
}

void to_packed(const Picture& picture, float* packed, int channel) {
    const std::size_t width = picture.width(), height = picture.height();
    const auto channels = static_cast<std::size_t>(picture.channels);
    const std::size_t kept = channel < 0 ? channels : 1;
    std::vector<float> row(channel < 0 ? 0 : width * channels);
    for (std::size_t line = 0; line < height; ++line) {
        const unsigned char* from = picture.at(picture.bounds.x1, picture.bounds.y2 - 1 - static_cast<int>(line));
        float* to = packed + line * width * kept;
        if (channel < 0) {
            to_floats(from, picture.depth, width * channels, to);
            continue;
        }
        to_floats(from, picture.depth, width * channels, row.data());
        for (std::size_t x = 0; x < width; ++x) to[x] = row[x * channels + static_cast<std::size_t>(channel)];
    }
}

std::optional<float> constant_value(const Picture& picture, int channel, const OfxRectI& box) {
    const OfxRectI part = intersection(picture.bounds, box);
    if (empty(part)) return 0.0f;
    const std::size_t width = width_of(part);
    const auto channels = static_cast<std::size_t>(picture.channels);
    std::vector<float> row(width * channels);
    std::optional<float> value;
    if (!same(part, box)) value = 0.0f;
    for (int y = part.y1; y < part.y2; ++y) {
        to_floats(picture.at(part.x1, y), picture.depth, width * channels, row.data());
        if (!value) value = row[static_cast<std::size_t>(channel)];
        for (std::size_t x = 0; x < width; ++x)
            if (row[x * channels + static_cast<std::size_t>(channel)] != *value) return std::nullopt;
    }
    return value;
}

void from_packed(const float* packed, const OfxRectI& bounds, int channels, const Picture& like, const Picture& target,
                 const OfxRectI& window) {
    const OfxRectI part = intersection(intersection(bounds, window), target.bounds);
    if (!same(part, intersection(window, target.bounds))) clear(target, window);
    if (empty(part)) return;
    const std::size_t width = width_of(bounds), wanted = width_of(part);
    const auto have = static_cast<std::size_t>(channels), want = static_cast<std::size_t>(target.channels);
    const Conversion conversion(like, channels, target);
    std::vector<float> row(conversion.is_none() ? 0 : wanted * want);
    for (int y = part.y1; y < part.y2; ++y) {
        const auto line = static_cast<std::size_t>(bounds.y2 - 1 - y);
        const float* from = packed + (line * width + static_cast<std::size_t>(part.x1 - bounds.x1)) * have;
        if (!row.empty()) conversion.row(from, row.data(), wanted);
        from_floats(row.empty() ? from : row.data(), wanted * want, target.depth, target.at(part.x1, y));
    }
}

void copy_through(const Picture* source, const Picture& target, const OfxRectI& window) {
    if (source == nullptr) {
        clear(target, window);
        return;
    }
    const OfxRectI part = intersection(intersection(source->bounds, window), target.bounds);
    if (!same(part, intersection(window, target.bounds))) clear(target, window);
    if (empty(part)) return;
    const std::size_t width = width_of(part);
    const auto from_channels = static_cast<std::size_t>(source->channels), to_channels = static_cast<std::size_t>(target.channels);
    const Conversion conversion(*source, source->channels, target);
    const bool alike = source->depth == target.depth && conversion.is_none();
    std::vector<float> from(alike ? 0 : width * from_channels), to(alike ? 0 : width * to_channels);
    for (int y = part.y1; y < part.y2; ++y) {
        const unsigned char* row = source->at(part.x1, y);
        unsigned char* into = target.at(part.x1, y);
        if (alike) {
            std::memcpy(into, row, width * from_channels * size_of(source->depth));
            continue;
        }
        to_floats(row, source->depth, width * from_channels, from.data());
        conversion.row(from.data(), to.data(), width);
        from_floats(to.data(), width * to_channels, target.depth, into);
    }
}

OfxRectI intersection(const OfxRectI& a, const OfxRectI& b) {
    OfxRectI both{std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
    both.x2 = std::max(both.x1, both.x2);
    both.y2 = std::max(both.y1, both.y2);
    return both;
}

bool same(const OfxRectI& a, const OfxRectI& b) {
    return (a.x1 == b.x1 && a.y1 == b.y1 && a.x2 == b.x2 && a.y2 == b.y2) || (empty(a) && empty(b));
}

}  // namespace wetgate
