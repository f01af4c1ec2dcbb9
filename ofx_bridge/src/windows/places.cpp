#include "../places.h"

#include "win.h"

#include <aclapi.h>

#include "../failure.h"

namespace wetgate {

namespace {

constexpr char remedy[] = "; run: wetgate hosts install";
constexpr ACCESS_MASK writing = FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL;

struct LocalMemory {
    void* memory = nullptr;
    ~LocalMemory() { LocalFree(memory); }
};

bool is_known(PSID sid, WELL_KNOWN_SID_TYPE kind) { return IsWellKnownSid(sid, kind) != 0; }

// The user that this process runs as.
std::vector<unsigned char> user_token() {
    HANDLE token = nullptr;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return {};
    const Descriptor held(token);
    DWORD size = 0;
    GetTokenInformation(token, TokenUser, nullptr, 0, &size);
    std::vector<unsigned char> memory(size);
    if (size == 0 || !GetTokenInformation(token, TokenUser, memory.data(), size, &size)) return {};
    return memory;
}

// The system's own, administrators, and whoever installs Windows' parts (S-1-5-80-...) may write everywhere anyway.
bool is_privileged(PSID sid, PSID user) {
    if (user != nullptr && EqualSid(sid, user)) return true;
    if (is_known(sid, WinLocalSystemSid) || is_known(sid, WinBuiltinAdministratorsSid) || is_known(sid, WinCreatorOwnerSid)) return true;
    const SID_IDENTIFIER_AUTHORITY* authority = GetSidIdentifierAuthority(sid);
    return authority->Value[5] == 5 && *GetSidSubAuthorityCount(sid) > 1 && *GetSidSubAuthority(sid, 0) == 80;
}

// Whether only the owner, this user and the system may write a file or a folder.
bool is_trusted(const std::wstring& path) {
    PSID owner = nullptr;
    PACL list = nullptr;
    LocalMemory descriptor;
    if (GetNamedSecurityInfoW(const_cast<wchar_t*>(path.c_str()), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                              nullptr, &list, nullptr, &descriptor.memory) != ERROR_SUCCESS)
        return false;
    std::vector<unsigned char> token = user_token();
    const PSID user = token.empty() ? nullptr : reinterpret_cast<TOKEN_USER*>(token.data())->User.Sid;
    if (owner == nullptr || !is_privileged(owner, user) || list == nullptr) return false;
    for (DWORD i = 0; i < list->AceCount; ++i) {
        void* entry = nullptr;
        if (!GetAce(list, i, &entry)) return false;
        const auto* header = static_cast<const ACE_HEADER*>(entry);
        if (header->AceType != ACCESS_ALLOWED_ACE_TYPE || (header->AceFlags & INHERIT_ONLY_ACE) != 0) continue;
        auto* allowed = static_cast<ACCESS_ALLOWED_ACE*>(entry);
        if ((allowed->Mask & writing) != 0 && !is_privileged(&allowed->SidStart, user)) return false;
    }
    return true;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.find_last_of("/\\")); }

}  // namespace

const std::vector<std::string> system_variables{
    "SYSTEMROOT", "WINDIR", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
    "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "CUDA_PATH"};

std::string variable(const char* name) {
    const std::wstring wanted = wide(name);
    std::wstring value(256, L'\0');
    DWORD size = GetEnvironmentVariableW(wanted.c_str(), value.data(), static_cast<DWORD>(value.size()));
    if (size > value.size()) {
        value.resize(size);
        size = GetEnvironmentVariableW(wanted.c_str(), value.data(), static_cast<DWORD>(value.size()));
    }
    value.resize(size < value.size() ? size : 0);
    return narrow(value);
}

std::vector<std::string> environment() {
    std::vector<std::string> all;
    wchar_t* const block = GetEnvironmentStringsW();
    if (block == nullptr) return all;
    for (const wchar_t* entry = block; *entry != 0;) {
        const std::wstring text = entry;
        if (text[0] != L'=') all.push_back(narrow(text));  // "=C:=..." are the shell's own
        entry += text.size() + 1;
    }
    FreeEnvironmentStringsW(block);
    return all;
}

bool same_variable(const std::string& a, const std::string& b) { return CompareStringOrdinal(wide(a).c_str(), -1, wide(b).c_str(), -1, TRUE) == CSTR_EQUAL; }

bool exists(const std::string& path) { return GetFileAttributesW(wide(path).c_str()) != INVALID_FILE_ATTRIBUTES; }

bool is_absolute(const std::string& path) {
    const bool drive = path.size() > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
    return drive || path.rfind("\\\\", 0) == 0;
}

std::string resources() {
    HMODULE module = nullptr;
    constexpr DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExW(flags, reinterpret_cast<const wchar_t*>(&resources), &module)) return "";
    std::wstring path(32768, L'\0');
    path.resize(GetModuleFileNameW(module, path.data(), static_cast<DWORD>(path.size())));
    return path.empty() ? "" : folder_of(folder_of(narrow(path))) + "\\Resources";
}

std::string user_launch_file() {
    const std::string data = variable("APPDATA");
    return data.empty() ? "" : data + "\\Wetgate\\worker.json";
}

std::string read_trusted(const std::string& path, std::size_t longest) {
    const Descriptor file = owned(CreateFileW(wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr));
    if (!file.open()) throw Failure(path + " cannot be read: " + error_text(GetLastError()) + remedy);
    if (!is_trusted(wide(path)))
        throw Failure(path + " is refused: others than its owner and administrators may write it, or it is somebody else's" + remedy);
    if (!is_trusted(wide(folder_of(path)))) throw Failure(path + " is refused: others may write its folder" + remedy);
    std::string text;
    char part[4096];
    DWORD count = 0;
    while (ReadFile(file.number(), part, sizeof part, &count, nullptr) && count > 0) {
        text.append(part, count);
        if (text.size() > longest) throw Failure(path + " is longer than " + std::to_string(longest >> 10) + " KiB" + remedy);
    }
    return text;
}

}  // namespace wetgate
