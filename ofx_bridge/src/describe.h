// The two halves of describing a plug-in: its effect and clips, and its parameters.
#pragma once

#include "plugins.h"

namespace wetgate {

void define_params(const Plugin& plugin, OfxParamSetHandle set, bool general);

}  // namespace wetgate
