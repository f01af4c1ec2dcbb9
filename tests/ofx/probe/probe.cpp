// A host for what Python would blur: memory, threads and time. It loads the bundle and renders through one plug-in.
//
//   probe BUNDLE.ofx PLUGIN-ID echo|renders|cycles|loads|threads COUNT WIDTHxHEIGHT [THREADS [INSTANCES]]
//
// It prints lines "name value". Every rendered picture must be the source again, which is so where the worker answers with the
// source's place: the test worker "echo", or a node at strength 0. The plug-in would not ask the worker for the latter, so the
// first question for `strength` in a render is answered with 1.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "plugin.h"

namespace {

using namespace probe;

long resident() {  // KiB
    long size = 0, pages = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%ld %ld", &size, &pages) != 2) fail("no /proc/self/statm");
    std::fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

double milliseconds() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// One Render action beside the two copies that it cannot do without, by turns.
void echo(const char* path, const std::string& id, int runs, int width, int height) {
    const Library library(path);
    Plugin plugin(library.plugin(id));
    auto effect = plugin.create();
    Pictures pictures = pictures_of(width, height, 1);
    std::vector<float> between(pictures.source.size(), 0.0f);
    const std::size_t bytes = 4 * between.size();
    std::vector<double> copies, trips;
    for (int run = -3; run < runs; ++run) {
        double began = milliseconds();
        std::memcpy(between.data(), pictures.source.data(), bytes);
        std::memcpy(pictures.target.data(), between.data(), bytes);
        if (run >= 0) copies.push_back(milliseconds() - began);
        began = milliseconds();
        plugin.render(*effect, pictures, run + 3);
        if (run >= 0) trips.push_back(milliseconds() - began);
        if (std::memcmp(pictures.source.data(), pictures.target.data(), bytes) != 0) fail("the picture differs");
    }
    plugin.destroy(std::move(effect));
    std::printf("copies_ms %.3f\necho_ms %.3f\nratio %.3f\n", median(copies), median(trips), median(trips) / median(copies));
}

void renders(const char* path, const std::string& id, int count, int width, int height) {
    const Library library(path);
    Plugin plugin(library.plugin(id));
    auto effect = plugin.create();
    Pictures pictures = pictures_of(width, height, 1);
    for (int number = 0; number <= count; ++number) {
        plugin.render(*effect, pictures, number);
        demand_echo(pictures);
        if (number % std::max(1, count / 10) == 0) std::printf("rss_kib %ld\n", resident());
    }
    plugin.destroy(std::move(effect));
}

void cycles(const char* path, const std::string& id, int count, int width, int height) {
    const Library library(path);
    Plugin plugin(library.plugin(id));
    Pictures pictures = pictures_of(width, height, 1);
    for (int number = 0; number <= count; ++number) {
        auto effect = plugin.create();
        plugin.render(*effect, pictures, number);
        demand_echo(pictures);
        plugin.destroy(std::move(effect));
        if (number % std::max(1, count / 10) == 0) std::printf("rss_kib %ld\n", resident());
    }
}

void loads(const char* path, const std::string& id, int count, int width, int height) {
    Pictures pictures = pictures_of(width, height, 1);
    for (int number = 0; number <= count; ++number) {
        const Library library(path);
    Plugin plugin(library.plugin(id));
        auto effect = plugin.create();
        plugin.render(*effect, pictures, number);
        demand_echo(pictures);
        plugin.destroy(std::move(effect));
        if (number % std::max(1, count / 10) == 0) std::printf("rss_kib %ld\n", resident());
    }
}

// Several threads render at once, over one instance or many.
void threads(const char* path, const std::string& id, int count, int width, int height, int at_once, int instances) {
    const Library library(path);
    Plugin plugin(library.plugin(id));
    std::vector<std::unique_ptr<Effect>> effects;
    for (int i = 0; i < instances; ++i) effects.push_back(plugin.create());
    std::vector<std::thread> running;
    const double began = milliseconds();
    for (int thread = 0; thread < at_once; ++thread)
        running.emplace_back([&, thread] {
            Pictures pictures = pictures_of(width, height, thread);
            for (int number = 0; number < count; ++number) {
                const auto which = static_cast<std::size_t>(thread + number * at_once) % effects.size();
                plugin.render(*effects[which], pictures, number);
                demand_echo(pictures);
            }
        });
    for (std::thread& thread : running) thread.join();
    std::printf("frames_per_s %.2f\n", 1000.0 * at_once * count / (milliseconds() - began));
    for (auto& effect : effects) plugin.destroy(std::move(effect));
}

}  // namespace

int main(int count, char** argument) {
    if (count < 6) fail("probe BUNDLE.ofx PLUGIN-ID echo|renders|cycles|loads|threads COUNT WIDTHxHEIGHT [THREADS [INSTANCES]]");
    int width = 0, height = 0;
    if (std::sscanf(argument[5], "%dx%d", &width, &height) != 2) fail("the size is not WIDTHxHEIGHT");
    const std::string id = argument[2], mode = argument[3];
    const int times = std::atoi(argument[4]);
    describe_host();
    if (mode == "echo")
        echo(argument[1], id, times, width, height);
    else if (mode == "renders")
        renders(argument[1], id, times, width, height);
    else if (mode == "cycles")
        cycles(argument[1], id, times, width, height);
    else if (mode == "loads")
        loads(argument[1], id, times, width, height);
    else if (mode == "threads")
        threads(argument[1], id, times, width, height, count > 6 ? std::atoi(argument[6]) : 8, count > 7 ? std::atoi(argument[7]) : 1);
    else
        fail("no mode " + mode);
    if (messages != 0) fail("the plug-in complained");
    return 0;
}
