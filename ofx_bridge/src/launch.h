// How the worker is started: whose command, with which environment (PROTOCOL.md 8).
#pragma once

#include <string>
#include <vector>

namespace wetgate {

// Program and arguments. Throws Failure where no command is to be found, or the first one found is not to be trusted.
std::vector<std::string> worker_command();

// "NAME=value" of the variables that the worker may have.
std::vector<std::string> worker_environment();

// The command in a launch file's text, or a Failure that names `path`.
std::vector<std::string> parse_launch(const std::string& text, const std::string& path);

}  // namespace wetgate
