#include "host.h"

#include <algorithm>
#include <cstring>

namespace wetgate {

namespace {

template <typename Suite>
const Suite* fetch(const OfxHost* host, const char* name, int version) {
    return static_cast<const Suite*>(host->fetchSuite(host->host, name, version));
}

// Some hosts put a message on one line of a node, others into a fixed buffer.
constexpr std::size_t longest_message = 1000;

// How many bytes the character at a place has; 0 where it is no UTF-8 (RFC 3629, section 4).
std::size_t character(const std::string& text, std::size_t at) {
    const auto byte = [&](std::size_t place) { return place < text.size() ? static_cast<unsigned char>(text[place]) : 0u; };
    const auto within = [](unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; };
    const unsigned first = byte(at), second = byte(at + 1);
    if (first < 0x80) return 1;
    if (within(first, 0xC2, 0xDF)) return within(second, 0x80, 0xBF) ? 2 : 0;
    const bool third = within(byte(at + 2), 0x80, 0xBF);
    if (within(first, 0xE0, 0xEF))
        return third && within(second, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) ? 3 : 0;
    if (!within(first, 0xF0, 0xF4) || !third || !within(byte(at + 3), 0x80, 0xBF)) return 0;
    return within(second, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) ? 4 : 0;
}

// The first bytes of a text, to a character's end, on one line. What is no UTF-8 becomes a question mark: a host may hand the line
// to what stops at such a byte.
std::string cut(const std::string& text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = character(text, at);
        if (line.size() + std::max<std::size_t>(size, 1) > longest_message) return line + "...";
        if (size == 0)
            line += '?';
        else
            line += size == 1 && static_cast<unsigned char>(text[at]) < ' ' ? std::string(" ") : text.substr(at, size);
        at += std::max<std::size_t>(size, 1);
    }
    return line;
}

// Natron hands a va_list on as if it were the arguments, so the text itself is the format, its per cents doubled.
std::string as_format(const std::string& text) {
    std::string format;
    for (char c : cut(text)) {
        format += c;
        if (c == '%') format += c;
    }
    return format;
}

}  // namespace

bool Host::load(const OfxHost* given) {
    *this = Host{};
    if (given == nullptr || given->fetchSuite == nullptr) return false;
    host = given;
    property = fetch<OfxPropertySuiteV1>(given, "OfxPropertySuite", 1);
    effect = fetch<OfxImageEffectSuiteV1>(given, "OfxImageEffectSuite", 1);
    parameter = fetch<OfxParameterSuiteV1>(given, "OfxParameterSuite", 1);
    message = fetch<OfxMessageSuiteV1>(given, "OfxMessageSuite", 1);
    persistent = fetch<OfxMessageSuiteV2>(given, "OfxMessageSuite", 2);
    progress2 = fetch<OfxProgressSuiteV2>(given, "OfxProgressSuite", 2);
    progress = fetch<OfxProgressSuiteV1>(given, "OfxProgressSuite", 1);
    // Resolve 14 has a second message suite of empty slots.
    if (persistent != nullptr && (persistent->setPersistentMessage == nullptr || persistent->clearPersistentMessage == nullptr))
        persistent = nullptr;
    if (message == nullptr && persistent != nullptr) message = reinterpret_cast<const OfxMessageSuiteV1*>(persistent);
    if (message != nullptr && message->message == nullptr) message = nullptr;
    return property != nullptr && effect != nullptr && parameter != nullptr && effect->getPropertySet != nullptr &&
           effect->clipGetImage != nullptr && effect->clipReleaseImage != nullptr;
}

Properties Host::properties() const { return {*this, host == nullptr ? nullptr : host->host}; }

std::string Host::name() const { return properties().text("OfxPropName"); }

bool Host::is_background() const { return properties().integer("OfxImageEffectHostPropIsBackground", 0) != 0; }

bool Host::gives_other_times() const { return properties().integer("OfxImageEffectPropTemporalClipAccess", 0) != 0; }

bool Host::takes_other_sizes() const { return properties().integer("OfxImageEffectPropSupportsMultiResolution", 0) != 0; }

