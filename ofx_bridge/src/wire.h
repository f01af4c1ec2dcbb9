// Bytes of PROTOCOL.md: bodies written and read, little-endian, every length checked.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "failure.h"

namespace wetgate {

enum class Type : std::uint16_t {
    hello = 1,
    welcome,
    lane,
    beat,
    map,
    ok,
    unmap,
    render,
    analyse,
    cancel,
    progress,
    done,
    error,
    fetch,
    give,
    analysed,
};

inline constexpr std::uint32_t magic = 0x31475457;  // "WTG1"
inline constexpr std::size_t header_size = 16;
inline constexpr std::uint32_t longest_body = 1u << 20;

class Writer {
public:
    const std::vector<unsigned char>& bytes() const { return bytes_; }

    void u8(std::uint8_t value) { bytes_.push_back(value); }
    void u16(std::uint16_t value) { put(value, 2); }
    void u32(std::uint32_t value) { put(value, 4); }
    void u64(std::uint64_t value) { put(value, 8); }
    void i32(std::int32_t value) { put(static_cast<std::uint32_t>(value), 4); }
    void i64(std::int64_t value) { put(static_cast<std::uint64_t>(value), 8); }
    void f64(double value) {
        std::uint64_t bits;
        std::memcpy(&bits, &value, 8);
        put(bits, 8);
    }
    void raw(const void* data, std::size_t size) {
        const auto* from = static_cast<const unsigned char*>(data);
        bytes_.insert(bytes_.end(), from, from + size);
    }
    // A string of at most `limit` bytes; a longer one is the user's mistake, and named.
    void text(const std::string& value, std::size_t limit, const char* what) {
        if (value.size() > limit)
            throw Failure(std::string(what) + " is " + std::to_string(value.size()) + " bytes; allowed: at most " +
                          std::to_string(limit));
        u32(static_cast<std::uint32_t>(value.size()));
        raw(value.data(), value.size());
    }

private:
    void put(std::uint64_t value, int size) {
        for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<unsigned char>(value >> (8 * i)));
    }

    std::vector<unsigned char> bytes_;
};

// Reads a body. Asking for more than there is, or leaving some over, is a Failure.
class Reader {
public:
    explicit Reader(const std::vector<unsigned char>& bytes) : Reader(bytes.data(), bytes.size()) {}
    Reader(const unsigned char* bytes, std::size_t size) : at_(bytes), end_(bytes + size) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(get(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(get(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(get(4)); }
    std::int32_t i32() { return static_cast<std::int32_t>(get(4)); }
    double f64() {
        const std::uint64_t bits = get(8);
        double value;
        std::memcpy(&value, &bits, 8);
        return value;
    }
    std::string text(std::size_t limit) {
        const std::uint32_t size = u32();
        if (size > limit || size > left()) throw_short();
        std::string value(reinterpret_cast<const char*>(at_), size);
        at_ += size;
        return value;
    }
    void raw(void* into, std::size_t size) {
        if (size > left()) throw_short();
        std::memcpy(into, at_, size);
        at_ += size;
    }
    void zeros(int count) {
        for (int i = 0; i < count; ++i)
            if (u8() != 0) throw Failure("the render worker broke the protocol: a reserved byte is set");
    }
    void finish() const {
        if (at_ != end_) throw Failure("the render worker broke the protocol: a message is too long");
    }

private:
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    std::uint64_t get(std::size_t size) {
        if (size > left()) throw_short();
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(at_[i]) << (8 * i);
        at_ += size;
        return value;
    }
    [[noreturn]] static void throw_short() { throw Failure("the render worker broke the protocol: a message is too short"); }

    const unsigned char* at_;
    const unsigned char* end_;
};

}  // namespace wetgate
