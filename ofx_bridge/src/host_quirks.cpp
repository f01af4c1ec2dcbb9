#include "host_quirks.h"

namespace wetgate {

namespace {

struct Quirk {
    const char* prefix;  // of the host's OfxPropName
    const char* space;
};

// Node compositors work in linear light, with the primaries of their default configuration: Nuke's "nuke-default" and Natron's
// reader and viewer have Rec.709's. Editors hand pictures over as they are shown.
constexpr Quirk quirks[] = {
    {"uk.co.thefoundry.nuke", "lin_rec709_srgb"},
    {"fr.inria.Natron", "lin_rec709_srgb"},
    {"org.gafferhq", "lin_rec709_srgb"},
};

}  // namespace

const char* working_space_of_host(const std::string& name) {
    for (const Quirk& quirk : quirks)
        if (name.rfind(quirk.prefix, 0) == 0) return quirk.space;
    return "rec1886_rec709_display";
}

// MLT sets OCIO where the user has not, to a name that OpenColorIO does not know (its openfx module, factory.c, 7.41).
bool set_by_host(const std::string& variable) { return variable == "OCIO=ocio://ocio://default"; }

}  // namespace wetgate
