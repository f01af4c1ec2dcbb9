// What the shim asks of the operating system beside files, memory and processes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wetgate {

// Seconds of a clock that only goes forward.
double now();

void sleep_for(double seconds);

std::uint32_t process_id();

// Bytes that nobody can foretell. Throws Failure where the system gives none.
void fill_random(unsigned char* bytes, std::size_t size);

}  // namespace wetgate
