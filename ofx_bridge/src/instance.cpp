#include "instance.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "actions.h"
#include "host_quirks.h"
#include "own_params.h"

namespace wetgate {

namespace {

constexpr char data_name[] = "OfxPropInstanceData";

int version_of(const std::string& stamp) { return std::atoi(stamp.c_str()); }

std::string stamp_of(const Node& node) { return std::to_string(node.version) + " " + software_version; }

}  // namespace

Instance::Instance(const Plugin& of, OfxImageEffectHandle handle)
    : plugin(of), host(of.host), node(*of.node), effect(handle) {
    if (host.effect->getParamSet == nullptr || host.effect->getParamSet(effect, &params_) != ofx::OK) params_ = nullptr;
}

Instance* Instance::of(const Plugin& plugin, OfxImageEffectHandle effect) {
    OfxPropertySetHandle set = nullptr;
    if (effect == nullptr || plugin.host.effect->getPropertySet(effect, &set) != ofx::OK) return nullptr;
    return static_cast<Instance*>(Properties(plugin.host, set).pointer(data_name));
}

OfxImageClipHandle Instance::clip(const char* name) const {
    OfxImageClipHandle found = nullptr;
    if (host.effect->clipGetHandle == nullptr || host.effect->clipGetHandle(effect, name, &found, nullptr) != ofx::OK)
        return nullptr;
    return found;
}

Properties Instance::clip_properties(const char* name) const {
    OfxPropertySetHandle set = nullptr;
    const OfxImageClipHandle found = clip(name);
    if (found == nullptr || host.effect->clipGetPropertySet == nullptr ||
        host.effect->clipGetPropertySet(found, &set) != ofx::OK)
        set = nullptr;
    return {host, set};
}

Properties Instance::properties() const {
    OfxPropertySetHandle set = nullptr;
    if (host.effect->getPropertySet(effect, &set) != ofx::OK) set = nullptr;
    return {host, set};
}

OfxParamHandle Instance::param(const char* name) const {
    OfxParamHandle found = nullptr;
    if (params_ == nullptr || host.parameter->paramGetHandle == nullptr ||
        host.parameter->paramGetHandle(params_, name, &found, nullptr) != ofx::OK)
        return nullptr;
    return found;
}

double Instance::number(const char* name, double time, double standard) const {
    double value = standard;
    const OfxParamHandle found = param(name);
    if (found == nullptr || host.parameter->paramGetValueAtTime(found, time, &value) != ofx::OK) return standard;
    return value;
}

int Instance::integer(const char* name, double time, int standard) const {
    int value = standard;
    const OfxParamHandle found = param(name);
    if (found == nullptr || host.parameter->paramGetValueAtTime(found, time, &value) != ofx::OK) return standard;
    return value;
}

std::string Instance::text(const char* name, double time) const {
    char* value = nullptr;
    const OfxParamHandle found = param(name);
    if (found == nullptr || host.parameter->paramGetValueAtTime(found, time, &value) != ofx::OK || value == nullptr)
        return {};
    return value;
}

void Instance::set_text(const char* name, const std::string& value) const {
    const OfxParamHandle found = param(name);
    if (found != nullptr && host.parameter->paramSetValue != nullptr) host.parameter->paramSetValue(found, value.c_str());
}

void Instance::stamp() const {
    const std::string stored = text(own::version, 0);
    const int saved = stored.empty() ? node.version : version_of(stored);
    if (!stored.empty() && saved >= node.version) return;
    for (int i = 0; i < node.param_count; ++i) {
        const Param& declared = node.params[i];
        if (declared.since > saved && declared.legacy != nullptr && is_standard(declared)) set_legacy(declared);
    }
    set_text(own::version, stamp_of(node));
}

int Instance::saved_version(double time) const {
    const std::string stored = text(own::version, time);
    const int saved = stored.empty() ? node.version : version_of(stored);
    return saved < 1 || saved > node.version ? node.version : saved;
}

bool Instance::is_standard(const Param& declared) const {
    switch (declared.kind) {
        case Kind::Float: return number(declared.id, 0, declared.standard.number[0]) == declared.standard.number[0];
        case Kind::Int:
        case Kind::Bool:
        case Kind::Choice: {
            const int standard = static_cast<int>(declared.standard.number[0]);
            return integer(declared.id, 0, standard) == standard;
        }
        case Kind::Text: return text(declared.id, 0) == declared.standard.text;
        case Kind::Color:
        case Kind::Point: {
            const double* standard = declared.standard.number;
            double value[3] = {standard[0], standard[1], standard[2]};
            const OfxParamHandle found = param(declared.id);
            if (found != nullptr) {
                if (declared.kind == Kind::Color)
                    host.parameter->paramGetValueAtTime(found, 0.0, &value[0], &value[1], &value[2]);
                else
                    host.parameter->paramGetValueAtTime(found, 0.0, &value[0], &value[1]);
            }
            return value[0] == standard[0] && value[1] == standard[1] && value[2] == standard[2];
        }
    }
    return false;
}

void Instance::set_legacy(const Param& declared) const {
    const OfxParamHandle found = param(declared.id);
    const auto* suite = host.parameter;
    if (found == nullptr || suite->paramSetValue == nullptr) return;
    const double* value = declared.legacy->number;
    switch (declared.kind) {
        case Kind::Float: suite->paramSetValue(found, value[0]); break;
        case Kind::Int:
        case Kind::Bool:
        case Kind::Choice: suite->paramSetValue(found, static_cast<int>(value[0])); break;
        case Kind::Text: suite->paramSetValue(found, declared.legacy->text); break;
        case Kind::Color: suite->paramSetValue(found, value[0], value[1], value[2]); break;
        case Kind::Point: suite->paramSetValue(found, value[0], value[1]); break;
    }
}

bool Instance::is_identity(double time) const {
    if (integer("view", time, 0) != 0) return false;  // the first view is the result
    return number("strength", time, 1) == 0 || number("mix", time, 1) == 0;
}

void Instance::write_values(Writer& body, double time) const {
    const int saved = saved_version(time);
    std::uint32_t count = 0;
    for (int i = 0; i < node.param_count; ++i)
        if (node.params[i].since <= saved) ++count;
    body.u32(count);
    for (int i = 0; i < node.param_count; ++i)
        if (node.params[i].since <= saved) write_value(body, node.params[i], time);
}

// A curve passes its keys by where a host interpolates smoothly, and not every host holds an expression within the range that it
// was told.
double Instance::in_range(const Param& declared, double value) const {
    if (std::isnan(value)) throw Failure(std::string("the host's value of ") + declared.id + " is no number");
    const double held = value < declared.low ? declared.low : value > declared.high ? declared.high : value;
    if (held < value || held > value) {
        char text[160];
        std::snprintf(text, sizeof text, "%s: %s is %g, taken as %g", node.label, declared.id, value, held);
        host.log_lines(effect, text);
    }
    return held;
}

void Instance::write_value(Writer& body, const Param& declared, double time) const {
    const double* standard = declared.standard.number;
    body.text(declared.id, 64, declared.id);
    body.u8(static_cast<std::uint8_t>(declared.kind));
    switch (declared.kind) {
        case Kind::Float: body.f64(in_range(declared, number(declared.id, time, standard[0]))); break;
        case Kind::Int: {
            const int value = integer(declared.id, time, static_cast<int>(standard[0]));
            body.i64(static_cast<std::int64_t>(in_range(declared, value)));
            break;
        }
        case Kind::Bool: body.u8(integer(declared.id, time, static_cast<int>(standard[0])) != 0 ? 1 : 0); break;
        case Kind::Choice: {
            const int index = integer(declared.id, time, static_cast<int>(standard[0]));
            if (index < 0 || index >= declared.choice_count)
                throw Failure(std::string(declared.id) + " is choice " + std::to_string(index) + "; allowed: 0 to " +
                              std::to_string(declared.choice_count - 1));
            body.text(declared.choices[index].id, 64, declared.id);
            break;
        }
        case Kind::Text: body.text(text(declared.id, time), 16384, declared.id); break;
        case Kind::Color:
        case Kind::Point: {
            double value[3] = {standard[0], standard[1], standard[2]};
            const OfxParamHandle found = param(declared.id);
            const int length = declared.kind == Kind::Color ? 3 : 2;
            if (found != nullptr) {
                if (length == 3)
                    host.parameter->paramGetValueAtTime(found, time, &value[0], &value[1], &value[2]);
                else
                    host.parameter->paramGetValueAtTime(found, time, &value[0], &value[1]);
            }
            for (int i = 0; i < length; ++i) body.f64(in_range(declared, value[i]));
            break;
        }
    }
}

std::string Instance::chosen_space(const char* choice, const char* name, double time) const {
    const std::string typed = text(name, time);
    if (!typed.empty()) return typed;
    const int index = integer(choice, time, 0);
    return index >= 1 && index <= space_count ? spaces[index - 1].id : "";
}

void Instance::write_colour(Writer& body, double time) const {
    const Properties own_set = properties();
    const std::string style = own_set.text("OfxImageEffectPropColourManagementStyle");
    const bool managed = !style.empty() && style != "OfxImageEffectColourManagementNone";
    std::string config, clip_space;
    if (managed) {
        if (style == "OfxImageEffectColourManagementOCIO") config = own_set.text("OfxImageEffectPropOCIOConfig");
        if (config.empty()) config = own_set.text("OfxImageEffectPropColourManagementConfig");
        clip_space = clip_properties(ofx::Source).text("OfxImageClipPropColourspace");
    }
    std::string input = chosen_space(own::input_space, own::input_space_name, time);
    if (input.empty() && clip_space.empty()) input = working_space_of_host(host.name());
    body.text(style, 64, "the colour management style");
    body.text(config, 4096, "the path of the OCIO configuration");
    body.text(clip_space, 256, "the clip's colour space");
    body.text(input, 256, own::input_space_name);
    body.text(node.hdr_output ? chosen_space(own::output_space, own::output_space_name, time) : "", 256,
              own::output_space_name);
}

double Instance::looked_up(const Table& table, double time) const {
    int place = 0;
    for (int i = 0; i < table.axis_count; ++i) {
        const Axis& axis = table.axes[i];
        const Param& declared = node.params[axis.param];
        int value = integer(declared.id, time, static_cast<int>(declared.standard.number[0]));
        if (declared.since > saved_version(time) && declared.legacy != nullptr)
            value = static_cast<int>(declared.legacy->number[0]);
        place = place * axis.count + std::clamp(value - axis.low, 0, axis.count - 1);
    }
    return table.values[place];
}

int Instance::reach(double time) const { return static_cast<int>(looked_up(node.reach, time)); }

double Instance::enlarges(double time) const { return looked_up(node.enlarges, time); }

// Fields are woven over the whole height, a split stands at a share of the whole width, a record is of a whole frame.
bool Instance::works_in_parts(double time) const {
    return node.tiles && integer(own::field_order, time, own::frame) == own::frame && integer(own::split_view, time, 0) == 0 &&
           !keeps_records(time);
}

int Instance::neighbourhood(double time) const { return static_cast<int>(looked_up(node.neighbourhood, time)); }

bool Instance::keeps_records(double time) const { return !text(own::records, time).empty(); }

double Instance::pixel_aspect() const {
    const double aspect = clip_properties(ofx::Source).number("OfxImagePropPixelAspectRatio", 1);
    return std::isfinite(aspect) && aspect > 0 ? aspect : 1;
}

bool Instance::is_connected(const char* name) const {
    return clip(name) != nullptr && clip_properties(name).integer("OfxImageClipPropConnected", 0) != 0;
}

bool Instance::connects_everything() const {
    for (const char* name : ofx::OptionalClips)
        if (!is_connected(name)) return false;
    return true;
}

bool Instance::aborted() const { return host.effect->abort != nullptr && host.effect->abort(effect) != 0; }

// A host without held messages may open a dialog for each, so the same line is said once until a frame succeeds.
void Instance::warn(const char* kind, const std::string& text) {
    {
        const std::lock_guard<std::mutex> hold(lock_);
        if (said_ == text) return;
        said_ = text;
    }
    host.say(effect, kind, text);
}

void Instance::clear_warning() {
    {
        const std::lock_guard<std::mutex> hold(lock_);
        if (said_.empty()) return;
        said_.clear();
    }
    host.unsay(effect);
}

OfxStatus create_instance(const Plugin& plugin, OfxImageEffectHandle effect) {
    auto instance = std::make_unique<Instance>(plugin, effect);
    instance->stamp();
    if (!instance->properties().set_pointer(data_name, instance.get())) return ofx::Failed;
    instance.release();  // the host's handle has it now, until destroy_instance
    return ofx::OK;
}

OfxStatus destroy_instance(const Plugin& plugin, OfxImageEffectHandle effect) {
    Instance* instance = Instance::of(plugin, effect);
    if (instance == nullptr) return ofx::OK;
    instance->properties().set_pointer(data_name, nullptr);
    delete instance;
    return ofx::OK;
}

}  // namespace wetgate
