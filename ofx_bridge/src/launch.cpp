#include "launch.h"

#include "failure.h"
#include "host_quirks.h"
#include "json.h"
#include "places.h"

namespace wetgate {

namespace {

constexpr std::size_t longest_file = 64 << 10;
constexpr std::size_t most_arguments = 64;
constexpr char remedy[] = "; run: wetgate hosts install";

std::vector<std::string> from_file(const std::string& path) { return parse_launch(read_trusted(path, longest_file), path); }

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

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
    const std::string own = user_launch_file();
    if (!own.empty() && exists(own)) return from_file(own);
    const std::string folder = resources();
    const std::string installed = folder + "/wetgate.json";
    if (!folder.empty() && exists(installed)) return from_file(installed);
    throw Failure("the render worker is not set up: " + installed + " is not there" + remedy);
}

std::vector<std::string> worker_environment() {
    std::vector<std::string> names{"HOME",   "PATH", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR",
                                   "OCIO",   "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "SSL_CERT_FILE"};
    names.insert(names.end(), system_variables.begin(), system_variables.end());
    static constexpr const char* prefixes[] = {"LC_", "XDG_", "WETGATE_", "NVIDIA_"};
    std::vector<std::string> kept;
    for (const std::string& text : environment()) {
        const std::string name = text.substr(0, text.find('='));
        bool wanted = false;
        for (const std::string& known : names) wanted = wanted || same_variable(name, known);
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
    if (words.empty() || words.size() > most_arguments || !is_absolute(words[0]))
        throw Failure(path + ": command must begin with an absolute path" + remedy);
    if (!exists(words[0])) throw Failure(words[0] + ", named in " + path + ", is not there" + remedy);
    return words;
}

}  // namespace wetgate
