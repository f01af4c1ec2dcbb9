#include "memory.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "../handle.h"

namespace wetgate {

namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

#if defined(__linux__)

// A small file of the kernel's; "" where it is not there.
std::string text_of(const std::string& path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    char part[4096];
    for (ssize_t count; file.open() && (count = read(file.number(), part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(count));
    return text;
}

// The number that a text begins with; `unlimited` where it begins with another word ("max") or is empty.
std::uint64_t number_of(const std::string& text) {
    char* end = nullptr;
    const std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
    return end == text.c_str() ? unlimited : value;
}

// The number on the line that begins with a name (meminfo, memory.stat); 0 where there is none.
std::uint64_t named(const std::string& text, const std::string& name) {
    std::size_t at = 0;
    while (text.compare(at, name.size(), name) != 0) {
        at = text.find('\n', at);
        if (at++ == std::string::npos) return 0;
    }
    const std::uint64_t value = number_of(text.substr(at + name.size(), 32));
    return value == unlimited ? 0 : value;
}

// proc_meminfo(5): what can be had without swapping, and the swap.
std::uint64_t of_machine() {
    const std::string text = text_of("/proc/meminfo");
    const std::uint64_t kibibytes = named(text, "MemAvailable:");
    return kibibytes == 0 ? unlimited : (kibibytes + named(text, "SwapFree:")) << 10;
}

// cgroup-v2.rst and cgroup-v1/memory.rst name the files. Cached files are counted as used and can be dropped.
std::uint64_t of_group(const std::string& folder, bool second) {
    const std::uint64_t limit = number_of(text_of(folder + (second ? "/memory.max" : "/memory.limit_in_bytes")));
    const std::uint64_t used = number_of(text_of(folder + (second ? "/memory.current" : "/memory.usage_in_bytes")));
    if (limit == unlimited || used == unlimited) return unlimited;
    const std::string text = text_of(folder + "/memory.stat"), head = second ? "" : "total_";
    const std::uint64_t cached = named(text, head + "inactive_file ") + named(text, head + "active_file ");
    return limit - std::min(limit, used - std::min(used, cached));
}

// The limit of any group above one's own holds too. A container may show its own group as the root, and the path not at all.
std::uint64_t of_path(const std::string& root, std::string path, bool second) {
    std::uint64_t left = unlimited;
    while (true) {
        while (!path.empty() && path.back() == '/') path.pop_back();
        left = std::min(left, of_group(root + path, second));
        if (path.empty()) return left;
        path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
}

// cgroups(7): lines of number, controllers (none in version 2) and path, with colons between.
std::uint64_t of_groups() {
    std::uint64_t left = unlimited;
    const std::string text = text_of("/proc/self/cgroup");
    for (std::size_t at = 0, end; at < text.size(); at = end + 1) {
        end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        const std::size_t first = line.find(':'), last = line.find(':', first + 1);
        if (first == std::string::npos || last == std::string::npos) continue;
        const std::string controllers = line.substr(first, last + 1 - first), path = line.substr(last + 1);
        if (controllers == "::") left = std::min(left, of_path("/sys/fs/cgroup", path, true));
        if (controllers == ":memory:") left = std::min(left, of_path("/sys/fs/cgroup/memory", path, false));
    }
    return left;
}

#endif

}  // namespace

std::uint64_t available_memory() {
#if defined(__linux__)
    return std::min(of_machine(), of_groups());
#else
    return unlimited;
#endif
}

}  // namespace wetgate
