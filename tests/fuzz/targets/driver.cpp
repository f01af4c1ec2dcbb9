// Runs a fuzz target where the compiler has no libFuzzer, with those of its options that are used here: files and folders of inputs,
// -runs=N, -seed=N, -max_total_time=SECONDS, -max_len=BYTES, -artifact_prefix=PATH. Changes are blind: nothing tells it what is new.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Bytes = std::vector<std::uint8_t>;

std::string prefix = "./";
Bytes input;
std::uint64_t state = 1;

std::size_t chance(std::size_t below) {  // splitmix64
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<std::size_t>((z ^ (z >> 31)) % below);
}

void keep_input() {
    const std::string path = prefix + "crash-" + std::to_string(state);
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
    std::fprintf(stderr, "the input is in %s\n", path.c_str());
}

// From memory of its own, so that a byte past its end is found.
void run() {
    std::vector<std::uint8_t> exact(input.begin(), input.end());
    exact.shrink_to_fit();
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void gather(const std::string& path, std::vector<Bytes>& corpus) {
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) return;
    if (S_ISREG(found.st_mode)) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        return;
    }
    std::vector<std::string> names;
    DIR* folder = opendir(path.c_str());
    while (const dirent* entry = folder == nullptr ? nullptr : readdir(folder))
        if (entry->d_name[0] != '.') names.emplace_back(path + "/" + entry->d_name);
    if (folder != nullptr) closedir(folder);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) gather(name, corpus);
}

void change(const std::vector<Bytes>& corpus, std::size_t longest) {
    input = corpus[chance(corpus.size())];
    for (std::size_t times = 1 + chance(5); times > 0; --times) {
        const std::size_t at = input.empty() ? 0 : chance(input.size());
        switch (chance(6)) {
            case 0:
                if (!input.empty()) input[at] = static_cast<std::uint8_t>(chance(256));
                break;
            case 1:
                if (!input.empty()) input[at] ^= static_cast<std::uint8_t>(1u << chance(8));
                break;
            case 2:
                for (std::size_t i = at; i < input.size() && i < at + 4; ++i) input[i] = chance(2) != 0 ? 0xFF : 0;
                break;
            case 3: input.erase(input.begin() + static_cast<std::ptrdiff_t>(at), input.begin() + static_cast<std::ptrdiff_t>(at + std::min(input.size() - at, chance(16)))); break;
            case 4:
                for (std::size_t i = chance(16); i > 0; --i) input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(chance(256)));
                break;
            default: {
                const Bytes& other = corpus[chance(corpus.size())];
                if (!other.empty()) input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), other.begin() + static_cast<std::ptrdiff_t>(chance(other.size())), other.end());
            }
        }
    }
    if (input.size() > longest) input.resize(longest);
}

}  // namespace

int main(int count, char** argument) {
    std::vector<Bytes> corpus;
    std::size_t runs = 0, longest = 4096;
    double seconds = 0;
    for (int i = 1; i < count; ++i) {
        const std::string word = argument[i];
        const auto is = [&word](const char* name) { return word.compare(0, std::strlen(name), name) == 0; };
        const std::string value = word.substr(word.find('=') + 1);
        if (is("-runs=")) runs = std::strtoull(value.c_str(), nullptr, 10);
        else if (is("-seed=")) state = std::strtoull(value.c_str(), nullptr, 10);
        else if (is("-max_total_time=")) seconds = std::atof(value.c_str());
        else if (is("-max_len=")) longest = std::strtoull(value.c_str(), nullptr, 10);
        else if (is("-artifact_prefix=")) prefix = value;
        else if (!is("-")) gather(word, corpus);
    }
    __sanitizer_set_death_callback(keep_input);
    for (const Bytes& one : corpus) {
        input = one;
        run();
    }
    corpus.emplace_back();
    const std::time_t began = std::time(nullptr);
    std::size_t done = 0;
    for (; (runs == 0 || done < runs) && (seconds == 0 || std::difftime(std::time(nullptr), began) < seconds) && (runs != 0 || seconds != 0); ++done) {
        change(corpus, longest);
        run();
    }
    std::fprintf(stderr, "%zu inputs and %zu changed ones\n", corpus.size() - 1, done);
    return 0;
}
