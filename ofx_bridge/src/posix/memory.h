// How much memory may still be reserved.
#pragma once

#include <cstdint>

namespace wetgate {

// Bytes that the machine, and every memory group that this process is in, can still give without ending a process; the largest
// number where the system does not say.
std::uint64_t available_memory();

}  // namespace wetgate
