// A host around which everything fails: its worker, its memory, its system calls. Its process must not end, and its next frame must
// come out. It prints lines "name value".
//
//   faults BUNDLE.ofx PLUGIN-ID survive COUNT WIDTHxHEIGHT CALM    COUNT frames from workers of tests/fuzz/targets/worker.cpp that
//                                                                  break the protocol; then the file CALM is made, and they do not
//   faults BUNDLE.ofx PLUGIN-ID starve COUNT WIDTHxHEIGHT          the first COUNT calls of each kind that the shim makes in a
//                                                                  frame fail, one in each frame
//   faults BUNDLE.ofx PLUGIN-ID huge 1 WIDTHxHEIGHT                a picture for which there is no memory
#include <dirent.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>

#include "plugin.h"

namespace {

using namespace probe;

// Kinds of calls, in the order of `names`.
enum Call { malloc_, calloc_, realloc_, syscall_, ftruncate_, fallocate_, fcntl_, mmap_, open_, read_, write_, pipe_, socketpair_, spawn_,
            opendir_, access_, realpath_, poll_, recv_, sendmsg_, calls };
const char* const names[calls] = {"malloc", "calloc", "realloc", "syscall", "ftruncate", "posix_fallocate", "fcntl", "mmap", "open",
                                  "read", "write", "pipe", "socketpair", "posix_spawn", "opendir", "access", "realpath", "poll",
                                  "recv", "sendmsg"};

std::uintptr_t shim_begin = 0, shim_end = 0;
int armed = -1, wait_for = 0, counted = 0;

// Whether a call of this kind, made at `from`, is the one that fails.
bool fails(Call call, const void* from, int error) {
    const auto at = reinterpret_cast<std::uintptr_t>(from);
    if (armed != call || at < shim_begin || at >= shim_end || ++counted != wait_for) return false;
    errno = error;
    return true;
}

template <typename Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int find_shim(dl_phdr_info* info, std::size_t, void*) {
    if (std::strstr(info->dlpi_name, "Wetgate.ofx") == nullptr) return 0;
    shim_begin = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; ++i)
        if (info->dlpi_phdr[i].p_type == PT_LOAD)
            shim_end = std::max<std::uintptr_t>(shim_end, info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz);
    return 1;
}

}  // namespace

#define CALLER __builtin_return_address(0)

// The shim's calls come here first, for the program's own definitions go before those of its libraries.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);

void* malloc(std::size_t size) { return fails(malloc_, CALLER, ENOMEM) ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) { return fails(calloc_, CALLER, ENOMEM) ? nullptr : __libc_calloc(count, size); }
void* realloc(void* data, std::size_t size) { return fails(realloc_, CALLER, ENOMEM) ? nullptr : __libc_realloc(data, size); }

