// What a frame fails with, inside the shim. It never crosses an entry point.
#pragma once

#include <stdexcept>
#include <string>

namespace wetgate {

enum class Cause {
    fault,    // said to the user; the frame fails
    memory,   // so too, with the host's out-of-memory status
    aborted,  // the host asked for it; nothing is said
};

class Failure : public std::runtime_error {
public:
    explicit Failure(const std::string& text, Cause why = Cause::fault) : std::runtime_error(text), cause(why) {}
    Cause cause;
};

}  // namespace wetgate
