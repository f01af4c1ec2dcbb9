#include "pool.h"

#include <string>
#include <utility>

#include "failure.h"

namespace wetgate {

Pool::Pool(std::size_t size) : file_(make_shared_memory(size)), data_(map_shared_memory(file_, size)), size_(size) {}

Pool::Pool(Pool&& other) noexcept
    : file_(std::move(other.file_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Pool& Pool::operator=(Pool&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Pool::~Pool() {
    if (data_ != nullptr) unmap_shared_memory(data_, size_);
}

void refuse_memory(std::size_t size, const char* why) {
    throw Failure("no shared memory for the pictures (" + std::to_string(size >> 20) + " MiB): " + why +
                      "; close other applications or render fewer frames at once",
                  Cause::memory);
}

}  // namespace wetgate
