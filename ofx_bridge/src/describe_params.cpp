// The parameters of a plug-in as OFX descriptors: its node's own, and those that every plug-in has.
#include <initializer_list>
#include <set>
#include <string>

#include "describe.h"
#include "host_quirks.h"
#include "own_params.h"

namespace wetgate {

namespace {

// Puts parameters into one effect's set, each with a group of its own name where it has one.
class Definer {
public:
    Definer(const Host& host, OfxParamSetHandle set, Properties page) : host_(host), set_(set), page_(page) {}

    Properties define(const char* type, const char* name, const char* label, const char* hint, const std::string& group) {
        const Properties made = plain(type, name, label);
        made.set("OfxParamPropHint", hint);
        made.set("OfxParamPropScriptName", name);
        if (!group.empty()) made.set("OfxParamPropParent", group.c_str());
        page_.set("OfxParamPropPageChild", name, children_++);
        return made;
    }

    Properties group(const char* name, const char* label, bool open) {
        const Properties made = plain("OfxParamTypeGroup", name, label);
        made.set("OfxParamPropGroupOpen", open ? 1 : 0);
        return made;
    }

private:
    Properties plain(const char* type, const char* name, const char* label) {
        OfxPropertySetHandle handle = nullptr;
        if (host_.parameter->paramDefine(set_, type, name, &handle) != ofx::OK) return {host_, nullptr};
        const Properties made{host_, handle};
        made.set("OfxPropLabel", label);
        return made;
    }

