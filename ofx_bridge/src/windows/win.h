// The Windows API as the shim uses it, and UTF-8 to and from what it takes.
#pragma once

#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#define NOGDI
#include <windows.h>

#include <string>

#include "../handle.h"

namespace wetgate {

inline std::wstring wide(const std::string& text) {
    const int size = MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
    std::wstring made(static_cast<std::size_t>(size), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), made.data(), size);
    return made;
}

inline std::string narrow(const std::wstring& text) {
    const int size = WideCharToMultiByte(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0, nullptr, nullptr);
    std::string made(static_cast<std::size_t>(size), '\0');
    WideCharToMultiByte(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), made.data(), size, nullptr, nullptr);
    return made;
}

inline Descriptor owned(HANDLE handle) { return Descriptor(handle == INVALID_HANDLE_VALUE ? nullptr : handle); }

inline std::string error_text(DWORD error) { return "Windows error " + std::to_string(error); }

}  // namespace wetgate
