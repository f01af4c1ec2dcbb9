// One instance of an effect: its clips and parameters, found once, and what it says to the user.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "plugins.h"
#include "wire.h"

namespace wetgate {

class Instance {
public:
    Instance(const Plugin& of, OfxImageEffectHandle handle);

    // The instance that the host's handle stands for, or null: hosts go on calling one whose creation failed.
    static Instance* of(const Plugin& plugin, OfxImageEffectHandle effect);

    const Plugin& plugin;
    const Host& host;
    const Node& node;
    const OfxImageEffectHandle effect;

    OfxImageClipHandle clip(const char* name) const;  // null where the context has none
    Properties clip_properties(const char* name) const;
    Properties properties() const;

    double number(const char* name, double time, double standard) const;
    int integer(const char* name, double time, int standard) const;
    std::string text(const char* name, double time) const;
    void set_text(const char* name, const std::string& value) const;

    // Stamps a new instance with the version of its node; brings one that an earlier version saved up to this one.
    void stamp() const;
    // The node version whose parameters the instance holds.
    int saved_version(double time) const;

    // Whether the picture at that time is the source, whatever the worker would say.
    bool is_identity(double time) const;

    // Values of the node's parameters at a time, as RENDER carries them, count first.
    void write_values(Writer& body, double time) const;

    // Colour as RENDER carries it: style, configuration, clip space, input space, output space.
    void write_colour(Writer& body, double time) const;
    std::string chosen_space(const char* choice, const char* name, double time) const;

    // How many frames on either side the node looks at, and by how much its result is larger, with the values at a time.
    int reach(double time) const;
    double enlarges(double time) const;
    // Whether a part of a frame may be worked from the part of the picture around it; how many full-size pixels around.
    bool works_in_parts(double time) const;
    int neighbourhood(double time) const;
    // Whether a record of each frame is asked for, also of those that the node leaves as they are.
    bool keeps_records(double time) const;

    double pixel_aspect() const;  // of the Source clip
    bool is_connected(const char* clip) const;
    // A host may call every input connected, whether it is or not (Resolve). This one may be such a host.
    bool connects_everything() const;

    bool aborted() const;
    void warn(const char* kind, const std::string& text);
    void clear_warning();

private:
    OfxParamHandle param(const char* name) const;
    void write_value(Writer& body, const Param& declared, double time) const;
    double in_range(const Param& declared, double value) const;
    void set_legacy(const Param& declared) const;
    double looked_up(const Table& table, double time) const;
    bool is_standard(const Param& declared) const;

    OfxParamSetHandle params_ = nullptr;
    std::mutex lock_;
    std::string said_;
};

}  // namespace wetgate
