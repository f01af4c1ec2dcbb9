// The render action: pictures in, a frame from the worker, the result out; and what a frame becomes that cannot be worked.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "actions.h"
#include "images.h"
#include "own_params.h"
#include "request.h"
#include "worker.h"

namespace wetgate {

namespace {

constexpr std::size_t most_neighbours = 64;

// The frames of the node's window, by rising time, the frame itself in the middle. An edge frame stands in for one that the
// host does not have.
class SourceWindow {
public:
    SourceWindow(const Instance& instance, const Image& center, double time, int reach) : center_(center) {
        if (static_cast<std::size_t>(reach) > most_neighbours) throw Failure("the node looks at too many frames");
        for (int side = -1; side <= 1; side += 2) {
            std::vector<Image>& found = side < 0 ? before_ : after_;
            for (int step = 1; step <= reach && in_range(instance, time + side * step); ++step) {
                Image image(instance, ofx::Source, time + side * step);
                if (!image || !alike(image.picture())) break;
                found.push_back(std::move(image));
            }
        }
        for (int offset = -reach; offset <= reach; ++offset) add(offset, time);
    }

    const std::vector<const Picture*>& pictures() const { return pictures_; }
    const std::vector<Slot>& slots() const { return slots_; }

    // A host that ignores time gives the same image for every one, and says so by its identifier.
    bool times_are_true() const {
        if (center_.identifier().empty()) return true;
        for (const auto* side : {&before_, &after_})
            for (const Image& image : *side)
                if (image.identifier() != center_.identifier()) return true;
        return before_.empty() && after_.empty();
    }

private:
    bool in_range(const Instance& instance, double time) const {
        const Properties clip = instance.clip_properties(ofx::Source);
        const double first = clip.number("OfxImageEffectPropFrameRange", time, 0);
        const double last = clip.number("OfxImageEffectPropFrameRange", time, 1);
        return first >= last || (time >= first && time <= last);
    }

    bool alike(const Picture& picture) const {
        return same(picture.bounds, center_.picture().bounds) && picture.channels == center_.picture().channels;
    }

    void add(int offset, double time) {
        const std::vector<Image>& side = offset < 0 ? before_ : after_;
        const auto wanted = static_cast<std::size_t>(std::abs(offset));
        const std::size_t there = std::min(wanted, side.size());
        const Picture& picture = there == 0 ? center_.picture() : side[there - 1].picture();
        Slot slot;
        slot.channels = picture.channels;
        slot.alpha = picture.alpha;
        slot.repeated = there < wanted;
        slot.bounds = picture.bounds;
        slot.time = time + offset;
        pictures_.push_back(&picture);
        slots_.push_back(slot);
    }

    const Image& center_;
    std::vector<Image> before_, after_;
    std::vector<const Picture*> pictures_;
    std::vector<Slot> slots_;
};

int mask_channel(const Picture& mask) { return mask.channels == 4 ? 3 : 0; }

bool is_connected(const Instance& instance, const char* clip) {
    return instance.clip_properties(clip).integer("OfxImageClipPropConnected", 0) != 0;
}

// One frame, from the host's pictures to the worker and back.
class Frame {
public:
    Frame(Instance& instance, const Properties& in, const Image& source, const Image& output, const OfxRectI& window)
        : instance_(instance), order_(read_order(in)), source_(source), output_(output), window_(window) {}

    void work() {
        const bool other_times = instance_.host.gives_other_times();
        const SourceWindow frames(instance_, source_, order_.time, other_times ? instance_.node.reach : 0);
        order_.pixel_aspect = pixel_aspect();
        if (other_times && frames.times_are_true()) order_.flags |= true_times;
        slots_ = frames.slots();
        const Image mask = mask_image();
        if (mask) add(Role::mask, mask.picture().bounds, 1, 0);
        add(Role::output, source_.picture().bounds, source_.picture().channels, source_.picture().alpha);
        const std::size_t size = lay_out(slots_);
        const Abort aborted = [this] { return instance_.aborted(); };
        for (bool again = true;;) {
            try {
                Lane lane(instance_.host.name(), aborted);
                Pool& pool = lane.memory(size, aborted);
                fill(pool, frames, mask);
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

    Image mask_image() const {
        if (instance_.clip(ofx::Mask) == nullptr || !is_connected(instance_, ofx::Mask)) return {};
        return {instance_, ofx::Mask, order_.time};
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

    void fill(const Pool& pool, const SourceWindow& frames, const Image& mask) const {
        const auto& pictures = frames.pictures();
        for (std::size_t i = 0; i < pictures.size(); ++i) to_packed(*pictures[i], at(pool, i));
        if (mask) to_packed(mask.picture(), at(pool, pictures.size()), mask_channel(mask.picture()));
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
        const std::size_t middle = (source_count() - 1) / 2;
        if (result != slots_.size() - 1 && result != middle)
            throw Failure("the render worker broke the protocol: its result is no picture of this frame");
        from_packed(at(pool, result), slots_[result].bounds, slots_[result].channels, output_.picture(), window_);
        if (!notes.empty()) instance_.host.log(instance_.effect, notes);
    }

    std::size_t source_count() const {
        std::size_t count = 0;
        while (count < slots_.size() && slots_[count].role == Role::source) ++count;
        return count;
    }

    Instance& instance_;
    Order order_;
    const Image& source_;
    const Image& output_;
    OfxRectI window_;
    std::vector<Slot> slots_;
};

// A failed frame must not ship as a restored one: a render without anybody watching passes nothing through by default.
bool may_pass(const Instance& instance, double time) {
    if (instance.integer(own::on_error, time, own::fail) != own::pass) return false;
    if (!instance.host.is_background()) return true;
    const char* allowed = std::getenv("WETGATE_ALLOW_PASS");
    return allowed != nullptr && std::strcmp(allowed, "1") == 0;
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
