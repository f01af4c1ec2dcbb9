// Shared memory as a section without a name. Its pages are charged when it is made, and it cannot change its size.
#include "../pool.h"

#include "win.h"

namespace wetgate {

Descriptor make_shared_memory(std::size_t size) {
    const auto bytes = static_cast<std::uint64_t>(size);
    Descriptor section = owned(CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE | SEC_COMMIT,
                                                  static_cast<DWORD>(bytes >> 32), static_cast<DWORD>(bytes), nullptr));
    if (!section.open()) refuse_memory(size, error_text(GetLastError()).c_str());
    return section;
}

void* map_shared_memory(const Descriptor& file, std::size_t size) {
    void* data = MapViewOfFile(file.number(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, size);
    if (data == nullptr) refuse_memory(size, error_text(GetLastError()).c_str());
    return data;
}

void unmap_shared_memory(void* data, std::size_t) { UnmapViewOfFile(data); }

}  // namespace wetgate
