#include "../places.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <crt_externs.h>
#else
extern "C" char** environ;
#endif

#include "../failure.h"
#include "../handle.h"

namespace wetgate {

namespace {

constexpr char remedy[] = "; run: wetgate hosts install";

bool trusted(const struct stat& found) {
    return (found.st_uid == 0 || found.st_uid == geteuid()) && (found.st_mode & S_IWOTH) == 0;
}

void demand_trusted(int file, const std::string& path) {
    struct stat found {};
    if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode)) throw Failure(path + " is not a file" + remedy);
    if (!trusted(found) || (found.st_mode & S_IWGRP) != 0)
        throw Failure(path + " is refused: others than its owner and root may write it, or it is somebody else's" + remedy);
    const std::string folder = path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/') + 1);
    if (stat(folder.c_str(), &found) != 0 || !trusted(found))
        throw Failure(path + " is refused: others may write its folder" + remedy);
}

}  // namespace

const std::vector<std::string> system_variables;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::vector<std::string> environment() {
#if defined(__APPLE__)
    char** entry = *_NSGetEnviron();
#else
    char** entry = environ;
#endif
    std::vector<std::string> all;
    for (; entry != nullptr && *entry != nullptr; ++entry) all.emplace_back(*entry);
    return all;
}

bool same_variable(const std::string& a, const std::string& b) { return a == b; }

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

bool is_absolute(const std::string& path) { return !path.empty() && path[0] == '/'; }

std::string resources() {
    Dl_info here{};
    if (dladdr(reinterpret_cast<const void*>(&resources), &here) == 0 || here.dli_fname == nullptr) return "";
    std::string path = here.dli_fname;
    char* real = realpath(path.c_str(), nullptr);
    if (real != nullptr) path = real;
    std::free(real);
    for (int level = 0; level < 2; ++level) {
        const std::size_t slash = path.rfind('/');
        if (slash == std::string::npos) return "";
        path.resize(slash);
    }
    return path + "/Resources";
}

std::string user_launch_file() {
    const std::string home = variable("HOME");
#if defined(__APPLE__)
    return home.empty() ? "" : home + "/Library/Application Support/Wetgate/worker.json";
#else
    const std::string config = variable("XDG_CONFIG_HOME");
    if (!config.empty()) return config + "/wetgate/worker.json";
    return home.empty() ? "" : home + "/.config/wetgate/worker.json";
#endif
}

std::string read_trusted(const std::string& path, std::size_t longest) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.open()) throw Failure(path + " cannot be read: " + std::strerror(errno) + remedy);
    demand_trusted(file.number(), path);
    std::string text;
    char part[4096];
    ssize_t count;
    while ((count = read(file.number(), part, sizeof part)) > 0) {
        text.append(part, static_cast<std::size_t>(count));
        if (text.size() > longest) throw Failure(path + " is longer than " + std::to_string(longest >> 10) + " KiB" + remedy);
    }
    if (count < 0) throw Failure(path + " cannot be read: " + std::strerror(errno) + remedy);
    return text;
}

}  // namespace wetgate
