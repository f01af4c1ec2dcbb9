#include "pool.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace wetgate {

namespace {

[[noreturn]] void refuse(std::size_t size, int error) {
    throw Failure("no shared memory for the pictures (" + std::to_string(size >> 20) + " MiB): " + std::strerror(error) +
                      "; close other applications or render fewer frames at once",
                  Cause::memory);
}

// A file that would outgrow the process's limit raises SIGXFSZ, which ends a host that does not expect it.
void demand_within_limit(std::size_t size) {
    rlimit limit{};
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur) refuse(size, EFBIG);
}

#if defined(__linux__)

// linux/memfd.h and linux/fcntl.h; older C libraries have no wrapper and no names.
constexpr unsigned memfd_cloexec = 1, memfd_allow_sealing = 2;
constexpr int add_seals = 1024 + 9, seal_seal = 1, seal_shrink = 2, seal_grow = 4;

void reserve(int file, std::size_t size) {
    demand_within_limit(size);
    if (ftruncate(file, static_cast<off_t>(size)) != 0) refuse(size, errno);
    int error;
    do error = posix_fallocate(file, 0, static_cast<off_t>(size));
    while (error == EINTR);
    if (error != 0) refuse(size, error);
    if (fcntl(file, add_seals, seal_seal | seal_shrink | seal_grow) != 0) refuse(size, errno);
}

#else

void reserve(int file, std::size_t size) {
    demand_within_limit(size);
    if (ftruncate(file, static_cast<off_t>(size)) != 0) refuse(size, errno);
}

#endif

}  // namespace

Descriptor make_memory_file(const char* name) {
#if defined(__linux__)
    const int file = static_cast<int>(syscall(SYS_memfd_create, name, memfd_cloexec | memfd_allow_sealing));
#else
    char path[32];
    static unsigned count = 0;
    std::snprintf(path, sizeof path, "/wetgate-%d-%u", static_cast<int>(getpid()), __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED));
    const int file = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file >= 0) shm_unlink(path);
    (void)name;
#endif
    if (file < 0) refuse(0, errno);
    return above_standard(file);
}

Pool::Pool(std::size_t size) : file_(make_memory_file("wetgate-pictures")), size_(size) {
    reserve(file_.number(), size);
    data_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.number(), 0);
    if (data_ == MAP_FAILED) {
        data_ = nullptr;
        refuse(size, errno);
    }
}

Pool::Pool(Pool&& other) noexcept
    : file_(std::move(other.file_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Pool& Pool::operator=(Pool&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Pool::~Pool() {
    if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace wetgate
