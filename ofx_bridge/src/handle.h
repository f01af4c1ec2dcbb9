// What the operating system knows an open thing by, owned.
#pragma once

#include <utility>

namespace wetgate {

#if defined(_WIN32)
using RawHandle = void*;  // a HANDLE; an invalid one is null here
inline constexpr RawHandle no_handle = nullptr;
#else
using RawHandle = int;  // a file descriptor
inline constexpr RawHandle no_handle = -1;
#endif

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(RawHandle number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = other.release();
        }
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    RawHandle number() const { return number_; }
    bool open() const { return number_ != no_handle; }
    void close();
    RawHandle release() { return std::exchange(number_, no_handle); }

private:
    RawHandle number_ = no_handle;
};

}  // namespace wetgate
