// A small OFX host: suites over plain maps, clips of float RGBA.
#pragma once

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "ofx.h"

namespace probe {

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

inline thread_local Pictures* current = nullptr;
inline thread_local int asked_for_strength = 0;
inline std::mutex message_lock;
inline int messages = 0;
inline bool quiet = false;  // messages are counted and not shown

[[noreturn]] inline void fail(const std::string& what) {
    std::printf("failed %s\n", what.c_str());
    std::fflush(stdout);
    std::abort();  // which a fuzzer takes note of
}

inline Set* set_of(OfxPropertySetHandle handle) { return reinterpret_cast<Set*>(handle); }
inline OfxPropertySetHandle handle_of(Set& set) { return reinterpret_cast<OfxPropertySetHandle>(&set); }
inline Effect* effect_of(OfxImageEffectHandle handle) { return reinterpret_cast<Effect*>(handle); }

inline Value& slot(OfxPropertySetHandle set, const char* name, int index) {
    std::vector<Value>& values = (*set_of(set))[name];
    if (values.size() <= static_cast<std::size_t>(index)) values.resize(static_cast<std::size_t>(index) + 1);
    return values[static_cast<std::size_t>(index)];
}

inline const Value* find(OfxPropertySetHandle set, const char* name, int index) {
    const auto found = set_of(set)->find(name);
    if (found == set_of(set)->end() || index < 0 || static_cast<std::size_t>(index) >= found->second.size()) return nullptr;
    return &found->second[static_cast<std::size_t>(index)];
}

inline void put(Set& set, const char* name, std::initializer_list<double> numbers) {
    int index = 0;
    for (const double number : numbers) slot(handle_of(set), name, index++).number = number;
}

inline void put(Set& set, const char* name, const char* text, int index = 0) { slot(handle_of(set), name, index).text = text; }

constexpr int unknown = 3;

inline OfxPropertySuiteV1 property_suite = {
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

inline OfxPropertySetHandle clip_set(Effect* effect, const char* name) {
    const auto found = effect->clips.find(name);
    return found == effect->clips.end() ? nullptr : handle_of(found->second);
}

inline OfxStatus get_image(OfxImageClipHandle clip, OfxTime time, const OfxRectD*, OfxPropertySetHandle* image) {
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

inline OfxImageEffectSuiteV1 effect_suite = {
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

inline OfxStatus value_at_time(OfxParamHandle handle, OfxTime time, ...) {
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

inline OfxParameterSuiteV1 parameter_suite = {
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

inline OfxStatus say(void*, const char* type, const char*, const char* format, ...) {
    const std::lock_guard<std::mutex> hold(message_lock);
    if (std::strcmp(type, "OfxMessageLog") == 0) return ofx::OK;
    ++messages;
    if (quiet) return ofx::OK;
    va_list values;
    va_start(values, format);
    std::vfprintf(stderr, format, values);
    va_end(values);
    std::fputc('\n', stderr);
    return ofx::OK;
}

inline OfxMessageSuiteV2 message_suite = {say, say, [](void*) -> OfxStatus { return ofx::OK; }};

inline Set host_set;

inline const void* fetch_suite(OfxPropertySetHandle, const char* name, int version) {
    const std::string wanted = name;
    if (wanted == "OfxPropertySuite" && version == 1) return &property_suite;
    if (wanted == "OfxImageEffectSuite" && version == 1) return &effect_suite;
    if (wanted == "OfxParameterSuite" && version == 1) return &parameter_suite;
    if (wanted == "OfxMessageSuite" && version <= 2) return &message_suite;
    return nullptr;
}

inline OfxHost host;

inline void describe_host() {
    put(host_set, "OfxPropName", "io.wetgate.probe");
    put(host_set, "OfxImageEffectPropSupportedPixelDepths", ofx::Float);
    put(host_set, "OfxImageEffectPropTemporalClipAccess", {0});
    put(host_set, "OfxImageEffectPropSupportsMultiResolution", {1});
    host = {handle_of(host_set), fetch_suite};
}

}  // namespace probe
