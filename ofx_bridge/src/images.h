// An image that the host lends, given back when it goes out of scope.
#pragma once

#include "instance.h"
#include "pixels.h"

namespace wetgate {

class Image {
public:
    Image() = default;
    // Fetches the clip's image at a time; there may be none. Throws Failure(memory) where the host has no memory for it.
    Image(const Instance& instance, const char* clip, double time);
    Image(Image&& other) noexcept;
    Image& operator=(Image&&) = delete;
    Image(const Image&) = delete;
    ~Image();

    explicit operator bool() const { return handle_ != nullptr; }
    const Picture& picture() const { return picture_; }

private:
    const Host* host_ = nullptr;
    OfxPropertySetHandle handle_ = nullptr;
    Picture picture_;
};

}  // namespace wetgate
