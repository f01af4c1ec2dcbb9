// Memory shared with the worker: every page of it is there before it is touched, and it keeps its size, so that no access on either
// side can fail.
#pragma once

#include <cstddef>

#include "handle.h"

namespace wetgate {

class Pool {
public:
    Pool() = default;
    // Throws Failure(memory) where the machine has not got `size` bytes.
    explicit Pool(std::size_t size);
    Pool(Pool&& other) noexcept;
    Pool& operator=(Pool&& other) noexcept;
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool();

    unsigned char* data() const { return static_cast<unsigned char*>(data_); }
    std::size_t size() const { return size_; }
    const Descriptor& descriptor() const { return file_; }
    // The worker has its own mapping now; the memory lives as long as the mappings do.
    void close_descriptor() { file_.close(); }

private:
    Descriptor file_;
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

// The system's part. `refuse_memory` throws the Failure.
Descriptor make_shared_memory(std::size_t size);
void* map_shared_memory(const Descriptor& file, std::size_t size);
void unmap_shared_memory(void* data, std::size_t size);
[[noreturn]] void refuse_memory(std::size_t size, const char* why);

}  // namespace wetgate
