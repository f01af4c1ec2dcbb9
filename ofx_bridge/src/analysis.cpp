// InstanceChanged, and the analysis that its push button begins: the worker asks for frames, the host gives them.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "actions.h"
#include "images.h"
#include "own_params.h"
#include "request.h"
#include "worker.h"

namespace wetgate {

namespace {

constexpr std::size_t longest_document = 64 << 10;
constexpr std::size_t longest_sentence = 1024;
constexpr int most_frames = 1000000;

// The host's progress bar, where it has one.
class Progress {
public:
    explicit Progress(const Instance& instance) : host_(instance.host), effect_(instance.effect) {
        if (host_.progress2 != nullptr && host_.progress2->progressStart != nullptr)
            host_.progress2->progressStart(effect_, "Wetgate analysis", "wetgate");
        else if (host_.progress != nullptr && host_.progress->progressStart != nullptr)
            host_.progress->progressStart(effect_, "Wetgate analysis");
    }
    ~Progress() {
        if (host_.progress2 != nullptr && host_.progress2->progressEnd != nullptr)
            host_.progress2->progressEnd(effect_);
        else if (host_.progress != nullptr && host_.progress->progressEnd != nullptr)
            host_.progress->progressEnd(effect_);
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void update(double share) {
        OfxStatus answer = ofx::OK;
        if (host_.progress2 != nullptr && host_.progress2->progressUpdate != nullptr)
            answer = host_.progress2->progressUpdate(effect_, share);
        else if (host_.progress != nullptr && host_.progress->progressUpdate != nullptr)
            answer = host_.progress->progressUpdate(effect_, share);
        cancelled_ = cancelled_ || answer == ofx::ReplyNo;
    }
    bool cancelled() const { return cancelled_; }

private:
    const Host& host_;
    OfxImageEffectHandle effect_;
    bool cancelled_ = false;
};

struct Range {
    int first, last;
};

Range range_of(const Instance& instance, double time) {
    Range range{instance.integer(own::analysis_first, time, 0), instance.integer(own::analysis_last, time, 0)};
    if (range.first == 0 && range.last == 0) {
        const Properties clip = instance.clip_properties(ofx::Source);
        const double first = clip.number("OfxImageEffectPropFrameRange", 0, 0);
        const double last = clip.number("OfxImageEffectPropFrameRange", -1, 1);
        if (!(std::fabs(first) < 1e9 && std::fabs(last) < 1e9) || first > last)
            throw Failure("the host does not say which frames the clip has; give first and last frame");
        range = {static_cast<int>(std::ceil(first)), static_cast<int>(std::floor(last))};
    }
    if (range.first > range.last)
        throw Failure("the first frame is " + std::to_string(range.first) + ", the last " + std::to_string(range.last) +
                      "; give a last frame that is not before the first");
    if (static_cast<long>(range.last) - range.first >= most_frames) throw Failure("the range is longer than a million frames");
    return range;
}

// Whether every frame that was given is one and the same picture, by a hash of its values.
class Sameness {
public:
    void see(const float* values, std::size_t count) {
        std::uint64_t hash = 14695981039346656037u;  // FNV-1a, of words in place of bytes
        for (std::size_t i = 0; i < count; ++i) {
            std::uint32_t bits;
            std::memcpy(&bits, values + i, 4);
            hash = (hash ^ bits) * 1099511628211u;
        }
        if (seen_ && hash != first_) differs_ = true;
        if (!seen_) first_ = hash;
        seen_ = true;
    }
    bool differs() const { return differs_; }

private:
    std::uint64_t first_ = 0;
    bool seen_ = false, differs_ = false;
};

// Gives the frame that the worker asks for.
void give(const Instance& instance, Lane& lane, const Pool& pool, Slot slot, int number, bool cancelled, Sameness& frames) {
    enum Status : std::uint8_t { given = 0, missing = 1, stopped = 2 };
    Writer answer;
    const Image image = cancelled ? Image() : Image(instance, ofx::Source, number);
    answer.u8(cancelled ? stopped : image ? given : missing);
    for (int i = 0; i < 3; ++i) answer.u8(0);
    if (image) {
        if (!same(image.picture().bounds, slot.bounds) || image.picture().channels != slot.channels)
            throw Failure("frame " + std::to_string(number) + " is of another size than the first; analyse shots apart");
        slot.time = number;
        slot.alpha = image.picture().alpha;
        auto* packed = reinterpret_cast<float*>(pool.data() + slot.offset);
        to_packed(image.picture(), packed);
        frames.see(packed, slot.bytes() / 4);
        write_slot(answer, slot, lane.pool_number());
    }
    lane.reply(Type::give, answer);
}

std::vector<Slot> slots_for(const Picture& picture, double time) {
    Slot slot;
    slot.channels = picture.channels;
    slot.alpha = picture.alpha;
    slot.bounds = picture.bounds;
    slot.time = time;
    std::vector<Slot> slots{slot, slot};
    slots[1].role = Role::output;
    return slots;
}

// What the worker answers: the document, and a sentence on what it holds.
struct Analysed {
    std::string document, found;
};

Analysed analyse(const Instance& instance, Order order) {
    const Range range = range_of(instance, order.time);
    if (range.first != range.last && !instance.host.gives_other_times())
        throw Failure("this host gives no other frames than the one that it shows; run: wetgate analyze");
    std::vector<Slot> slots;
    {
        const Image first(instance, ofx::Source, range.first);
        if (!first) throw Failure("the host has no frame " + std::to_string(range.first) + "; give another range");
        if (first.picture().channels == 1) throw Failure("a lone alpha has nothing to analyse");
        slots = slots_for(first.picture(), range.first);
    }
    order.whole = slots[0].bounds;
    const std::size_t size = lay_out(slots);
    Progress progress(instance);
    const Abort aborted = [&] { return progress.cancelled(); };
    Lane lane(instance.host.name(), aborted);
    const Pool& pool = lane.memory(size, aborted);
    Writer body = write_request(instance, order, slots, lane.pool_number());
    body.i32(range.first);
    body.i32(range.last);
    Analysed analysed;
    Sameness frames;
    lane.ask(Type::analyse, body, aborted, [&](const Message& message) {
        Reader said(message.body);
        if (message.type == Type::progress) {
            progress.update(std::min(std::max(said.f64(), 0.0), 1.0));
            return false;
        }
        if (message.type == Type::fetch) {
            give(instance, lane, pool, slots[0], said.i32(), progress.cancelled(), frames);
            return false;
        }
        if (message.type != Type::analysed) throw Failure("the render worker broke the protocol: no ANALYSED");
        analysed.document = said.text(longest_document);
        analysed.found = said.text(longest_sentence);
        said.finish();
        return true;
    });
    if (range.last > range.first && !frames.differs())
        throw Failure("the host gives the same picture for every frame of the range, as one does that ignores time; run:"
                      " wetgate analyze");
    return analysed;
}

}  // namespace

OfxStatus instance_changed(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in) {
    Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const Properties arguments(plugin.host, in);
    const bool button = arguments.text("OfxPropName") == own::analyse && plugin.node->analyzes &&
                        arguments.text("OfxPropChangeReason") == "OfxChangeUserEdited";
    if (!button) return ofx::ReplyDefault;
    try {
        const Analysed analysed = analyse(*instance, read_order(arguments));
        instance->set_text(own::analysis, analysed.document);
        instance->set_text(own::found, analysed.found);
        instance->clear_warning();
    } catch (const Failure& failure) {
        if (failure.cause != Cause::aborted)
            instance->warn("OfxMessageError", std::string(instance->node.label) + ", analysis: " + failure.what());
    }
    return ofx::OK;
}

}  // namespace wetgate
