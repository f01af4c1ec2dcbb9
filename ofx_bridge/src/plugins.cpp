// What the binary exports, and where an action goes. Nothing is thrown past handle_action.
#include "plugins.h"

#include <cstring>
#include <mutex>
#include <new>

#include "actions.h"
#include "worker.h"

#if defined(_WIN32)
#define WETGATE_EXPORT extern "C" __declspec(dllexport)
#else
#define WETGATE_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace wetgate {

namespace {

Plugin loaded[most_plugins];
std::mutex load_lock;
int loads_in_all = 0;

OfxStatus load(Plugin& plugin) {
    const std::lock_guard<std::mutex> hold(load_lock);
    if ((plugin.loads == 0 || plugin.host.host != plugin.given) && !plugin.host.load(plugin.given)) return ofx::ErrMissingHostFeature;
    ++plugin.loads;
    ++loads_in_all;
    return ofx::OK;
}

// A host may load a plug-in for every frame and unload it once (MLT), so an unload undoes all of its loads.
OfxStatus unload(Plugin& plugin) {
    const std::lock_guard<std::mutex> hold(load_lock);
    loads_in_all -= plugin.loads;
    plugin.loads = 0;
    if (loads_in_all == 0) stop_worker();
    return ofx::OK;
}

OfxStatus act(Plugin& plugin, const char* action, const void* handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    const auto is = [action](const char* name) { return std::strcmp(action, name) == 0; };
    const auto effect = static_cast<OfxImageEffectHandle>(const_cast<void*>(handle));
    if (is("OfxActionLoad")) return load(plugin);
    if (is("OfxActionUnload")) return unload(plugin);
    if (plugin.loads == 0) return ofx::Failed;  // every other action needs the suites
    if (is("OfxActionDescribe")) return describe(plugin, effect);
    if (is("OfxImageEffectActionDescribeInContext")) return describe_in_context(plugin, effect, in);
    if (is("OfxActionCreateInstance")) return create_instance(plugin, effect);
    if (is("OfxActionDestroyInstance")) return destroy_instance(plugin, effect);
    if (is("OfxImageEffectActionRender")) return render(plugin, effect, in);
    if (is("OfxImageEffectActionIsIdentity")) return is_identity(plugin, effect, in, out);
    if (is("OfxImageEffectActionGetRegionOfDefinition")) return region_of_definition(plugin, effect, in, out);
    if (is("OfxImageEffectActionGetRegionsOfInterest")) return regions_of_interest(plugin, effect, in, out);
    if (is("OfxImageEffectActionGetFramesNeeded")) return frames_needed(plugin, effect, in, out);
    if (is("OfxImageEffectActionGetClipPreferences")) return clip_preferences(plugin, effect, out);
    if (is("OfxImageEffectActionGetOutputColourspace")) return output_colour_space(plugin, effect, out);
    if (is("OfxActionInstanceChanged")) return instance_changed(plugin, effect, in);
    if (is("OfxActionPurgeCaches")) {
        purge_worker();
        return ofx::OK;
    }
    return ofx::ReplyDefault;
}

}  // namespace

Plugin& plugin_at(int place) {
    Plugin& plugin = loaded[place];
    if (plugin.node == nullptr) plugin.node = &nodes[place];  // by the first action, before there are threads
    return plugin;
}

OfxStatus handle_action(Plugin& plugin, const char* action, const void* handle, OfxPropertySetHandle in,
                        OfxPropertySetHandle out) noexcept {
    if (action == nullptr) return ofx::ReplyDefault;
    try {
        return act(plugin, action, handle, in, out);
    } catch (const std::bad_alloc&) {
        return ofx::ErrMemory;
    } catch (...) {
        return ofx::Failed;
    }
}

}  // namespace wetgate

WETGATE_EXPORT OfxStatus OfxSetHost(const OfxHost* host) { return host == nullptr ? ofx::Failed : ofx::OK; }

WETGATE_EXPORT int OfxGetNumberOfPlugins() { return wetgate::node_count; }

WETGATE_EXPORT OfxPlugin* OfxGetPlugin(int nth) {
    return nth >= 0 && nth < wetgate::node_count ? &wetgate::plugins[nth] : nullptr;
}
