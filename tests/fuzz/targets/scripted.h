// The shim's surroundings in a fuzz target: a worker that does what the input says, memory with checked edges, and a clock that
// only goes on while somebody waits. One thread, no system calls, so that a run depends on its input alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scripted {

// Bytes of the input, taken from its front. Where none are left they are 0.
class Input {
public:
    Input() = default;
    Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

    bool empty() const { return at_ == end_; }
    std::uint8_t byte() { return at_ == end_ ? 0 : *at_++; }
    std::uint32_t word(int size = 4) {
        std::uint32_t value = 0;
        for (int i = 0; i < size; ++i) value |= static_cast<std::uint32_t>(byte()) << (8 * i);
        return value;
    }
    std::vector<std::uint8_t> bytes(std::size_t count) {
        std::vector<std::uint8_t> taken;
        while (taken.size() < count && at_ != end_) taken.push_back(*at_++);
        return taken;
    }

private:
    const std::uint8_t* at_ = nullptr;
    const std::uint8_t* end_ = nullptr;
};

// What the worker does from now on; in good order once it is used up.
extern Input script;

// Lets time go by.
void wait(double seconds);

}  // namespace scripted
