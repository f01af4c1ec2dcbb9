// Shared memory as a sealed memory file (Linux), or as a POSIX shared-memory object that has lost its name (macOS).
#include "../pool.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "../failure.h"
#include "descriptors.h"
#include "memory.h"

namespace wetgate {

namespace {

// A file that would outgrow the process's limit raises SIGXFSZ, which ends a host that does not expect it.
void demand_within_limit(std::size_t size) {
    rlimit limit{};
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
        refuse_memory(size, std::strerror(EFBIG));
}

// Pages of a memory file cannot be dropped: a kernel that is asked for more than it has ends a process, and that may be the host.
// A part stays for what host and worker need beside the pictures.
void demand_available(std::size_t size) {
    const std::uint64_t left = available_memory(), kept = std::uint64_t{64} << 20;
    if (left < kept || size > left - kept) {
        const std::string why = "there are " + std::to_string(left >> 20) + " MiB left";
        refuse_memory(size, why.c_str());
    }
}

#if defined(__linux__)

// linux/memfd.h and linux/fcntl.h; older C libraries have no wrapper and no names.
constexpr unsigned memfd_cloexec = 1, memfd_allow_sealing = 2;
constexpr int add_seals = 1024 + 9, seal_seal = 1, seal_shrink = 2, seal_grow = 4;

// Every page of it, and its size for ever.
void reserve(int file, std::size_t size) {
    int error;
    do error = posix_fallocate(file, 0, static_cast<off_t>(size));
    while (error == EINTR);
    if (error != 0) refuse_memory(size, std::strerror(error));
    if (fcntl(file, add_seals, seal_seal | seal_shrink | seal_grow) != 0) refuse_memory(size, std::strerror(errno));
}

#else

// macOS backs the object's pages when they are first written, and lets its size be set once only (ftruncate(2)).
void reserve(int, std::size_t) {}

#endif

}  // namespace

Descriptor make_memory_file(const char* name) {
#if defined(__linux__)
    const int file = static_cast<int>(syscall(SYS_memfd_create, name, memfd_cloexec | memfd_allow_sealing));
#else
    char path[32];  // PSHMNAMLEN is 31
    static unsigned count = 0;
    std::snprintf(path, sizeof path, "/wetgate-%d-%u", static_cast<int>(getpid()), __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED));
    const int file = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file >= 0) {
        shm_unlink(path);
        fcntl(file, F_SETFD, FD_CLOEXEC);
    }
    (void)name;
#endif
    if (file < 0) refuse_memory(0, std::strerror(errno));
    return above_standard(file);
}

Descriptor make_shared_memory(std::size_t size) {
    Descriptor file = make_memory_file("wetgate-pictures");
    static std::mutex lock;  // what one frame is about to take must not be promised to another
    const std::lock_guard<std::mutex> hold(lock);
    demand_within_limit(size);
    demand_available(size);
    if (ftruncate(file.number(), static_cast<off_t>(size)) != 0) refuse_memory(size, std::strerror(errno));
    reserve(file.number(), size);
    return file;
}

void* map_shared_memory(const Descriptor& file, std::size_t size) {
    void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (data == MAP_FAILED) refuse_memory(size, std::strerror(errno));
#if !defined(__linux__)
    std::memset(data, 0, size);  // so that its pages are there
#endif
    return data;
}

void unmap_shared_memory(void* data, std::size_t size) { munmap(data, size); }

}  // namespace wetgate
