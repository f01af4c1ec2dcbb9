#include "request.h"

#include <algorithm>
#include <cmath>

#include "own_params.h"

namespace wetgate {

namespace {

constexpr std::size_t page = 4096;

std::uint8_t field_code(const std::string& field) {
    if (field == "OfxFieldLower") return 1;
    if (field == "OfxFieldUpper") return 2;
    return field == "OfxFieldBoth" ? 3 : 0;
}

std::uint8_t field_order(const Instance& instance, double time) {
    const int chosen = instance.integer(own::field_order, time, own::frame);
    return chosen == own::upper_first || chosen == own::lower_first ? static_cast<std::uint8_t>(chosen) : 0;
}

// The share of the width that shows the source; below 0 where none does.
double split(const Instance& instance, double time) {
    if (instance.integer(own::split_view, time, 0) == 0) return -1;
    const double place = instance.number(own::split_position, time, 0.5);
    return place >= 0 ? std::min(place, 1.0) : 0;
}

double sound(double value) { return std::isfinite(value) && value > 0 ? value : 1; }

}  // namespace

std::size_t Slot::bytes() const {
    const auto width = static_cast<std::size_t>(bounds.x2 - bounds.x1), height = static_cast<std::size_t>(bounds.y2 - bounds.y1);
    return 4 * width * height * static_cast<std::size_t>(channels);
}

std::size_t lay_out(std::vector<Slot>& slots) {
    std::size_t end = 0;
    for (Slot& slot : slots) {
        slot.offset = end;
        end = (end + slot.bytes() + page - 1) / page * page;
    }
    return end;
}

void write_slot(Writer& body, const Slot& slot, std::uint32_t pool) {
    body.u8(static_cast<std::uint8_t>(slot.role));
    body.u8(static_cast<std::uint8_t>(slot.channels));
    body.u8(slot.alpha);
    body.u8(slot.repeated ? 1 : 0);
    body.u32(pool);
    body.u64(slot.offset);
    for (const int side : {slot.bounds.x1, slot.bounds.y1, slot.bounds.x2, slot.bounds.y2}) body.i32(side);
    body.f64(slot.time);
}

Order read_order(const Properties& in) {
    Order order;
    order.time = in.number("OfxPropTime", 0);
    order.scale_x = sound(in.number("OfxImageEffectPropRenderScale", 1, 0));
    order.scale_y = sound(in.number("OfxImageEffectPropRenderScale", order.scale_x, 1));
    order.field = field_code(in.text("OfxImageEffectPropFieldToRender"));
    if (in.integer("OfxImageEffectPropRenderQualityDraft", 0) != 0) order.flags |= draft;
    if (in.integer("OfxImageEffectPropInteractiveRenderStatus", 0) != 0) order.flags |= interactive;
    if (in.text("OfxImageEffectPropThumbnailRender") == "true") order.flags |= thumbnail;
    return order;
}

// Besides what the node looks at, samples that are no number are mended from those around them.
int margin(const Instance& instance, double time, const Order& order) {
    constexpr int mended = 4;
    const double around = instance.neighbourhood(time) * std::max(order.scale_x, order.scale_y);
    return static_cast<int>(std::ceil(around)) + mended;
}

Writer write_request(const Instance& instance, const Order& order, const std::vector<Slot>& slots, std::uint32_t pool) {
    Writer body;
    body.text(instance.node.id, 64, "the node");
    body.u32(static_cast<std::uint32_t>(instance.saved_version(order.time)));
    body.f64(order.time);
    body.f64(order.scale_x);
    body.f64(order.scale_y);
    body.f64(order.pixel_aspect);
    body.u8(order.field);
    body.u8(order.flags);
    body.u8(field_order(instance, order.time));
    body.u8(0);
    body.f64(split(instance, order.time));
    for (const int side : {order.whole.x1, order.whole.y1, order.whole.x2, order.whole.y2}) body.i32(side);
    instance.write_colour(body, order.time);
    body.text(instance.node.analyzes ? instance.text(own::analysis, order.time) : "", 65536, own::analysis);
    body.text(instance.text(own::records, order.time), 4096, "the path of the records folder");
    instance.write_values(body, order.time);
    body.u32(static_cast<std::uint32_t>(slots.size()));
    for (const Slot& slot : slots) write_slot(body, slot, pool);
    return body;
}

}  // namespace wetgate
