// Where the worker's command may be found on this system, and whom a file that names it may be trusted from.
#pragma once

#include <string>
#include <vector>

namespace wetgate {

// A variable of the environment; "" where it is not set.
std::string variable(const char* name);

// "NAME=value" of every variable.
std::vector<std::string> environment();

bool same_variable(const std::string& a, const std::string& b);

// Names of variables that programs of this system cannot do without.
extern const std::vector<std::string> system_variables;

bool exists(const std::string& path);
bool is_absolute(const std::string& path);

// The bundle's Contents/Resources, from where this very code was loaded: a host need not say where it found the bundle.
std::string resources();

std::string user_launch_file();

// The text of a file of at most `longest` bytes. Throws Failure where it cannot be read, or where others than its owner and
// root may write it: whoever may do that may run programs as the user.
std::string read_trusted(const std::string& path, std::size_t longest);

}  // namespace wetgate
