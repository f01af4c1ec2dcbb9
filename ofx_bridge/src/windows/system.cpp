#include "../system.h"

#include <string>

#include "win.h"

#include <bcrypt.h>

#include "../failure.h"

namespace wetgate {

void Descriptor::close() {
    if (number_ != no_handle) CloseHandle(number_);
    number_ = no_handle;
}

double now() {
    LARGE_INTEGER ticks, rate;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&rate);
    return static_cast<double>(ticks.QuadPart) / static_cast<double>(rate.QuadPart);
}

void sleep_for(double seconds) { Sleep(seconds <= 0 ? 0 : static_cast<DWORD>(seconds * 1e3 + 0.999)); }

std::uint32_t process_id() { return GetCurrentProcessId(); }

void fill_random(unsigned char* bytes, std::size_t size) {
    if (BCryptGenRandom(nullptr, bytes, static_cast<ULONG>(size), BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0)
        throw Failure("this machine gives no random bytes for the render worker's token");
}

}  // namespace wetgate
