// A host that says anything: pictures of any bounds, depths, rows and components, properties that are not there or mean nothing,
// parameters of any value. No picture is read or written past its end, and no action ends but with a status.
#include <cmath>
#include <cstdlib>
#include <limits>

#include "../../ofx/probe/plugin.h"
#include "scripted.h"
#include "worker.h"

extern "C" OfxPlugin* OfxGetPlugin(int nth);
extern "C" int OfxGetNumberOfPlugins();

namespace {

using namespace probe;

scripted::Input said;

// Whether the host lies about what it is being asked, which it does ever more seldom as its input ends.
bool lies() { return !said.empty() && said.byte() % 8 == 0; }

int odd_int() {
    static const int values[] = {0, 1, -1, 2, 255, 65536, 65537, -65536, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()};
    const std::uint8_t which = said.byte();
    return which < 10 ? values[which] : static_cast<int>(said.word());
}

double odd_double() {
    static const double values[] = {0, -0.0, 1, -1, 0.5, 1e300, -1e300, std::numeric_limits<double>::infinity(),
                                    -std::numeric_limits<double>::infinity(), std::nan("")};
    const std::uint8_t which = said.byte();
    return which < 10 ? values[which] : static_cast<double>(static_cast<int>(said.word())) / 256;
}

// Texts that a host gave stay where they are until the input ends.
std::vector<std::unique_ptr<std::string>> given;

char* odd_text() {
    static const char* const known[] = {"", ofx::Float, ofx::Half, ofx::Short, ofx::Byte, ofx::RGBA, ofx::RGB, ofx::Alpha, ofx::Opaque,
                                        ofx::Premultiplied, "true", "OfxFieldBoth", "OfxImageEffectColourManagementOCIO",
                                        "OfxImageEffectColourManagementCore", "analyse", "OfxChangeUserEdited"};
    const std::uint8_t which = said.byte();
    if (which < 16) return const_cast<char*>(known[which]);
    std::string made;
    for (const std::uint8_t byte : said.bytes(which % 32)) made += static_cast<char>(byte == 0 ? 1 : byte);
    for (int doublings = which == 255 ? 14 : 0; doublings > 0; --doublings) made += made;
    given.push_back(std::make_unique<std::string>(made));
    return given.back()->data();
}

OfxPropertySuiteV1 honest;

// An image's own numbers are made in odd_image, whose memory fits them.
bool is_image(OfxPropertySetHandle set) { return set_of(set)->count("OfxImagePropData") != 0; }

template <typename Value, typename Ask, typename Odd>
OfxStatus answer(OfxPropertySetHandle set, const char* name, int index, Value* value, Ask ask, Odd odd) {
    if (is_image(set) || !lies()) return ask(set, name, index, value);
    if (said.byte() % 4 == 0) return unknown;
    *value = odd();
    return ofx::OK;
}

void lie_about_properties() {
    honest = property_suite;
    property_suite.propGetInt = [](OfxPropertySetHandle set, const char* name, int index, int* value) -> OfxStatus {
        return answer(set, name, index, value, honest.propGetInt, odd_int);
    };
    property_suite.propGetDouble = [](OfxPropertySetHandle set, const char* name, int index, double* value) -> OfxStatus {
        return answer(set, name, index, value, honest.propGetDouble, odd_double);
    };
    property_suite.propGetString = [](OfxPropertySetHandle set, const char* name, int index, char** value) -> OfxStatus {
        return answer(set, name, index, value, honest.propGetString, odd_text);
    };
    property_suite.propGetDimension = [](OfxPropertySetHandle set, const char* name, int* count) -> OfxStatus {
        if (!lies()) return honest.propGetDimension(set, name, count);
        *count = said.byte() % 64 - 8;
        return said.byte() % 4 == 0 ? unknown : ofx::OK;
    };
}

std::vector<std::unique_ptr<unsigned char[]>> memory;  // of the pictures of one action, each just as long as it says

int side() {
    const std::uint8_t which = said.byte();
    return which < 240 ? 1 + which % 24 : odd_int();
}

OfxStatus odd_image(OfxImageClipHandle, OfxTime, const OfxRectD*, OfxPropertySetHandle* image) {
    const std::uint8_t form = said.byte();
    if (form == 1) return ofx::Failed;
    if (form == 2) return ofx::ErrMemory;
    if (form == 3) {
        *image = nullptr;
        return ofx::OK;
    }
    static const char* const depths[] = {ofx::Float, ofx::Half, ofx::Short, ofx::Byte};
    static const int sizes[] = {4, 2, 2, 1};
    static const char* const components[] = {ofx::RGBA, ofx::RGBA, ofx::RGB, ofx::Alpha};
    static const int channels[] = {4, 4, 3, 1};
    const int depth = (form & 4) != 0 ? said.byte() % 4 : 0, component = (form & 8) != 0 ? said.byte() % 4 : 0;
    const int width = side(), height = side();
    const int left = (form & 16) != 0 ? odd_int() : 0, bottom = (form & 16) != 0 ? odd_int() : 0;
    const bool sound = width >= 1 && width <= 64 && height >= 1 && height <= 64;
    // What has no room for its sides is refused before a pixel is touched, so it may be as short as it likes.
    const std::int64_t right = std::int64_t{left} + width, top = std::int64_t{bottom} + height;
    const auto whole = [](std::int64_t value) {
        return value >= std::numeric_limits<int>::min() && value <= std::numeric_limits<int>::max();
    };
    const bool fits = whole(right) && whole(top);
    if (!fits || (!sound && width > 0 && height > 0 && width <= 65536 && height <= 65536)) return ofx::Failed;
    const std::int64_t packed = std::int64_t{width} * channels[component] * sizes[depth];
    const std::int64_t row = sound ? packed + (form & 32 ? said.byte() % 40 : 0) : 0;
    const bool down = (form & 64) != 0;
    const std::size_t bytes = sound ? static_cast<std::size_t>(row * (height - 1) + packed) : 1;
    memory.push_back(std::make_unique<unsigned char[]>(bytes));
    unsigned char* data = memory.back().get();
    for (std::size_t i = 0; i < bytes && (form & 128) != 0; ++i) data[i] = static_cast<unsigned char>(said.byte() + i);
    auto* set = new Set;
    put(*set, "OfxImagePropBounds", {double(left), double(bottom), double(right), double(top)});
    put(*set, "OfxImagePropRowBytes", {static_cast<double>(down ? -row : row)});
    put(*set, "OfxImageEffectPropPixelDepth", depths[depth]);
    put(*set, "OfxImageEffectPropComponents", components[component]);
    const char* alpha = odd_text();
    put(*set, "OfxImageEffectPropPreMultiplication", alpha);
    slot(handle_of(*set), "OfxImagePropData", 0).pointer = down ? data + row * (sound ? height - 1 : 0) : data;
    *image = handle_of(*set);
    return ofx::OK;
}

OfxStatus odd_value(OfxParamHandle handle, OfxTime time, ...) {
    (void)time;
    auto* param = reinterpret_cast<Param*>(handle);
    const std::uint8_t how = said.byte();
    if (how == 1) return unknown;
    va_list to;
    va_start(to, time);
    if (param->type == "OfxParamTypeString" || param->type == "OfxParamTypeCustom") {
        *va_arg(to, char**) = how == 2 ? nullptr : odd_text();
    } else if (param->type == "OfxParamTypeInteger" || param->type == "OfxParamTypeBoolean" || param->type == "OfxParamTypeChoice") {
        *va_arg(to, int*) = how < 64 ? odd_int() : how % 3;
    } else {
        const int count = param->type == "OfxParamTypeRGB" ? 3 : param->type == "OfxParamTypeDouble2D" ? 2 : 1;
        for (int i = 0; i < count; ++i) *va_arg(to, double*) = how < 64 ? odd_double() : 0.5;
    }
    va_end(to);
    return ofx::OK;
}

OfxStatus take_value(OfxParamHandle, ...) { return ofx::OK; }

const char* const actions[] = {"OfxImageEffectActionRender", "OfxImageEffectActionRender", "OfxImageEffectActionIsIdentity",
                               "OfxImageEffectActionGetRegionOfDefinition", "OfxImageEffectActionGetRegionsOfInterest",
                               "OfxImageEffectActionGetFramesNeeded", "OfxImageEffectActionGetClipPreferences",
                               "OfxImageEffectActionGetOutputColourspace", "OfxActionInstanceChanged", "OfxActionPurgeCaches",
                               "OfxActionBeginInstanceEdit", "no action"};

std::vector<std::unique_ptr<Plugin>>& plugins() {
    static auto* made = [] {
        setenv("WETGATE_RESTART_SECONDS", "0.5", 1);  // of the scripted clock
        quiet = true;
        describe_host();
        auto* all = new std::vector<std::unique_ptr<Plugin>>;
        for (int i = 0; i < OfxGetNumberOfPlugins(); ++i) all->push_back(std::make_unique<Plugin>(OfxGetPlugin(i)));
        effect_suite.clipGetImage = odd_image;
        parameter_suite.paramGetValueAtTime = odd_value;
        parameter_suite.paramSetValue = take_value;
        lie_about_properties();
        return all;
    }();
    return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto& all = plugins();
    said = scripted::Input(data, size);
    scripted::script = {};
    static Pictures pictures = pictures_of(4, 4, 1);
    current = &pictures;
    Plugin& plugin = *all[said.byte() % all.size()];
    // Instance data comes back as it was given: a host that loses it is past all help.
    auto effect = std::make_unique<Effect>();
    for (const char* name : {ofx::Source, ofx::Output}) put(effect->clips[name], "OfxImageClipPropConnected", {1});
    for (const char* name : ofx::OptionalClips)
        if (said.byte() % 4 == 0) put(effect->clips[name], "OfxImageClipPropConnected", {1});
    effect->params = plugin.described().params;
    const OfxStatus created = plugin.act("OfxActionCreateInstance", effect.get(), nullptr, nullptr);
    for (int number = 0; number < 4 && created == ofx::OK && !said.empty(); ++number) {
        Set in, out;
        put(in, "OfxPropTime", {odd_double()});
        put(in, "OfxImageEffectPropRenderWindow", {double(odd_int()), double(odd_int()), double(odd_int()), double(odd_int())});
        put(in, "OfxImageEffectPropRenderScale", {odd_double(), odd_double()});
        put(in, "OfxImageEffectPropRegionOfInterest", {odd_double(), odd_double(), odd_double(), odd_double()});
        put(in, "OfxImageEffectPropFieldToRender", odd_text());
        put(in, "OfxPropName", odd_text());
        put(in, "OfxPropChangeReason", odd_text());
        plugin.act(actions[said.byte() % (sizeof actions / sizeof *actions)], effect.get(), &in, &out);
        memory.clear();
        scripted::wait(1);
    }
    said = {};
    plugin.act("OfxActionDestroyInstance", effect.get(), nullptr, nullptr);
    wetgate::stop_worker();
    given.clear();
    return 0;
}
