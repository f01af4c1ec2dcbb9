// A plug-in in the small host, and pictures for it to work.
#pragma once

#include <dlfcn.h>

#include <memory>

#include "host.h"

namespace probe {

// A plug-in, loaded and described.
class Plugin {
public:
    explicit Plugin(OfxPlugin* plugin) : plugin_(plugin) {
        plugin_->setHost(&host);
        demand("OfxActionLoad", nullptr, nullptr);
        demand("OfxActionDescribe", &descriptor_, nullptr);
        Set context;
        put(context, "OfxImageEffectPropContext", ofx::Filter);
        demand("OfxImageEffectActionDescribeInContext", &descriptor_, &context);
    }
    ~Plugin() { act("OfxActionUnload", nullptr, nullptr, nullptr); }
    Plugin(const Plugin&) = delete;
    Plugin& operator=(const Plugin&) = delete;

    std::unique_ptr<Effect> create() {
        auto made = std::make_unique<Effect>(descriptor_);
        for (const char* name : {ofx::Source, ofx::Output}) {
            Set& clip = made->clips[name];
            put(clip, "OfxImageClipPropConnected", {1});
            put(clip, "OfxImageEffectPropComponents", ofx::RGBA);
            put(clip, "OfxImageEffectPropPixelDepth", ofx::Float);
            put(clip, "OfxImagePropPixelAspectRatio", {1});
        }
        demand("OfxActionCreateInstance", made.get(), nullptr);
        return made;
    }
    void destroy(std::unique_ptr<Effect> effect) { demand("OfxActionDestroyInstance", effect.get(), nullptr); }

    // The status of the Render action, for the window of a picture that is `width` by `height` of the whole.
    OfxStatus try_render(Effect& effect, Pictures& pictures, double time, int width, int height) {
        current = &pictures;
        asked_for_strength = 0;
        Set in;
        put(in, "OfxPropTime", {time});
        put(in, "OfxImageEffectPropFieldToRender", "OfxFieldNone");
        put(in, "OfxImageEffectPropRenderWindow", {0, 0, static_cast<double>(width), static_cast<double>(height)});
        put(in, "OfxImageEffectPropRenderScale", {1, 1});
        return act("OfxImageEffectActionRender", &effect, &in, nullptr);
    }
    OfxStatus try_render(Effect& effect, Pictures& pictures, double time) {
        return try_render(effect, pictures, time, pictures.width, pictures.height);
    }
    void render(Effect& effect, Pictures& pictures, double time) {
        const OfxStatus status = try_render(effect, pictures, time);
        if (status != ofx::OK) fail("Render: status " + std::to_string(status));
    }

    const Effect& described() const { return descriptor_; }

    OfxStatus act(const char* action, Effect* effect, Set* in, Set* out) {
        return plugin_->mainEntry(action, effect, in == nullptr ? nullptr : handle_of(*in), out == nullptr ? nullptr : handle_of(*out));
    }

private:
    void demand(const char* action, Effect* effect, Set* in) {
        const OfxStatus status = act(action, effect, in, nullptr);
        if (status != ofx::OK && status != ofx::ReplyDefault) fail(std::string(action) + ": status " + std::to_string(status));
    }

    OfxPlugin* plugin_;
    Effect descriptor_;
};

// A bundle's binary, in memory as long as this is.
class Library {
public:
    explicit Library(const char* path) : library_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
        if (library_ == nullptr) fail(dlerror());
    }
    ~Library() { dlclose(library_); }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    OfxPlugin* plugin(const std::string& id) const {
        const auto count = reinterpret_cast<int (*)()>(dlsym(library_, "OfxGetNumberOfPlugins"));
        const auto get = reinterpret_cast<OfxPlugin* (*)(int)>(dlsym(library_, "OfxGetPlugin"));
        for (int i = 0; i < count(); ++i)
            if (id == get(i)->pluginIdentifier) return get(i);
        fail("no plug-in " + id);
    }

private:
    void* library_;
};

inline Pictures pictures_of(int width, int height, int seed) {
    Pictures made;
    made.width = width;
    made.height = height;
    made.source.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 4);
    unsigned state = static_cast<unsigned>(seed) * 2654435761u + 1;
    for (float& value : made.source) {
        state = state * 1664525u + 1013904223u;
        value = static_cast<float>(state >> 8) / 16777216.0f;
    }
    made.target.assign(made.source.size(), -1.0f);
    return made;
}

inline void demand_echo(Pictures& pictures) {
    if (std::memcmp(pictures.source.data(), pictures.target.data(), 4 * pictures.source.size()) != 0) fail("the picture differs");
    std::fill(pictures.target.begin(), pictures.target.end(), -1.0f);
}

}  // namespace probe