long syscall(long number, ...) noexcept {
    if (fails(syscall_, CALLER, EMFILE)) return -1;
    va_list given;
    va_start(given, number);
    long word[6];
    for (long& one : word) one = va_arg(given, long);
    va_end(given);
    return real<decltype(syscall)>("syscall")(number, word[0], word[1], word[2], word[3], word[4], word[5]);
}
int ftruncate(int file, off_t size) noexcept {
    return fails(ftruncate_, CALLER, EFBIG) ? -1 : real<decltype(ftruncate)>("ftruncate")(file, size);
}
int posix_fallocate(int file, off_t from, off_t size) {
    return fails(fallocate_, CALLER, ENOSPC) ? ENOSPC : real<decltype(posix_fallocate)>("posix_fallocate")(file, from, size);
}
int fcntl(int file, int command, ...) {
    if (fails(fcntl_, CALLER, EMFILE)) return -1;
    va_list given;
    va_start(given, command);
    const long word = va_arg(given, long);
    va_end(given);
    return real<decltype(fcntl)>("fcntl")(file, command, word);
}
void* mmap(void* at, std::size_t size, int access, int flags, int file, off_t from) noexcept {
    return fails(mmap_, CALLER, ENOMEM) ? MAP_FAILED : real<decltype(mmap)>("mmap")(at, size, access, flags, file, from);
}
int open(const char* path, int flags, ...) {
    va_list given;
    va_start(given, flags);
    const int mode = va_arg(given, int);
    va_end(given);
    return fails(open_, CALLER, EMFILE) ? -1 : real<decltype(open)>("open")(path, flags, mode);
}
ssize_t read(int file, void* into, std::size_t size) {
    return fails(read_, CALLER, EIO) ? -1 : real<decltype(read)>("read")(file, into, size);
}
ssize_t write(int file, const void* from, std::size_t size) {
    return fails(write_, CALLER, EIO) ? -1 : real<decltype(write)>("write")(file, from, size);
}
int pipe(int* ends) noexcept { return fails(pipe_, CALLER, EMFILE) ? -1 : real<decltype(pipe)>("pipe")(ends); }
int socketpair(int domain, int type, int protocol, int* ends) noexcept {
    return fails(socketpair_, CALLER, EMFILE) ? -1 : real<decltype(socketpair)>("socketpair")(domain, type, protocol, ends);
}
int posix_spawn(pid_t* id, const char* path, const posix_spawn_file_actions_t* files, const posix_spawnattr_t* attributes,
                char* const* words, char* const* variables) {
    return fails(spawn_, CALLER, EAGAIN) ? EAGAIN : real<decltype(posix_spawn)>("posix_spawn")(id, path, files, attributes, words, variables);
}
DIR* opendir(const char* path) { return fails(opendir_, CALLER, EMFILE) ? nullptr : real<decltype(opendir)>("opendir")(path); }
int access(const char* path, int mode) noexcept { return fails(access_, CALLER, ENOMEM) ? -1 : real<decltype(access)>("access")(path, mode); }
char* realpath(const char* path, char* into) noexcept {
    return fails(realpath_, CALLER, ENOMEM) ? nullptr : real<decltype(realpath)>("realpath")(path, into);
}
int poll(pollfd* files, nfds_t count, int milliseconds) {
    return fails(poll_, CALLER, EINTR) ? -1 : real<decltype(poll)>("poll")(files, count, milliseconds);
}
ssize_t recv(int socket, void* into, std::size_t size, int flags) {
    return fails(recv_, CALLER, ECONNRESET) ? -1 : real<decltype(recv)>("recv")(socket, into, size, flags);
}
ssize_t sendmsg(int socket, const msghdr* message, int flags) {
    return fails(sendmsg_, CALLER, EPIPE) ? -1 : real<decltype(sendmsg)>("sendmsg")(socket, message, flags);
}
}

namespace {

bool holds(const Pictures& pictures, const std::vector<float>& wanted) {
    return std::memcmp(pictures.target.data(), wanted.data(), 4 * wanted.size()) == 0;
}

void clear(Pictures& pictures) { std::fill(pictures.target.begin(), pictures.target.end(), -1.0f); }

void demand_defined(OfxStatus status) {
    if (status != ofx::OK && status != ofx::Failed && status != ofx::ErrMemory) fail("Render: status " + std::to_string(status));
}

void survive(Plugin& plugin, int count, int width, int height, const char* calm) {
    auto effect = plugin.create();
    Pictures pictures = pictures_of(width, height, 1);
    int failed = 0;
    for (int number = 0; number < count; ++number) {
        clear(pictures);
        const OfxStatus status = plugin.try_render(*effect, pictures, number);
        demand_defined(status);
        if (status != ofx::OK && !holds(pictures, pictures.source)) fail("a failed frame does not hold the source");
        failed += status != ofx::OK;
    }
    std::printf("failed %d\n", failed);
    close(open(calm, O_WRONLY | O_CREAT, 0600));
    plugin.act("OfxActionPurgeCaches", nullptr, nullptr, nullptr);
    for (int tries = 0; plugin.try_render(*effect, pictures, 0) != ofx::OK; ++tries)
        if (tries == 8) fail("no frame comes out any more");  // a worker from before may still be doing its harm
    for (int number = 0; number < 3; ++number) plugin.try_render(*effect, pictures, number);
    clear(pictures);
    plugin.render(*effect, pictures, 1);
    demand_echo(pictures);
    plugin.destroy(std::move(effect));
}

int open_files() {
    DIR* folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder) != nullptr) ++count;
    closedir(folder);
    return count;
}

