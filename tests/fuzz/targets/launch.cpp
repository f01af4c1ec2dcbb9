// A launch file of any bytes: a command, or a Failure.
#include <cstdint>
#include <cstdlib>

#include "failure.h"
#include "launch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const auto command = wetgate::parse_launch(std::string(reinterpret_cast<const char*>(data), size), "worker.json");
        if (command.empty() || command.size() > 64 || command[0].empty() || command[0][0] != '/') std::abort();
        for (const std::string& word : command)
            if (word.find('\0') != std::string::npos) std::abort();
    } catch (const wetgate::Failure&) {
    }
    return 0;
}
