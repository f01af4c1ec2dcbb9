// Describe and DescribeInContext: the declared nodes as OFX descriptors. Nothing here starts or asks for the worker.
#include <initializer_list>
#include <string>

#include "actions.h"
#include "describe.h"

namespace wetgate {

namespace {

// Float alone where the host lists it, for some hosts take the first that they know; else all that it lists. A host that lists
// none may have bytes alone (the openfx tree's hostDemo), and would hand them over under the name of the one depth declared.
void set_depths(const Properties& effect, const Properties& host) {
    constexpr char name[] = "OfxImageEffectPropSupportedPixelDepths";
    if (host.has_text(name, ofx::Float)) {
        effect.set(name, ofx::Float);
        return;
    }
    const bool silent = host.dimension(name) == 0;
    int index = 0;
    for (const char* depth : {ofx::Float, ofx::Half, ofx::Short, ofx::Byte})
        if (silent || host.has_text(name, depth)) effect.set(name, depth, index++);
}

void set_colour_management(const Properties& effect, const Properties& host) {
    constexpr char style[] = "OfxImageEffectPropColourManagementStyle";
    if (host.text(style).empty()) return;  // older than 1.5
    effect.set(style, "OfxImageEffectColourManagementOCIO");  // and so every lower one
    effect.set("OfxImageEffectPropColourManagementAvailableConfigs", "ofx-native-v1.5_aces-v1.3_ocio-v2.3");
}

bool looks_at_other_times(const Node& node) { return node.analyzes || widest(node.reach) > 0; }

Properties define_clip(const Host& host, OfxImageEffectHandle effect, const char* name) {
    OfxPropertySetHandle clip = nullptr;
    if (host.effect->clipDefine(effect, name, &clip) != ofx::OK) clip = nullptr;
    return {host, clip};
}

Properties define_optional_clip(const Host& host, OfxImageEffectHandle effect, const char* name,
                                std::initializer_list<const char*> components) {
    const Properties clip = define_clip(host, effect, name);
    int index = 0;
    for (const char* kind : components) clip.set("OfxImageEffectPropSupportedComponents", kind, index++);
    clip.set("OfxImageClipPropOptional", 1);
    clip.set("OfxImageEffectPropSupportsTiles", 0);  // whether one has a single value all over is asked of the whole
    return clip;
}

void define_picture_clip(const Plugin& plugin, OfxImageEffectHandle effect, const char* name) {
    const Properties clip = define_clip(plugin.host, effect, name);
    int index = 0;
    for (const char* kind : {ofx::RGBA, ofx::RGB, ofx::Alpha}) clip.set("OfxImageEffectPropSupportedComponents", kind, index++);
    clip.set("OfxImageEffectPropTemporalClipAccess", looks_at_other_times(*plugin.node) ? 1 : 0);
    clip.set("OfxImageEffectPropSupportsTiles", plugin.node->tiles ? 1 : 0);
    clip.set("OfxImageClipPropFieldExtraction", "OfxFieldDoubled");
}

}  // namespace

OfxStatus describe(const Plugin& plugin, OfxImageEffectHandle handle) {
    const Host& host = plugin.host;
    OfxPropertySetHandle set = nullptr;
    if (host.effect->getPropertySet(handle, &set) != ofx::OK) return ofx::Failed;
    const Properties effect{host, set};
    const Properties hosts = host.properties();
    const Node& node = *plugin.node;
    const std::string label = std::string("Wetgate ") + node.label;
    for (const char* name : {"OfxPropLabel", "OfxPropShortLabel", "OfxPropLongLabel"}) effect.set(name, label.c_str());
    effect.set("OfxImageEffectPluginPropGrouping", "Wetgate");
    effect.set("OfxPropPluginDescription", node.help);
    effect.set("OfxPropVersionLabel", software_version);
    effect.set("OfxImageEffectPropSupportedContexts", ofx::Filter, 0);
    effect.set("OfxImageEffectPropSupportedContexts", ofx::General, 1);
    set_depths(effect, hosts);
    set_colour_management(effect, hosts);
    effect.set("OfxImageEffectPluginRenderThreadSafety", "OfxImageEffectRenderFullySafe");
    effect.set("OfxImageEffectPluginPropHostFrameThreading", 0);
    effect.set("OfxImageEffectPluginPropSingleInstance", 0);
    effect.set("OfxImageEffectPluginPropFieldRenderTwiceAlways", 0);
    effect.set("OfxImageEffectPropSupportsMultiResolution", 1);
    effect.set("OfxImageEffectPropSupportsTiles", node.tiles ? 1 : 0);
    effect.set("OfxImageEffectPropTemporalClipAccess", looks_at_other_times(node) ? 1 : 0);
    effect.set("OfxImageEffectPropMultipleClipDepths", 0);
    effect.set("OfxImageEffectPropSupportsMultipleClipPARs", 0);
    effect.set("OfxImageEffectInstancePropSequentialRender", 0);
    return ofx::OK;
}

OfxStatus describe_in_context(const Plugin& plugin, OfxImageEffectHandle handle, OfxPropertySetHandle in) {
    const Host& host = plugin.host;
    if (host.effect->clipDefine == nullptr || host.parameter->paramDefine == nullptr || host.effect->getParamSet == nullptr)
        return ofx::ErrMissingHostFeature;
    define_picture_clip(plugin, handle, ofx::Source);
    define_picture_clip(plugin, handle, ofx::Output);
    const bool general = Properties(host, in).text("OfxImageEffectPropContext") == ofx::General;
    if (general) {
        define_optional_clip(host, handle, ofx::Mask, {ofx::Alpha, ofx::RGBA}).set("OfxImageClipPropIsMask", 1);
        define_optional_clip(host, handle, ofx::Infrared, {ofx::Alpha, ofx::RGBA, ofx::RGB});
        define_optional_clip(host, handle, ofx::Reference, {ofx::RGBA, ofx::RGB});
    }
    OfxParamSetHandle params = nullptr;
    if (host.effect->getParamSet(handle, &params) != ofx::OK) return ofx::Failed;
    define_params(plugin, params, general);
    return ofx::OK;
}

}  // namespace wetgate