    const Host& host_;
    OfxParamSetHandle set_;
    Properties page_;
    int children_ = 0;
};

// Hard limits first: setting them moves the display's. Resolve needs both.
void set_range(const Properties& made, const Param& param, int components, bool whole) {
    for (int i = 0; i < components; ++i) {
        const auto put = [&](const char* name, double value) {
            whole ? made.set(name, static_cast<int>(value), i) : made.set(name, value, i);
        };
        put("OfxParamPropMin", param.low);
        put("OfxParamPropMax", param.high);
        put("OfxParamPropDisplayMin", param.soft_low);
        put("OfxParamPropDisplayMax", param.soft_high);
        put("OfxParamPropDefault", param.standard.number[i]);
    }
}

void set_choices(const Properties& made, const Choice* choices, int count, int first = 0) {
    for (int i = 0; i < count; ++i) made.set("OfxParamPropChoiceOption", choices[i].label, first + i);
}

bool may_animate(const Param& param, const Properties& host) {
    if (!param.animates) return false;
    if (param.kind == Kind::Bool) return host.integer("OfxParamHostPropSupportsBooleanAnimation", 0) != 0;
    if (param.kind == Kind::Choice) return host.integer("OfxParamHostPropSupportsChoiceAnimation", 0) != 0;
    return param.kind != Kind::Text;
}

const char* type_of(Kind kind) {
    switch (kind) {
        case Kind::Float: return "OfxParamTypeDouble";
        case Kind::Int: return "OfxParamTypeInteger";
        case Kind::Bool: return "OfxParamTypeBoolean";
        case Kind::Choice: return "OfxParamTypeChoice";
        case Kind::Text: return "OfxParamTypeString";
        case Kind::Color: return "OfxParamTypeRGB";
        case Kind::Point: return "OfxParamTypeDouble2D";
    }
    return "OfxParamTypeDouble";
}

void define_param(Definer& definer, const Param& param, const Properties& host) {
    const Properties made = definer.define(type_of(param.kind), param.id, param.label, param.hint, param.group);
    made.set("OfxParamPropAnimates", may_animate(param, host) ? 1 : 0);
    switch (param.kind) {
        case Kind::Float:
            set_range(made, param, 1, false);
            made.set("OfxParamPropDoubleType", "OfxParamDoubleTypePlain");
            made.set("OfxParamPropDigits", 3);
            break;
        case Kind::Int: set_range(made, param, 1, true); break;
        case Kind::Color: set_range(made, param, 3, false); break;
        case Kind::Point: set_range(made, param, 2, false); break;
        case Kind::Bool: made.set("OfxParamPropDefault", static_cast<int>(param.standard.number[0])); break;
        case Kind::Choice:
            set_choices(made, param.choices, param.choice_count);
            made.set("OfxParamPropDefault", static_cast<int>(param.standard.number[0]));
            break;
        case Kind::Text: made.set("OfxParamPropDefault", param.standard.text); break;
    }
}

std::string label_of(const char* space) {
    for (int i = 0; i < space_count; ++i)
        if (std::string(spaces[i].id) == space) return spaces[i].label;
    return space;
}

void define_space(Definer& definer, const char* name, const char* label, const char* first, const std::string& hint) {
    const Properties made = definer.define("OfxParamTypeChoice", name, label, hint.c_str(), "colour");
    made.set("OfxParamPropChoiceOption", first, 0);
    set_choices(made, spaces, space_count, 1);
    made.set("OfxParamPropDefault", 0);
    made.set("OfxParamPropAnimates", 0);
}

Properties define_text(Definer& definer, const char* name, const char* label, const char* hint, const std::string& group) {
    const Properties made = definer.define("OfxParamTypeString", name, label, hint, group);
    made.set("OfxParamPropDefault", "");
    made.set("OfxParamPropAnimates", 0);
    return made;
}

void define_colour(Definer& definer, const Plugin& plugin) {
    definer.group("colour", "Colour", false);
    const std::string assumed = label_of(working_space_of_host(plugin.host.name()));
    define_space(definer, own::input_space, "Input space", "From the host",
                 "Colour space of the picture. From the host: the one that it names, or " + assumed +
                     " where it does not name one.");
    define_text(definer, own::input_space_name, "Other input space",
                "Any colour space of the OCIO configuration by its name; takes the place of the choice above.", "colour");
    if (!plugin.node->hdr_output) return;
    define_space(definer, own::output_space, "Output space", "As the input",
                 "Colour space of the result: name one that holds HDR where the input's does not.");
    define_text(definer, own::output_space_name, "Other output space",
                "Any colour space of the OCIO configuration by its name; takes the place of the choice above.", "colour");
}

// A choice of the bundle's own. Its first option is its default.
Properties define_choice(Definer& definer, const char* name, const char* label, const char* hint, const char* group,
                         std::initializer_list<const char*> options) {
    const Properties made = definer.define("OfxParamTypeChoice", name, label, hint, group);
    int index = 0;
    for (const char* option : options) made.set("OfxParamPropChoiceOption", option, index++);
    made.set("OfxParamPropDefault", 0);
    made.set("OfxParamPropAnimates", 0);
    return made;
}

// A filter has no Mask clip; the parameter is there all the same, so that values can be moved from context to context.
void define_inputs(Definer& definer, bool general) {
    definer.group("inputs", "Inputs", false);
    const Properties mask =
        define_choice(definer, own::mask_input, "Mask",
                      "Some hosts say that an input is connected when it is not, and give a black picture for it, which"
                      " would switch the node off. Where the host may be such a one and the mask has one value all over, Ask"
                      " fails the frame and says so; Use takes the mask as it is; Ignore works the whole picture.",
                      "inputs", {"Ask where it may be empty", "Use", "Ignore"});
    if (!general) mask.set("OfxParamPropSecret", 1);
    define_choice(definer, own::field_order, "Fields",
                  "Interlaced footage has two moments in a frame, one in every other line. With the order of its fields given,"
                  " each is worked by itself, and they are woven again.",
                  "inputs", {"Frame", "Upper field first", "Lower field first"});
}

void define_looking(Definer& definer) {
    definer.group("comparison", "Comparison", false);
    const Properties split = definer.define("OfxParamTypeBoolean", own::split_view, "Split",
                                            "Shows the source on the left of a line, and the result on its right.",
                                            "comparison");
    split.set("OfxParamPropDefault", 0);
    split.set("OfxParamPropAnimates", 0);
    const Properties place = definer.define("OfxParamTypeDouble", own::split_position, "Split position",
                                            "Where the line stands: 0 is the picture's left edge, 1 its right one.",
                                            "comparison");
    for (const char* limit : {"OfxParamPropMin", "OfxParamPropDisplayMin"}) place.set(limit, 0.0);
    for (const char* limit : {"OfxParamPropMax", "OfxParamPropDisplayMax"}) place.set(limit, 1.0);
    place.set("OfxParamPropDefault", 0.5);
    place.set("OfxParamPropDoubleType", "OfxParamDoubleTypePlain");
    place.set("OfxParamPropDigits", 3);
}

void define_failure(Definer& definer) {
    definer.group("faults", "Faults", false);
    define_choice(definer, own::on_error, "On error",
                  "What a frame becomes that cannot be worked: a failed render, or the source as it is, with a warning.",
                  "faults", {"Fail", "Pass the source"});
}

void define_records(Definer& definer) {
    definer.group("provenance", "Records", false);
    const Properties made =
        define_text(definer, own::records, "Records folder",
                    "A folder, by its whole path, that gets a record of every frame that is rendered: what was done, with which"
                    " values, to which pixels. wetgate verify checks the host's files against it. Empty: none is kept.",
                    "provenance");
    made.set("OfxParamPropStringMode", "OfxParamStringIsDirectoryPath");
}

void define_analysis(Definer& definer) {
    definer.group("analysis", "Analysis", true);
    struct Bound {
        const char *name, *label, *hint;
    };
    constexpr Bound bounds[] = {
        {own::analysis_first, "First frame", "First frame that the analysis reads. With first and last at 0 it reads the whole clip."},
        {own::analysis_last, "Last frame", "Last frame that the analysis reads. With first and last at 0 it reads the whole clip."},
    };
    for (const Bound& bound : bounds) {
        const Properties made = definer.define("OfxParamTypeInteger", bound.name, bound.label, bound.hint, "analysis");
        for (const char* limit : {"OfxParamPropMin", "OfxParamPropDisplayMin"}) made.set(limit, -10000000);
        for (const char* limit : {"OfxParamPropMax", "OfxParamPropDisplayMax"}) made.set(limit, 10000000);
        made.set("OfxParamPropDefault", 0);
        made.set("OfxParamPropAnimates", 0);
        made.set("OfxParamPropEvaluateOnChange", 0);
    }
    definer.define("OfxParamTypePushButton", own::analyse, "Analyse",
                   "Reads the frames of the range once, and keeps what it finds with the project.", "analysis");
    const Properties found =
        define_text(definer, own::found, "Found", "What the last analysis found, and what is done about it.", "analysis");
    found.set("OfxParamPropStringMode", "OfxParamStringIsLabel");
    found.set("OfxParamPropEvaluateOnChange", 0);
    define_text(definer, own::analysis, "Analysis", "What the analysis found.", "").set("OfxParamPropSecret", 1);
}

}  // namespace

void define_params(const Plugin& plugin, OfxParamSetHandle set, bool general) {
    const Host& host = plugin.host;
    OfxPropertySetHandle page = nullptr;
    host.parameter->paramDefine(set, "OfxParamTypePage", "controls", &page);
    const Properties controls{host, page};
    controls.set("OfxPropLabel", "Controls");
    Definer definer(host, set, controls);
    std::set<std::string> groups;  // members of a group need not follow one another: those that come with every node
    for (int i = 0; i < plugin.node->param_count; ++i) {
        Param param = plugin.node->params[i];
        const std::string group = *param.group == 0 ? "" : std::string("group_") + param.group;
        if (!group.empty() && groups.insert(group).second) definer.group(group.c_str(), param.group, true);
        param.group = group.c_str();
        define_param(definer, param, host.properties());
    }
    if (plugin.node->analyzes) define_analysis(definer);
    define_colour(definer, plugin);
    define_inputs(definer, general);
    define_looking(definer);
    define_failure(definer);
    define_records(definer);
    define_text(definer, own::version, "Wetgate version", "The version that made this instance.", "")
        .set("OfxParamPropSecret", 1);
}

}  // namespace wetgate
