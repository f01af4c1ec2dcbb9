#include "launch.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection.h"
#include "failure.h"
#include "host_quirks.h"
#include "json.h"

extern "C" char** environ;

namespace wetgate {

namespace {

constexpr off_t longest_file = 64 << 10;
constexpr std::size_t most_arguments = 64;
constexpr char remedy[] = "; run: wetgate hosts install";

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// The bundle's Contents/Resources, from where this very code was loaded; a host need not say where it found the bundle.
std::string resources() {
    Dl_info here{};
    if (dladdr(reinterpret_cast<const void*>(&worker_command), &here) == 0 || here.dli_fname == nullptr) return "";
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

std::string user_file() {
    const std::string home = variable("HOME");
#if defined(__APPLE__)
    return home.empty() ? "" : home + "/Library/Application Support/Wetgate/worker.json";
#else
    const std::string config = variable("XDG_CONFIG_HOME");
    if (!config.empty()) return config + "/wetgate/worker.json";
    return home.empty() ? "" : home + "/.config/wetgate/worker.json";
#endif
}

bool trusted(const struct stat& found) {
    return (found.st_uid == 0 || found.st_uid == geteuid()) && (found.st_mode & S_IWOTH) == 0;
}

// Whoever may write the file may run programs as the user, so it must be the user's or root's alone.
void demand_trusted(int file, const std::string& path) {
    struct stat found {};
    if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode)) throw Failure(path + " is not a file" + remedy);
    if (!trusted(found) || (found.st_mode & S_IWGRP) != 0)
        throw Failure(path + " is refused: others than its owner and root may write it, or it is somebody else's" + remedy);
    const std::string folder = path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/') + 1);
    if (stat(folder.c_str(), &found) != 0 || !trusted(found))
        throw Failure(path + " is refused: others may write its folder" + remedy);
}

std::string read_file(const std::string& path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.open()) throw Failure(path + " cannot be read: " + std::strerror(errno) + remedy);
    demand_trusted(file.number(), path);
    std::string text;
    char part[4096];
    ssize_t count;
    while ((count = read(file.number(), part, sizeof part)) > 0) {
        text.append(part, static_cast<std::size_t>(count));
        if (static_cast<off_t>(text.size()) > longest_file) throw Failure(path + " is longer than 64 KiB" + remedy);
    }
    if (count < 0) throw Failure(path + " cannot be read: " + std::strerror(errno) + remedy);
    return text;
}

std::vector<std::string> from_file(const std::string& path) { return parse_launch(read_file(path), path); }

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

bool ends_with(const std::string& text, const std::string& end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::vector<std::string> worker_command() {
    const std::string named = variable("WETGATE_WORKER");
    if (!named.empty()) {
        if (ends_with(named, ".json")) return from_file(named);
        if (!exists(named)) throw Failure("WETGATE_WORKER is " + named + ", which is not there; name a Python interpreter");
        return {named, "-I", "-m", "wetgate.surfaces.worker"};
    }
    const std::string own = user_file();
    if (!own.empty() && exists(own)) return from_file(own);
    const std::string folder = resources();
    const std::string installed = folder + "/wetgate.json";
    if (!folder.empty() && exists(installed)) return from_file(installed);
    throw Failure("the render worker is not set up: " + installed + " is not there" + remedy);
}

std::vector<std::string> worker_environment() {
    static constexpr const char* names[] = {"HOME", "PATH",   "USER", "LOGNAME", "LANG", "LANGUAGE",
                                            "TZ",   "TMPDIR", "OCIO", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
                                            "SSL_CERT_FILE"};
    static constexpr const char* prefixes[] = {"LC_", "XDG_", "WETGATE_", "NVIDIA_"};
    std::vector<std::string> kept;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const std::string name = text.substr(0, text.find('='));
        bool wanted = false;
        for (const char* known : names) wanted = wanted || name == known;
        for (const char* prefix : prefixes) wanted = wanted || starts_with(name, prefix);
        if (wanted && !set_by_host(text)) kept.push_back(text);
    }
    return kept;
}

std::vector<std::string> parse_launch(const std::string& text, const std::string& path) {
    const Json file = parse_json(text);
    const Json* format = file.member("wetgate");
    const Json* command = file.member("command");
    if (format == nullptr || format->kind != Json::Kind::number || format->number != 1 || command == nullptr ||
        command->kind != Json::Kind::array)
        throw Failure(path + " is no launch file of Wetgate" + remedy);
    std::vector<std::string> words;
    for (const Json& word : command->items) {
        if (word.kind != Json::Kind::string || word.text.find('\0') != std::string::npos)
            throw Failure(path + ": command is not a list of strings" + remedy);
        words.push_back(word.text);
    }
    if (words.empty() || words.size() > most_arguments || words[0].empty() || words[0][0] != '/')
        throw Failure(path + ": command must begin with an absolute path" + remedy);
    if (!exists(words[0])) throw Failure(words[0] + ", named in " + path + ", is not there" + remedy);
    return words;
}

}  // namespace wetgate
