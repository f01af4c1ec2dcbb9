// A RENDER or ANALYSE request: its pictures laid out in a lane's memory, and its body.
#pragma once

#include <vector>

#include "instance.h"
#include "pixels.h"

namespace wetgate {

enum class Role : std::uint8_t { source, mask, infrared, reference, output };

// A picture's place in the pool.
struct Slot {
    Role role = Role::source;
    int channels = 4;
    std::uint8_t alpha = 0;
    bool repeated = false;
    std::size_t offset = 0;
    OfxRectI bounds{};
    double time = 0;

    std::size_t bytes() const;
};

// Gives the slots places one after the other, each at the start of a page; how many bytes they need in all.
std::size_t lay_out(std::vector<Slot>& slots);

void write_slot(Writer& body, const Slot& slot, std::uint32_t pool);

// What a render action was told, beside pictures.
struct Order {
    double time = 0;
    double scale_x = 1, scale_y = 1;
    double pixel_aspect = 1;
    std::uint8_t field = 0;
    std::uint8_t flags = 0;
    OfxRectI whole{};  // where the picture lies that the request's is all or a part of
};

enum OrderFlag : std::uint8_t { draft = 1, interactive = 2, thumbnail = 4, true_times = 8 };

Order read_order(const Properties& in);

// How many pixels around a part of the result are looked at, at the order's scale.
int margin(const Instance& instance, double time, const Order& order);

// The body up to and with its pictures.
Writer write_request(const Instance& instance, const Order& order, const std::vector<Slot>& slots, std::uint32_t pool);

}  // namespace wetgate
