// The actions of a host, a function each.
#pragma once

#include "plugins.h"

namespace wetgate {

OfxStatus describe(const Plugin& plugin, OfxImageEffectHandle effect);
OfxStatus describe_in_context(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in);
OfxStatus create_instance(const Plugin& plugin, OfxImageEffectHandle effect);
OfxStatus destroy_instance(const Plugin& plugin, OfxImageEffectHandle effect);
OfxStatus instance_changed(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in);
OfxStatus render(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in);
OfxStatus is_identity(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in, OfxPropertySetHandle out);
OfxStatus region_of_definition(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                               OfxPropertySetHandle out);
OfxStatus regions_of_interest(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                              OfxPropertySetHandle out);
OfxStatus frames_needed(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle in,
                        OfxPropertySetHandle out);
OfxStatus clip_preferences(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle out);
OfxStatus output_colour_space(const Plugin& plugin, OfxImageEffectHandle effect, OfxPropertySetHandle out);

}  // namespace wetgate
