// The render action: pictures in, a frame from the worker, the result out; and what a frame becomes that cannot be worked.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "actions.h"
#include "images.h"
#include "inputs.h"
#include "own_params.h"
#include "places.h"
#include "request.h"
#include "window.h"
#include "worker.h"

namespace wetgate {

namespace {

// Where a picture lies that is larger by a factor: as the region of definition of region_of_definition does.
OfxRectI enlarged(const OfxRectI& box, double by) {
    const auto low = [by](int side) { return static_cast<int>(std::floor(side * by + 1e-6)); };
    const auto high = [by](int side) { return static_cast<int>(std::ceil(side * by - 1e-6)); };
    return {low(box.x1), low(box.y1), high(box.x2), high(box.y2)};
}

// Where the whole picture lies of which the host may have given a part: its region of definition, in pixels.
OfxRectI whole_picture(const Instance& instance, const Order& order, const OfxRectI& given) {
    constexpr double far = 1e8;
    OfxRectD region{};
    const OfxImageClipHandle clip = instance.clip(ofx::Source);
    if (clip == nullptr || instance.host.effect->clipGetRegionOfDefinition == nullptr ||
        instance.host.effect->clipGetRegionOfDefinition(clip, order.time, &region) != ofx::OK)
        return given;
    const double x = order.scale_x / instance.pixel_aspect(), y = order.scale_y;
    for (const double side : {region.x1 * x, region.y1 * y, region.x2 * x, region.y2 * y})
        if (!(std::fabs(side) < far)) return given;
    const auto low = [](double side) { return static_cast<int>(std::floor(side + 1e-6)); };
    const auto high = [](double side) { return static_cast<int>(std::ceil(side - 1e-6)); };
    return {std::min(given.x1, low(region.x1 * x)), std::min(given.y1, low(region.y1 * y)),
            std::max(given.x2, high(region.x2 * x)), std::max(given.y2, high(region.y2 * y))};
}

// One frame, from the host's pictures to the worker and back.
class Frame {
public:
    Frame(Instance& instance, const Properties& in, const Image& source, const Image& output, const OfxRectI& window)
        : instance_(instance), order_(read_order(in)), source_(source), output_(output), window_(window) {}

    void work() {
        const OfxRectI bounds = part();
        const bool other_times = instance_.host.gives_other_times();
        const SourceWindow frames(instance_, source_, order_.time, other_times ? instance_.reach(order_.time) : 0, bounds);
        const std::vector<Input> inputs = optional_inputs(instance_, order_.time, source_.picture().bounds);
        order_.pixel_aspect = instance_.pixel_aspect();
        if (other_times) order_.flags |= true_times;
        slots_ = frames.slots();
        sources_ = slots_.size();
        for (const Input& input : inputs) {
            const Picture& picture = input.image.picture();
            add(input.role, picture.bounds, input.channel < 0 ? picture.channels : 1, input.channel < 0 ? picture.alpha : 0);
        }
        const double by = instance_.host.takes_other_sizes() ? instance_.enlarges(order_.time) : 1;
        add(Role::output, by == 1 ? bounds : enlarged(bounds, by), source_.picture().channels, source_.picture().alpha);
        const std::size_t size = lay_out(slots_);
        const Abort aborted = [this] { return instance_.aborted(); };
        for (bool again = true;;) {
            try {
                Lane lane(instance_.host.name(), aborted);
                Pool& pool = lane.memory(size, aborted);
                fill(pool, frames, inputs);
                ask(lane, pool, aborted);
                return;
            } catch (const Ended&) {
                if (!again) throw;
                again = false;
            }
        }
    }

    // What the user is to see although the frame is whole; "" where there is nothing.
    const std::string& warning() const { return warning_; }

private:
    // The part of the source that the window is made from: all of it, unless the node looks no further than some pixels.
    OfxRectI part() {
        const OfxRectI& bounds = source_.picture().bounds;
        order_.whole = bounds;
        if (!instance_.works_in_parts(order_.time)) return bounds;
        order_.whole = whole_picture(instance_, order_, bounds);
        const int around = margin(instance_, order_.time, order_);
        const OfxRectI inside = intersection(bounds, window_);  // a window may be as far out as numbers go
        const auto low = [around](int side, int end) { return static_cast<int>(std::max<std::int64_t>(std::int64_t{side} - around, end)); };
        const auto high = [around](int side, int end) { return static_cast<int>(std::min<std::int64_t>(std::int64_t{side} + around, end)); };
        const OfxRectI found{low(inside.x1, bounds.x1), low(inside.y1, bounds.y1), high(inside.x2, bounds.x2), high(inside.y2, bounds.y2)};
        return found.x1 < found.x2 && found.y1 < found.y2 ? found : bounds;
    }

    void add(Role role, const OfxRectI& bounds, int channels, std::uint8_t alpha) {
        Slot slot;
        slot.role = role;
        slot.channels = channels;
        slot.alpha = alpha;
        slot.bounds = bounds;
        slot.time = order_.time;
        slots_.push_back(slot);
    }

    float* at(const Pool& pool, std::size_t index) const {
        return reinterpret_cast<float*>(pool.data() + slots_[index].offset);
    }

