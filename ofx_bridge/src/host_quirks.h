// Where hosts are named: nothing else in the shim knows one.
#pragma once

#include <string>

namespace wetgate {

// The colour space that a host works in by default, where it cannot say: an alias of the compiled-in list.
const char* working_space_of_host(const std::string& name);

// Whether a variable of the process, "NAME=value", was set by a host for itself and means nothing to anyone else.
bool set_by_host(const std::string& variable);

}  // namespace wetgate
