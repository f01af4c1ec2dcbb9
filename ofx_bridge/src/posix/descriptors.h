// File descriptors as the shim makes them.
#pragma once

#include "../handle.h"

namespace wetgate {

// A sealable memory file of no size yet.
Descriptor make_memory_file(const char* name);

// The descriptor itself, or a copy of it above those that the worker is started with. Throws Failure where none is left.
Descriptor above_standard(int number);

}  // namespace wetgate
