// A small OFX host for what Python would blur: memory, threads and time. It loads the bundle and renders through one plug-in.
//
//   probe BUNDLE.ofx PLUGIN-ID echo|renders|cycles|loads|threads COUNT WIDTHxHEIGHT [THREADS [INSTANCES]]
//
// It prints lines "name value". Every rendered picture must be the source again, which is so where the worker answers with the
// source's place: the test worker "echo", or a node at strength 0. The plug-in would not ask the worker for the latter, so the
// first question for `strength` in a render is answered with 1.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ofx.h"

namespace {

struct Value {
    double number = 0;
    std::string text;
    void* pointer = nullptr;
};

using Set = std::map<std::string, std::vector<Value>>;

struct Param {
    std::string type;
    Set props;
};

struct Effect {
    Set props;
    std::map<std::string, Set> clips;
    std::map<std::string, Param> params;
};

// What the render of a thread reads and writes.
struct Pictures {
    std::vector<float> source, target;
    int width = 0, height = 0;
};

thread_local Pictures* current = nullptr;
thread_local int asked_for_strength = 0;
std::mutex message_lock;
int messages = 0;

[[noreturn]] void fail(const std::string& what) {
    std::printf("failed %s\n", what.c_str());
    std::fflush(stdout);
    std::_Exit(1);
}

Set* set_of(OfxPropertySetHandle handle) { return reinterpret_cast<Set*>(handle); }
OfxPropertySetHandle handle_of(Set& set) { return reinterpret_cast<OfxPropertySetHandle>(&set); }
Effect* effect_of(OfxImageEffectHandle handle) { return reinterpret_cast<Effect*>(handle); }

Value& slot(OfxPropertySetHandle set, const char* name, int index) {
    std::vector<Value>& values = (*set_of(set))[name];
    if (values.size() <= static_cast<std::size_t>(index)) values.resize(static_cast<std::size_t>(index) + 1);
    return values[static_cast<std::size_t>(index)];
}

const Value* find(OfxPropertySetHandle set, const char* name, int index) {
    const auto found = set_of(set)->find(name);
    if (found == set_of(set)->end() || index < 0 || static_cast<std::size_t>(index) >= found->second.size()) return nullptr;
    return &found->second[static_cast<std::size_t>(index)];
}

void put(Set& set, const char* name, std::initializer_list<double> numbers) {
    int index = 0;
    for (const double number : numbers) slot(handle_of(set), name, index++).number = number;
}

void put(Set& set, const char* name, const char* text, int index = 0) { slot(handle_of(set), name, index).text = text; }

constexpr int unknown = 3;

const OfxPropertySuiteV1 property_suite = {
    [](OfxPropertySetHandle set, const char* name, int index, void* value) -> OfxStatus {
        slot(set, name, index).pointer = value;
        return ofx::OK;
    },
    [](OfxPropertySetHandle set, const char* name, int index, const char* value) -> OfxStatus {
        slot(set, name, index).text = value;
        return ofx::OK;
    },
    [](OfxPropertySetHandle set, const char* name, int index, double value) -> OfxStatus {
        slot(set, name, index).number = value;
        return ofx::OK;
    },
    [](OfxPropertySetHandle set, const char* name, int index, int value) -> OfxStatus {
        slot(set, name, index).number = value;
        return ofx::OK;
    },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    [](OfxPropertySetHandle set, const char* name, int index, void** value) -> OfxStatus {
        const Value* found = find(set, name, index);
        if (found == nullptr) return unknown;
        *value = found->pointer;
        return ofx::OK;
    },
    [](OfxPropertySetHandle set, const char* name, int index, char** value) -> OfxStatus {
        const Value* found = find(set, name, index);
        if (found == nullptr) return unknown;
        *value = const_cast<char*>(found->text.c_str());
        return ofx::OK;
    },
    [](OfxPropertySetHandle set, const char* name, int index, double* value) -> OfxStatus {
        const Value* found = find(set, name, index);
        if (found == nullptr) return unknown;
        *value = found->number;
        return ofx::OK;
    },
    [](OfxPropertySetHandle set, const char* name, int index, int* value) -> OfxStatus {
        const Value* found = find(set, name, index);
        if (found == nullptr) return unknown;
        *value = static_cast<int>(found->number);
        return ofx::OK;
    },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    [](OfxPropertySetHandle set, const char* name, int* count) -> OfxStatus {
        const auto found = set_of(set)->find(name);
        *count = found == set_of(set)->end() ? 0 : static_cast<int>(found->second.size());
        return ofx::OK;
    },
};

OfxPropertySetHandle clip_set(Effect* effect, const char* name) {
    const auto found = effect->clips.find(name);
    return found == effect->clips.end() ? nullptr : handle_of(found->second);
}

OfxStatus get_image(OfxImageClipHandle clip, OfxTime time, const OfxRectD*, OfxPropertySetHandle* image) {
    const auto* name = find(reinterpret_cast<OfxPropertySetHandle>(clip), "OfxPropName", 0);
    if (current == nullptr || name == nullptr || (name->text != ofx::Source && name->text != ofx::Output)) return ofx::Failed;
    auto* set = new Set;
    Pictures& pictures = *current;
    const double width = pictures.width, height = pictures.height;
    std::vector<float>& pixels = name->text == ofx::Source ? pictures.source : pictures.target;
    put(*set, "OfxImagePropBounds", {0, 0, width, height});
    put(*set, "OfxImagePropRegionOfDefinition", {0, 0, width, height});
    put(*set, "OfxImagePropRowBytes", {16 * width});
    put(*set, "OfxImageEffectPropRenderScale", {1, 1});
    put(*set, "OfxImagePropPixelAspectRatio", {1});
    put(*set, "OfxImageEffectPropPixelDepth", ofx::Float);
    put(*set, "OfxImageEffectPropComponents", ofx::RGBA);
    put(*set, "OfxImageEffectPropPreMultiplication", "OfxImageAlphaUnPremultiplied");
    put(*set, "OfxImagePropField", "OfxFieldNone");
    put(*set, "OfxImagePropUniqueIdentifier", (name->text + std::to_string(time)).c_str());
    slot(handle_of(*set), "OfxImagePropData", 0).pointer = pixels.data();
    *image = handle_of(*set);
    return ofx::OK;
}

const OfxImageEffectSuiteV1 effect_suite = {
    [](OfxImageEffectHandle effect, OfxPropertySetHandle* set) -> OfxStatus {
        *set = handle_of(effect_of(effect)->props);
        return ofx::OK;
    },
    [](OfxImageEffectHandle effect, OfxParamSetHandle* set) -> OfxStatus {
        *set = reinterpret_cast<OfxParamSetHandle>(effect);
        return ofx::OK;
    },
    [](OfxImageEffectHandle effect, const char* name, OfxPropertySetHandle* set) -> OfxStatus {
        Set& clip = effect_of(effect)->clips[name];
        put(clip, "OfxPropName", name);
        if (set != nullptr) *set = handle_of(clip);
        return ofx::OK;
    },
    [](OfxImageEffectHandle effect, const char* name, OfxImageClipHandle* clip, OfxPropertySetHandle* set) -> OfxStatus {
        const OfxPropertySetHandle found = clip_set(effect_of(effect), name);
        if (found == nullptr) return ofx::ErrBadHandle;
        if (set != nullptr) *set = found;
        *clip = reinterpret_cast<OfxImageClipHandle>(found);
        return ofx::OK;
    },
    [](OfxImageClipHandle clip, OfxPropertySetHandle* set) -> OfxStatus {
        *set = reinterpret_cast<OfxPropertySetHandle>(clip);
        return ofx::OK;
    },
    get_image,
    [](OfxPropertySetHandle image) -> OfxStatus {
        delete set_of(image);
        return ofx::OK;
    },
    [](OfxImageClipHandle, OfxTime, OfxRectD* region) -> OfxStatus {
        *region = {0, 0, static_cast<double>(current->width), static_cast<double>(current->height)};
        return ofx::OK;
    },
    [](OfxImageEffectHandle) -> int { return 0; },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

OfxStatus value_at_time(OfxParamHandle handle, OfxTime time, ...) {
    (void)time;
    auto* param = reinterpret_cast<Param*>(handle);
    va_list to;
    va_start(to, time);
    const auto found = param->props.find("OfxParamPropDefault");
    const auto at = [&](std::size_t index) {
        return found == param->props.end() || index >= found->second.size() ? nullptr : &found->second[index];
    };
    if (param->type == "OfxParamTypeString" || param->type == "OfxParamTypeCustom") {
        static char nothing[] = "";
        *va_arg(to, char**) = at(0) == nullptr ? nothing : const_cast<char*>(at(0)->text.c_str());
    } else if (param->type == "OfxParamTypeInteger" || param->type == "OfxParamTypeBoolean" || param->type == "OfxParamTypeChoice") {
        *va_arg(to, int*) = at(0) == nullptr ? 0 : static_cast<int>(at(0)->number);
    } else {
        const std::size_t count = param->type == "OfxParamTypeRGB" ? 3 : param->type == "OfxParamTypeDouble2D" ? 2 : 1;
        const bool strength = find(handle_of(param->props), "OfxPropName", 0)->text == "strength";
        for (std::size_t i = 0; i < count; ++i) {
            double* into = va_arg(to, double*);
            *into = strength ? (asked_for_strength++ == 0 ? 1 : 0) : at(i) == nullptr ? 0 : at(i)->number;
        }
    }
    va_end(to);
    return ofx::OK;
}

const OfxParameterSuiteV1 parameter_suite = {
    [](OfxParamSetHandle set, const char* type, const char* name, OfxPropertySetHandle* props) -> OfxStatus {
        Param& param = reinterpret_cast<Effect*>(set)->params[name];
        param.type = type;
        put(param.props, "OfxPropName", name);
        if (props != nullptr) *props = handle_of(param.props);
        return ofx::OK;
    },
    [](OfxParamSetHandle set, const char* name, OfxParamHandle* param, OfxPropertySetHandle* props) -> OfxStatus {
        auto& params = reinterpret_cast<Effect*>(set)->params;
        const auto found = params.find(name);
        if (found == params.end()) return unknown;
        *param = reinterpret_cast<OfxParamHandle>(&found->second);
        if (props != nullptr) *props = handle_of(found->second.props);
        return ofx::OK;
    },
    nullptr,
    [](OfxParamHandle param, OfxPropertySetHandle* props) -> OfxStatus {
        *props = handle_of(reinterpret_cast<Param*>(param)->props);
        return ofx::OK;
    },
    nullptr,
    value_at_time,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

OfxStatus say(void*, const char* type, const char*, const char* format, ...) {
    const std::lock_guard<std::mutex> hold(message_lock);
    if (std::strcmp(type, "OfxMessageLog") == 0) return ofx::OK;
    ++messages;
    va_list values;
    va_start(values, format);
    std::vfprintf(stderr, format, values);
    va_end(values);
    std::fputc('\n', stderr);
    return ofx::OK;
}

const OfxMessageSuiteV2 message_suite = {say, say, [](void*) -> OfxStatus { return ofx::OK; }};

Set host_set;

const void* fetch_suite(OfxPropertySetHandle, const char* name, int version) {
    const std::string wanted = name;
    if (wanted == "OfxPropertySuite" && version == 1) return &property_suite;
    if (wanted == "OfxImageEffectSuite" && version == 1) return &effect_suite;
    if (wanted == "OfxParameterSuite" && version == 1) return &parameter_suite;
    if (wanted == "OfxMessageSuite" && version <= 2) return &message_suite;
    return nullptr;
}

OfxHost host;

void describe_host() {
    put(host_set, "OfxPropName", "io.wetgate.probe");
    put(host_set, "OfxImageEffectPropSupportedPixelDepths", ofx::Float);
    put(host_set, "OfxImageEffectPropTemporalClipAccess", {0});
    put(host_set, "OfxImageEffectPropSupportsMultiResolution", {1});
    host = {handle_of(host_set), fetch_suite};
}

// A loaded binary and one of its plug-ins, described.
class Plugin {
public:
    Plugin(const char* path, const std::string& id) : library_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
        if (library_ == nullptr) fail(dlerror());
        const auto count = reinterpret_cast<int (*)()>(dlsym(library_, "OfxGetNumberOfPlugins"));
        const auto get = reinterpret_cast<OfxPlugin* (*)(int)>(dlsym(library_, "OfxGetPlugin"));
        for (int i = 0; i < count(); ++i)
            if (id == get(i)->pluginIdentifier) plugin_ = get(i);
        if (plugin_ == nullptr) fail("no plug-in " + id);
        plugin_->setHost(&host);
        act("OfxActionLoad", nullptr, nullptr, nullptr);
        act("OfxActionDescribe", &descriptor_, nullptr, nullptr);
        Set context;
        put(context, "OfxImageEffectPropContext", ofx::Filter);
        act("OfxImageEffectActionDescribeInContext", &descriptor_, &context, nullptr);
    }
    ~Plugin() {
        act("OfxActionUnload", nullptr, nullptr, nullptr);
        dlclose(library_);
    }

    std::unique_ptr<Effect> create() {
        auto made = std::make_unique<Effect>(descriptor_);
        for (const char* name : {ofx::Source, ofx::Output}) {
            Set& clip = made->clips[name];
            put(clip, "OfxImageClipPropConnected", {1});
            put(clip, "OfxImageEffectPropComponents", ofx::RGBA);
            put(clip, "OfxImageEffectPropPixelDepth", ofx::Float);
            put(clip, "OfxImagePropPixelAspectRatio", {1});
        }
        act("OfxActionCreateInstance", made.get(), nullptr, nullptr);
        return made;
    }
    void destroy(std::unique_ptr<Effect> effect) { act("OfxActionDestroyInstance", effect.get(), nullptr, nullptr); }

    void render(Effect& effect, Pictures& pictures, double time) {
        current = &pictures;
        asked_for_strength = 0;
        Set in;
        put(in, "OfxPropTime", {time});
        put(in, "OfxImageEffectPropFieldToRender", "OfxFieldNone");
        put(in, "OfxImageEffectPropRenderWindow",
            {0, 0, static_cast<double>(pictures.width), static_cast<double>(pictures.height)});
        put(in, "OfxImageEffectPropRenderScale", {1, 1});
        act("OfxImageEffectActionRender", &effect, &in, nullptr);
    }

private:
    void act(const char* action, Effect* effect, Set* in, Set* out) {
        const OfxStatus status = plugin_->mainEntry(action, effect, in == nullptr ? nullptr : handle_of(*in),
                                                    out == nullptr ? nullptr : handle_of(*out));
        if (status != ofx::OK && status != ofx::ReplyDefault) fail(std::string(action) + ": status " + std::to_string(status));
    }

    void* library_;
    OfxPlugin* plugin_ = nullptr;
    Effect descriptor_;
};

Pictures pictures_of(int width, int height, int seed) {
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

void demand_echo(Pictures& pictures) {
    if (std::memcmp(pictures.source.data(), pictures.target.data(), 4 * pictures.source.size()) != 0) fail("the picture differs");
    std::fill(pictures.target.begin(), pictures.target.end(), -1.0f);
}

long resident() {  // KiB
    long size = 0, pages = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%ld %ld", &size, &pages) != 2) fail("no /proc/self/statm");
    std::fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

double milliseconds() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// One Render action beside the two copies that it cannot do without, by turns.
void echo(const char* path, const std::string& id, int runs, int width, int height) {
    Plugin plugin(path, id);
    auto effect = plugin.create();
    Pictures pictures = pictures_of(width, height, 1);
    std::vector<float> between(pictures.source.size(), 0.0f);
    const std::size_t bytes = 4 * between.size();
    std::vector<double> copies, trips;
    for (int run = -3; run < runs; ++run) {
        double began = milliseconds();
        std::memcpy(between.data(), pictures.source.data(), bytes);
        std::memcpy(pictures.target.data(), between.data(), bytes);
        if (run >= 0) copies.push_back(milliseconds() - began);
        began = milliseconds();
        plugin.render(*effect, pictures, run + 3);
        if (run >= 0) trips.push_back(milliseconds() - began);
        if (std::memcmp(pictures.source.data(), pictures.target.data(), bytes) != 0) fail("the picture differs");
    }
    plugin.destroy(std::move(effect));
    std::printf("copies_ms %.3f\necho_ms %.3f\nratio %.3f\n", median(copies), median(trips), median(trips) / median(copies));
}

void renders(const char* path, const std::string& id, int count, int width, int height) {
    Plugin plugin(path, id);
    auto effect = plugin.create();
    Pictures pictures = pictures_of(width, height, 1);
    for (int number = 0; number <= count; ++number) {
        plugin.render(*effect, pictures, number);
        demand_echo(pictures);
        if (number % std::max(1, count / 10) == 0) std::printf("rss_kib %ld\n", resident());
    }
    plugin.destroy(std::move(effect));
}

void cycles(const char* path, const std::string& id, int count, int width, int height) {
    Plugin plugin(path, id);
    Pictures pictures = pictures_of(width, height, 1);
    for (int number = 0; number <= count; ++number) {
        auto effect = plugin.create();
        plugin.render(*effect, pictures, number);
        demand_echo(pictures);
        plugin.destroy(std::move(effect));
        if (number % std::max(1, count / 10) == 0) std::printf("rss_kib %ld\n", resident());
    }
}

void loads(const char* path, const std::string& id, int count, int width, int height) {
    Pictures pictures = pictures_of(width, height, 1);
    for (int number = 0; number <= count; ++number) {
        Plugin plugin(path, id);
        auto effect = plugin.create();
        plugin.render(*effect, pictures, number);
        demand_echo(pictures);
        plugin.destroy(std::move(effect));
        if (number % std::max(1, count / 10) == 0) std::printf("rss_kib %ld\n", resident());
    }
}

// Several threads render at once, over one instance or many.
void threads(const char* path, const std::string& id, int count, int width, int height, int at_once, int instances) {
    Plugin plugin(path, id);
    std::vector<std::unique_ptr<Effect>> effects;
    for (int i = 0; i < instances; ++i) effects.push_back(plugin.create());
    std::vector<std::thread> running;
    const double began = milliseconds();
    for (int thread = 0; thread < at_once; ++thread)
        running.emplace_back([&, thread] {
            Pictures pictures = pictures_of(width, height, thread);
            for (int number = 0; number < count; ++number) {
                const auto which = static_cast<std::size_t>(thread + number * at_once) % effects.size();
                plugin.render(*effects[which], pictures, number);
                demand_echo(pictures);
            }
        });
    for (std::thread& thread : running) thread.join();
    std::printf("frames_per_s %.2f\n", 1000.0 * at_once * count / (milliseconds() - began));
    for (auto& effect : effects) plugin.destroy(std::move(effect));
}

}  // namespace

int main(int count, char** argument) {
    if (count < 6) fail("probe BUNDLE.ofx PLUGIN-ID echo|renders|cycles|loads|threads COUNT WIDTHxHEIGHT [THREADS [INSTANCES]]");
    int width = 0, height = 0;
    if (std::sscanf(argument[5], "%dx%d", &width, &height) != 2) fail("the size is not WIDTHxHEIGHT");
    const std::string id = argument[2], mode = argument[3];
    const int times = std::atoi(argument[4]);
    describe_host();
    if (mode == "echo")
        echo(argument[1], id, times, width, height);
    else if (mode == "renders")
        renders(argument[1], id, times, width, height);
    else if (mode == "cycles")
        cycles(argument[1], id, times, width, height);
    else if (mode == "loads")
        loads(argument[1], id, times, width, height);
    else if (mode == "threads")
        threads(argument[1], id, times, width, height, count > 6 ? std::atoi(argument[6]) : 8, count > 7 ? std::atoi(argument[7]) : 1);
    else
        fail("no mode " + mode);
    if (messages != 0) fail("the plug-in complained");
    return 0;
}
