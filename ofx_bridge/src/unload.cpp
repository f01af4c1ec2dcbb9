// Destructors of static objects run when the library is unloaded. GCC's start files see to that; zig's have no such call, and a host
// that had closed the library would run them at its exit, in memory that is gone.
#if defined(__ELF__)

extern "C" {
void __cxa_finalize(void* library);
extern __attribute__((visibility("hidden"))) char __dso_handle;
}

// libstdc++ keeps memory aside for exceptions when there is none left, and gives it back by this function alone; linked
// statically, as GCC does it here, each load would leave its own behind. libc++ has no such function.
namespace __gnu_cxx {
__attribute__((weak)) void __freeres();
}

namespace {

__attribute__((destructor)) void finalise() {
    __cxa_finalize(&__dso_handle);
    if (&__gnu_cxx::__freeres != nullptr) __gnu_cxx::__freeres();
}

}  // namespace

#endif
