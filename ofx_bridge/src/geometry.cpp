// What hosts ask before they render: identity, regions, frames, preferences, colour of the result.
#include <cmath>
#include <string>

#include "actions.h"
#include "instance.h"
#include "own_params.h"

namespace wetgate {

namespace {

bool region_of_clip(const Instance& instance, const char* name, double time, OfxRectD& region) {
    const OfxImageClipHandle clip = instance.clip(name);
    return clip != nullptr && instance.host.effect->clipGetRegionOfDefinition != nullptr &&
           instance.host.effect->clipGetRegionOfDefinition(clip, time, &region) == ofx::OK;
}

void set_rectangle(const Properties& out, const std::string& name, const OfxRectD& rect) {
    const double sides[4] = {rect.x1, rect.y1, rect.x2, rect.y2};
    for (int i = 0; i < 4; ++i) out.set(name.c_str(), sides[i], i);
}

}  // namespace

// A lone alpha is no colour, and alpha goes through untouched.
OfxStatus is_identity(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const double time = Properties(plugin.host, in).number("OfxPropTime", 0);
    const std::string components = instance->clip_properties(ofx::Output).text("OfxImageEffectPropComponents");
    if (components != ofx::Alpha && !instance->is_identity(time)) return ofx::ReplyDefault;
    const Properties answer(plugin.host, out);
    answer.set("OfxPropName", ofx::Source);
    answer.set("OfxPropTime", time);
    return ofx::OK;
}

// The picture is the source's, whatever a mask covers.
OfxStatus region_of_definition(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                               OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    OfxRectD region{};
    if (!region_of_clip(*instance, ofx::Source, Properties(plugin.host, in).number("OfxPropTime", 0), region))
        return ofx::ReplyDefault;
    set_rectangle({plugin.host, out}, "OfxImageEffectPropRegionOfDefinition", region);
    return ofx::OK;
}

// Nodes look at whole pictures.
OfxStatus regions_of_interest(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                              OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const double time = Properties(plugin.host, in).number("OfxPropTime", 0);
    bool any = false;
    for (const char* name : {ofx::Source, ofx::Mask}) {
        OfxRectD region{};
        if (!region_of_clip(*instance, name, time, region)) continue;
        set_rectangle({plugin.host, out}, std::string("OfxImageClipPropRoI_") + name, region);
        any = true;
    }
    return any ? ofx::OK : ofx::ReplyDefault;
}

OfxStatus frames_needed(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                        OfxPropertySetHandle out) {
    const int reach = plugin.node->reach;
    if (reach == 0 || Instance::of(plugin, effect) == nullptr) return ofx::ReplyDefault;
    const double time = Properties(plugin.host, in).number("OfxPropTime", 0);
    const Properties answer(plugin.host, out);
    const std::string name = std::string("OfxImageClipPropFrameRange_") + ofx::Source;
    answer.set(name.c_str(), time - reach, 0);
    answer.set(name.c_str(), time + reach, 1);
    return ofx::OK;
}

// Noise and analysed curves go by the frame number, so a still does not stay one.
OfxStatus clip_preferences(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle out) {
    if (Instance::of(plugin, effect) == nullptr) return ofx::Failed;
    return Properties(plugin.host, out).set("OfxImageEffectFrameVarying", 1) ? ofx::OK : ofx::ReplyDefault;
}

OfxStatus output_colour_space(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle out) {
    const Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::Failed;
    const std::string chosen =
        plugin.node->hdr_output ? instance->chosen_space(own::output_space, own::output_space_name, 0) : "";
    const char* name = chosen.empty() ? "OfxColourspace_Source" : chosen.c_str();
    return Properties(plugin.host, out).set("OfxImageClipPropColourspace", name) ? ofx::OK : ofx::ReplyDefault;
}

}  // namespace wetgate