void Host::say(OfxImageEffectHandle instance, const char* kind, const std::string& text) const {
    const std::string format = as_format(text);
    if (persistent != nullptr && instance != nullptr)
        persistent->setPersistentMessage(instance, kind, "wetgate", format.c_str());
    else if (message != nullptr)
        message->message(instance, kind, "wetgate", format.c_str());
}

void Host::log_lines(OfxImageEffectHandle instance, const std::string& text) const {
    if (message == nullptr) return;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        if (end > begin)
            message->message(instance, "OfxMessageLog", "wetgate", as_format(text.substr(begin, end - begin)).c_str());
        begin = end + 1;
    }
}

void Host::unsay(OfxImageEffectHandle instance) const {
    if (persistent != nullptr && instance != nullptr) persistent->clearPersistentMessage(instance);
}

std::string Properties::text(const char* name, int index) const {
    char* value = nullptr;
    if (set_ == nullptr || host_.property->propGetString == nullptr) return {};
    if (host_.property->propGetString(set_, name, index, &value) != ofx::OK || value == nullptr) return {};
    return value;  // the host's own, good until the next call
}

int Properties::integer(const char* name, int standard, int index) const {
    int value = standard;
    if (set_ == nullptr || host_.property->propGetInt == nullptr) return standard;
    return host_.property->propGetInt(set_, name, index, &value) == ofx::OK ? value : standard;
}

double Properties::number(const char* name, double standard, int index) const {
    double value = standard;
    if (set_ == nullptr || host_.property->propGetDouble == nullptr) return standard;
    return host_.property->propGetDouble(set_, name, index, &value) == ofx::OK ? value : standard;
}

void* Properties::pointer(const char* name) const {
    void* value = nullptr;
    if (set_ == nullptr || host_.property->propGetPointer == nullptr) return nullptr;
    return host_.property->propGetPointer(set_, name, 0, &value) == ofx::OK ? value : nullptr;
}

int Properties::dimension(const char* name) const {
    int count = 0;
    if (set_ == nullptr || host_.property->propGetDimension == nullptr) return 0;
    return host_.property->propGetDimension(set_, name, &count) == ofx::OK && count > 0 ? count : 0;
}

bool Properties::rectangle(const char* name, OfxRectI& rect) const {
    int side[4];
    if (set_ == nullptr || host_.property->propGetInt == nullptr) return false;
    for (int i = 0; i < 4; ++i)
        if (host_.property->propGetInt(set_, name, i, &side[i]) != ofx::OK) return false;
    rect = {side[0], side[1], side[2], side[3]};
    return true;
}

bool Properties::rectangle(const char* name, OfxRectD& rect) const {
    double side[4];
    if (set_ == nullptr || host_.property->propGetDouble == nullptr) return false;
    for (int i = 0; i < 4; ++i)
        if (host_.property->propGetDouble(set_, name, i, &side[i]) != ofx::OK) return false;
    rect = {side[0], side[1], side[2], side[3]};
    return true;
}

bool Properties::has_text(const char* name, const char* wanted) const {
    for (int i = 0, count = dimension(name); i < count; ++i)
        if (text(name, i) == wanted) return true;
    return false;
}

bool Properties::set(const char* name, const char* value, int index) const {
    return set_ != nullptr && host_.property->propSetString != nullptr &&
           host_.property->propSetString(set_, name, index, value) == ofx::OK;
}

bool Properties::set(const char* name, int value, int index) const {
    return set_ != nullptr && host_.property->propSetInt != nullptr &&
           host_.property->propSetInt(set_, name, index, value) == ofx::OK;
}

bool Properties::set(const char* name, double value, int index) const {
    return set_ != nullptr && host_.property->propSetDouble != nullptr &&
           host_.property->propSetDouble(set_, name, index, value) == ofx::OK;
}

bool Properties::set_pointer(const char* name, void* value) const {
    return set_ != nullptr && host_.property->propSetPointer != nullptr &&
           host_.property->propSetPointer(set_, name, 0, value) == ofx::OK;
}

}  // namespace wetgate
