// The plug-ins of the bundle, one a node. An OFX entry point is not told which plug-in it was called for, so each has its own.
#pragma once

#include "host.h"
#include "nodes.h"

namespace wetgate {

// One plug-in as the host has loaded it.
struct Plugin {
    const Node* node = nullptr;
    OfxHost* given = nullptr;  // by setHost; good for the life of the binary
    Host host;
    int loads = 0;
};

inline constexpr char api[] = "OfxImageEffectPluginAPI";
inline constexpr int most_plugins = 256;

extern OfxPlugin plugins[];

Plugin& plugin_at(int place);
OfxStatus handle_action(Plugin& plugin, const char* action, const void* handle, OfxPropertySetHandle in,
                        OfxPropertySetHandle out) noexcept;

template <int place>
void set_host(OfxHost* host) {
    plugin_at(place).given = host;
}

template <int place>
OfxStatus enter(const char* action, const void* handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    static_assert(place < most_plugins, "more nodes than plug-ins that the shim has room for");
    return handle_action(plugin_at(place), action, handle, in, out);
}

}  // namespace wetgate
