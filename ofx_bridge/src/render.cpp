// The render action: pictures in, a frame from the worker, the result out; and what a frame becomes that cannot be worked.
#include <cmath>
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

// One frame, from the host's pictures to the worker and back.
class Frame {
public:
    Frame(Instance& instance, const Properties& in, const Image& source, const Image& output, const OfxRectI& window)
        : instance_(instance), order_(read_order(in)), source_(source), output_(output), window_(window) {}

    void work() {
        const OfxRectI& bounds = source_.picture().bounds;
        const bool other_times = instance_.host.gives_other_times();
        const SourceWindow frames(instance_, source_, order_.time, other_times ? instance_.reach(order_.time) : 0);
        const std::vector<Input> inputs = optional_inputs(instance_, order_.time, bounds);
        order_.pixel_aspect = pixel_aspect();
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

private:
    double pixel_aspect() const {
        const double aspect = instance_.clip_properties(ofx::Source).number("OfxImagePropPixelAspectRatio", 1);
        return std::isfinite(aspect) && aspect > 0 ? aspect : 1;
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
        for (std::size_t i = 0; i < sources_; ++i) to_packed(*pictures[i], at(pool, i));
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
            result = done.u8();
            done.zeros(3);
            notes = done.text(8192);
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
        if (!source || picture->channels == 1 || instance->is_identity(time)) {
            copy_through(picture, output.picture(), window);
            return ofx::OK;
        }
        try {
            Frame(*instance, arguments, source, output, window).work();
        } catch (const Failure&) {  // hosts exist that show what they find in the picture after a failure
            copy_through(picture, output.picture(), window);
            throw;
        } catch (const std::bad_alloc&) {
            copy_through(picture, output.picture(), window);
            throw Failure("the host has no memory left", Cause::memory);
        }
        instance->clear_warning();
        return ofx::OK;
    } catch (const Failure& failure) {
        return outcome(*instance, time, failure);
    }
}

}  // namespace wetgate