// One call that fails in a frame from a worker that runs, or, where `cold`, from one that is to be started.
void starve(const char* path, const std::string& id, int most, int width, int height) {
    const std::vector<float> nothing(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 4, -1.0f);
    for (const bool cold : {true, false})
        for (int call = 0; call < calls; ++call) {
            int fired = 0, failed = 0;
            auto library = std::make_unique<Library>(path);
            dl_iterate_phdr(find_shim, nullptr);
            auto plugin = std::make_unique<Plugin>(library->plugin(id));
            auto effect = plugin->create();
            Pictures pictures = pictures_of(width, height, call);
            const bool memory = call <= realloc_;
            plugin->render(*effect, pictures, 0);
            const int open_before = open_files();
            for (int nth = 1; nth <= most; nth += cold && memory && nth > 40 ? 7 : 1) {
                if (cold) {
                    plugin->destroy(std::move(effect));
                    plugin.reset();
                    plugin = std::make_unique<Plugin>(library->plugin(id));
                    effect = plugin->create();
                }
                clear(pictures);
                armed = call;
                wait_for = nth;
                counted = 0;
                const OfxStatus status = plugin->try_render(*effect, pictures, nth);
                armed = -1;
                if (counted < nth) break;
                ++fired;
                failed += status != ofx::OK;
                demand_defined(status);
                // Without memory for the first thing that a frame needs, the host's picture is not even looked at.
                if (!holds(pictures, pictures.source) && !(memory && status != ofx::OK && holds(pictures, nothing)))
                    fail(std::string(names[call]) + " " + std::to_string(nth) + ": the frame does not hold the source");
                clear(pictures);
                plugin->render(*effect, pictures, nth);
                demand_echo(pictures);
            }
            if (open_files() > open_before) fail(std::string(names[call]) + ": files stay open");
            plugin->destroy(std::move(effect));
            std::printf("%s_%s %d/%d\n", cold ? "cold" : "warm", names[call], failed, fired);
            std::fflush(stdout);
        }
}

// Memory of its own for pictures, of which nothing is there until it is touched.
std::vector<float>::value_type* promise(std::size_t bytes) {
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) fail("no addresses for the picture");
    return static_cast<float*>(data);
}

float* promised_source = nullptr;
float* promised_target = nullptr;

void huge(Plugin& plugin, int width, int height) {
    const std::size_t bytes = 16 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    promised_source = promise(bytes);
    promised_target = promise(bytes);
    promised_source[0] = 0.25f;
    auto effect = plugin.create();
    Pictures small = pictures_of(16, 9, 1), none;
    none.width = width;
    none.height = height;
    static const auto get_image = effect_suite.clipGetImage;
    effect_suite.clipGetImage = [](OfxImageClipHandle clip, OfxTime time, const OfxRectD* region, OfxPropertySetHandle* image) {
        const OfxStatus status = get_image(clip, time, region, image);
        if (status != ofx::OK || !current->source.empty()) return status;
        const bool source = find(reinterpret_cast<OfxPropertySetHandle>(clip), "OfxPropName", 0)->text == ofx::Source;
        slot(*image, "OfxImagePropData", 0).pointer = source ? promised_source : promised_target;
        return status;
    };
    plugin.render(*effect, small, 0);  // the worker is there
    demand_echo(small);
    const OfxStatus status = plugin.try_render(*effect, none, 1, 8, 8);
    std::printf("status %d\nmessages %d\n", status, messages);
    if (status != ofx::ErrMemory) fail("not the status of a host without memory");
    if (promised_target[0] != 0.25f) fail("a failed frame does not hold the source");
    plugin.render(*effect, small, 2);
    demand_echo(small);
    plugin.destroy(std::move(effect));
}

}  // namespace

int main(int count, char** argument) {
    int width = 0, height = 0;
    if (count < 6 || std::sscanf(argument[5], "%dx%d", &width, &height) != 2) fail("faults BUNDLE.ofx PLUGIN-ID MODE COUNT WIDTHxHEIGHT");
    const std::string id = argument[2], mode = argument[3];
    const int times = std::atoi(argument[4]);
    describe_host();
    if (mode == "starve") {
        starve(argument[1], id, times, width, height);
        return 0;
    }
    const Library library(argument[1]);
    Plugin plugin(library.plugin(id));
    if (mode == "survive" && count > 6)
        survive(plugin, times, width, height, argument[6]);
    else if (mode == "huge")
        huge(plugin, width, height);
    else
        fail("no mode " + mode);
    return 0;
}
