// A memory file shared with the worker: every page reserved before it is touched, its size sealed, so that no access on either
// side can raise SIGBUS.
#pragma once

#include <cstddef>

#include "connection.h"

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
    int descriptor() const { return file_.number(); }
    // The worker has its own mapping now; the file lives as long as the mappings do.
    void close_descriptor() { file_.close(); }

private:
    Descriptor file_;
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

// A sealable memory file of no size yet.
Descriptor make_memory_file(const char* name);

}  // namespace wetgate