    std::size_t middle() const { return (sources_ - 1) / 2; }

    void fill(const Pool& pool, const SourceWindow& frames, const std::vector<Input>& inputs) {
        const auto& pictures = frames.pictures();
        for (std::size_t i = 0; i < sources_; ++i) to_packed(pictures[i], at(pool, i));
        for (std::size_t i = 0; i < inputs.size(); ++i)
            to_packed(inputs[i].image.picture(), at(pool, sources_ + i), inputs[i].channel);
        if (time_is_ignored(pool)) forget_neighbours();
    }

    // A host that ignores time gives the frame itself for every other.
    bool time_is_ignored(const Pool& pool) const {
        bool any = false;
        for (std::size_t i = 0; i < sources_; ++i) {
            if (i == middle() || slots_[i].repeated) continue;
            if (std::memcmp(at(pool, i), at(pool, middle()), slots_[i].bytes()) != 0) return false;
            any = true;
        }
        return any;
    }

    // Copies of the frame say no more than it does, so it stands in for them, as it does where a shot ends.
    void forget_neighbours() {
        order_.flags &= static_cast<std::uint8_t>(~true_times);
        for (std::size_t i = 0; i < sources_; ++i) slots_[i].repeated = i != middle();
    }

    void ask(Lane& lane, const Pool& pool, const Abort& aborted) {
        const Writer body = write_request(instance_, order_, slots_, lane.pool_number());
        std::size_t result = slots_.size() - 1;
        std::string notes;
        lane.ask(Type::render, body, aborted, [&](const Message& message) {
            if (message.type == Type::progress) return false;
            if (message.type != Type::done) throw Failure("the render worker broke the protocol: no DONE");
            Reader done(message.body);
            enum Flag : std::uint8_t { first_note_warns = 1 };
            result = done.u8();
            done.zeros(2);
            const std::uint8_t flags = done.u8();
            if (flags > first_note_warns) throw Failure("the render worker broke the protocol: a reserved bit is set");
            notes = done.text(8192);
            if (flags == first_note_warns) warning_ = notes.substr(0, notes.find('\n'));
            done.finish();
            return true;
        });
        if (result != slots_.size() - 1 && result != middle())
            throw Failure("the render worker broke the protocol: its result is no picture of this frame");
        from_packed(at(pool, result), slots_[result].bounds, slots_[result].channels, source_.picture(), output_.picture(),
                    window_);
        instance_.host.log_lines(instance_.effect, notes);
    }

    Instance& instance_;
    Order order_;
    const Image& source_;
    const Image& output_;
    OfxRectI window_;
    std::vector<Slot> slots_;
    std::size_t sources_ = 0;
    std::string warning_;
};

// A failed frame must not ship as a restored one: a render without anybody watching passes nothing through by default.
bool may_pass(const Instance& instance, double time) {
    if (instance.integer(own::on_error, time, own::fail) != own::pass) return false;
    if (!instance.host.is_background()) return true;
    return variable("WETGATE_ALLOW_PASS") == "1";
}

OfxStatus outcome(Instance& instance, double time, const Failure& failure) {
    if (failure.cause == Cause::aborted) return ofx::OK;  // the host throws the frame away
    const std::string text = std::string(instance.node.label) + ", frame " + std::to_string(std::lround(std::floor(time + 0.5))) +
                             ": " + failure.what();
    if (may_pass(instance, time)) {
        instance.warn("OfxMessageWarning", text + "; the source is passed through");
        return ofx::OK;
    }
    instance.warn("OfxMessageError", text);
    return failure.cause == Cause::memory ? ofx::ErrMemory : ofx::Failed;
}

}  // namespace

OfxStatus render(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in) {
    Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const Properties arguments(plugin.host, in);
    const double time = arguments.number("OfxPropTime", 0);
    try {
        const Image output(*instance, ofx::Output, time);
        if (!output) throw Failure("the host gives no picture to render into");
        OfxRectI window = output.picture().bounds;
        arguments.rectangle("OfxImageEffectPropRenderWindow", window);
        const Image source(*instance, ofx::Source, time);
        const Picture* picture = source ? &source.picture() : nullptr;
        const bool untouched = instance->is_identity(time) && !instance->keeps_records(time);
        if (!source || picture->channels == 1 || untouched) {
            copy_through(picture, output.picture(), window);
            return ofx::OK;
        }
        std::string warning;
        try {
            Frame frame(*instance, arguments, source, output, window);
            frame.work();
            warning = frame.warning();
        } catch (const Failure&) {  // hosts exist that show what they find in the picture after a failure
            copy_through(picture, output.picture(), window);
            throw;
        } catch (const std::bad_alloc&) {
            copy_through(picture, output.picture(), window);
            throw Failure("the host has no memory left", Cause::memory);
        }
        if (warning.empty())
            instance->clear_warning();
        else
            instance->warn("OfxMessageWarning", std::string(instance->node.label) + ": " + warning);
        return ofx::OK;
    } catch (const Failure& failure) {
        return outcome(*instance, time, failure);
    }
}

}  // namespace wetgate
