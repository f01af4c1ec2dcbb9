// The host as one loaded plug-in sees it: its suites, its properties, its messages. Every call checks that the host has the
// function, for hosts exist that leave slots of a suite empty.
#pragma once

#include <string>

#include "ofx.h"

namespace wetgate {

class Properties;

// Suites and facts of the host, fetched at Load.
struct Host {
    const OfxHost* host = nullptr;
    const OfxPropertySuiteV1* property = nullptr;
    const OfxImageEffectSuiteV1* effect = nullptr;
    const OfxParameterSuiteV1* parameter = nullptr;
    const OfxMessageSuiteV1* message = nullptr;
    const OfxMessageSuiteV2* persistent = nullptr;
    const OfxProgressSuiteV1* progress = nullptr;
    const OfxProgressSuiteV2* progress2 = nullptr;

    // Fetches the suites. False where the host lacks one that nothing works without.
    bool load(const OfxHost* given);

    Properties properties() const;
    std::string name() const;
    bool is_background() const;
    bool gives_other_times() const;
    bool takes_other_sizes() const;  // of a result than its source has

    // Says a line to the user, held until cleared where the host can. `kind` is an OfxMessage... type.
    void say(OfxImageEffectHandle instance, const char* kind, const std::string& text) const;
    // Each line of a text as a message of the host's log.
    void log_lines(OfxImageEffectHandle instance, const std::string& text) const;
    void unsay(OfxImageEffectHandle instance) const;
};

// A property set, read with a default for what the host does not have.
class Properties {
public:
    Properties(const Host& host, OfxPropertySetHandle set) : host_(host), set_(set) {}

    explicit operator bool() const { return set_ != nullptr; }
    OfxPropertySetHandle handle() const { return set_; }

    std::string text(const char* name, int index = 0) const;
    int integer(const char* name, int standard, int index = 0) const;
    double number(const char* name, double standard, int index = 0) const;
    void* pointer(const char* name) const;
    int dimension(const char* name) const;
    // All four, or false with `rect` unchanged.
    bool rectangle(const char* name, OfxRectI& rect) const;
    bool rectangle(const char* name, OfxRectD& rect) const;
    bool has_text(const char* name, const char* wanted) const;

    bool set(const char* name, const char* value, int index = 0) const;
    bool set(const char* name, int value, int index = 0) const;
    bool set(const char* name, double value, int index = 0) const;
    bool set_pointer(const char* name, void* value) const;

private:
    const Host& host_;
    OfxPropertySetHandle set_;
};

}  // namespace wetgate
