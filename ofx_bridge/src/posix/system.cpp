#include "../system.h"

#include <ctime>

#include <fcntl.h>
#include <unistd.h>

#include "../failure.h"
#include "descriptors.h"

namespace wetgate {

namespace {

constexpr int lowest_descriptor = 16;

}  // namespace

void Descriptor::close() {
    if (number_ >= 0) ::close(number_);
    number_ = no_handle;
}

Descriptor above_standard(int number) {
    Descriptor low(number);
    if (number < 0 || number >= lowest_descriptor) return low;
    const int high = fcntl(number, F_DUPFD_CLOEXEC, lowest_descriptor);
    if (high < 0) throw Failure("the host has no file descriptors left", Cause::memory);
    return Descriptor(high);
}

double now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void sleep_for(double seconds) {
    const auto whole = static_cast<time_t>(seconds);
    const timespec time{whole, static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
    nanosleep(&time, nullptr);
}

std::uint32_t process_id() { return static_cast<std::uint32_t>(getpid()); }

void fill_random(unsigned char* bytes, std::size_t size) {
    const Descriptor file(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
    if (!file.open() || read(file.number(), bytes, size) != static_cast<ssize_t>(size))
        throw Failure("this machine gives no random bytes for the render worker's token");
}

}  // namespace wetgate
