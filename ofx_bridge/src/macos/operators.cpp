// The allocation functions of this library alone. Those of libc++abi are weak and visible, and Apple's loader would exchange
// them for the host's; these are hidden by the compiler's -fvisibility-global-new-delete=force-hidden.
#include <cstdlib>
#include <new>

namespace {

void* allocated(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment < sizeof(void*) ? sizeof(void*) : alignment, size == 0 ? 1 : size) != 0) return nullptr;
    return memory;
}

void* demanded(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

using Alignment = std::align_val_t;
using Quietly = const std::nothrow_t&;

}  // namespace

void* operator new(std::size_t size) { return demanded(allocated(size)); }
void* operator new[](std::size_t size) { return demanded(allocated(size)); }
void* operator new(std::size_t size, Quietly) noexcept { return allocated(size); }
void* operator new[](std::size_t size, Quietly) noexcept { return allocated(size); }
void* operator new(std::size_t size, Alignment to) { return demanded(allocated(size, static_cast<std::size_t>(to))); }
void* operator new[](std::size_t size, Alignment to) { return demanded(allocated(size, static_cast<std::size_t>(to))); }
void* operator new(std::size_t size, Alignment to, Quietly) noexcept { return allocated(size, static_cast<std::size_t>(to)); }
void* operator new[](std::size_t size, Alignment to, Quietly) noexcept { return allocated(size, static_cast<std::size_t>(to)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, Quietly) noexcept { std::free(memory); }
void operator delete[](void* memory, Quietly) noexcept { std::free(memory); }
void operator delete(void* memory, Alignment) noexcept { std::free(memory); }
void operator delete[](void* memory, Alignment) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, Alignment) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, Alignment) noexcept { std::free(memory); }
void operator delete(void* memory, Alignment, Quietly) noexcept { std::free(memory); }
void operator delete[](void* memory, Alignment, Quietly) noexcept { std::free(memory); }
