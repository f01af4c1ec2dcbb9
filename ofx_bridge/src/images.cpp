#include "images.h"

#include <utility>

namespace wetgate {

Image::Image(const Instance& instance, const char* name, double time) : host_(&instance.host) {
    const OfxImageClipHandle clip = instance.clip(name);
    if (clip == nullptr) return;
    const OfxStatus status = host_->effect->clipGetImage(clip, time, nullptr, &handle_);
    if (status == ofx::ErrMemory) throw Failure("the host has no memory for its picture", Cause::memory);
    if (status != ofx::OK || handle_ == nullptr) {
        handle_ = nullptr;
        return;
    }
    try {
        picture_ = read_picture(Properties(*host_, handle_), name);
    } catch (...) {  // the destructor does not run for an object that was never made
        host_->effect->clipReleaseImage(handle_);
        throw;
    }
}

Image::Image(Image&& other) noexcept
    : host_(other.host_), handle_(std::exchange(other.handle_, nullptr)), picture_(other.picture_) {}

Image::~Image() {
    if (handle_ != nullptr) host_->effect->clipReleaseImage(handle_);
}

}  // namespace wetgate
