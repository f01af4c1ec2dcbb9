// Destructors of static objects run when the library is unloaded. GCC's start files see to that; zig's have no such call, and a host
// that had closed the library would run them at its exit, in memory that is gone.
#if defined(__ELF__)

extern "C" {
void __cxa_finalize(void* library);
extern __attribute__((visibility("hidden"))) char __dso_handle;
}

namespace {

__attribute__((destructor)) void finalise() { __cxa_finalize(&__dso_handle); }

}  // namespace

#endif
