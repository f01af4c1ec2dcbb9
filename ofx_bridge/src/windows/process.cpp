#include "../process.h"

#include <mutex>
#include <vector>

#include "win.h"

#include "../failure.h"
#include "../launch.h"
#include "../system.h"

namespace wetgate {

namespace {

// One word of a command line, quoted as CommandLineToArgvW and the C library take it apart.
std::wstring quoted(const std::wstring& word) {
    if (!word.empty() && word.find_first_of(L" \t\"") == std::wstring::npos) return word;
    std::wstring made = L"\"";
    std::size_t slashes = 0;
    for (const wchar_t c : word) {
        if (c == L'\\') {
            ++slashes;
            continue;
        }
        made.append(c == L'"' ? 2 * slashes + 1 : slashes, L'\\');
        slashes = 0;
        made += c;
    }
    made.append(2 * slashes, L'\\');
    return made + L'"';
}

// A file for the worker's errors, which goes away with its last handle: one to read here, one to append to there.
void make_errors(Descriptor& ours, Descriptor& theirs) {
    wchar_t folder[MAX_PATH + 1];
    unsigned char random[8];
    fill_random(random, sizeof random);
    std::string name = "wetgate-";
    for (const unsigned char byte : random) name += std::to_string(byte);
    const DWORD length = GetTempPathW(MAX_PATH + 1, folder);
    if (length == 0 || length > MAX_PATH) return;
    const std::wstring path = std::wstring(folder, length) + wide(name);
    constexpr DWORD shared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    ours = owned(CreateFileW(path.c_str(), GENERIC_READ, shared, nullptr, CREATE_NEW,
                             FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr));
    if (ours.open()) theirs = owned(CreateFileW(path.c_str(), FILE_APPEND_DATA | SYNCHRONIZE, shared, nullptr, OPEN_EXISTING, 0, nullptr));
}

// A pipe that holds the token and then ends.
Descriptor pipe_with(const unsigned char (&token)[32]) {
    HANDLE read_end = nullptr, write_end = nullptr;
    if (!CreatePipe(&read_end, &write_end, nullptr, 4096)) throw Failure("no pipe for the render worker", Cause::memory);
    Descriptor reading(read_end);
    const Descriptor writing(write_end);
    DWORD count = 0;
    if (!WriteFile(writing.number(), token, sizeof token, &count, nullptr) || count != sizeof token)
        throw Failure("the token cannot be handed to the render worker");
    return reading;
}

// The environment block: every entry ends with a NUL, and so does the whole.
std::wstring block_of(const std::vector<std::string>& entries) {
    std::wstring block;
    for (const std::string& entry : entries) {
        block += wide(entry);
        block += L'\0';
    }
    block += L'\0';
    return block;
}

// The handles that the worker inherits, and no others.
class HandleList {
public:
    explicit HandleList(const std::vector<HANDLE>& handles) : handles_(handles) {
        SIZE_T size = 0;
        InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
        memory_.resize(size);
        auto* made = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
        if (!InitializeProcThreadAttributeList(made, 1, 0, &size)) throw Failure("the render worker cannot be prepared");
        list_ = made;
        if (!UpdateProcThreadAttribute(list_, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles_.data(),
                                       handles_.size() * sizeof(HANDLE), nullptr, nullptr))
            throw Failure("the render worker cannot be prepared");
    }
    ~HandleList() {
        if (list_ != nullptr) DeleteProcThreadAttributeList(list_);
    }
    HandleList(const HandleList&) = delete;
    HandleList& operator=(const HandleList&) = delete;

    LPPROC_THREAD_ATTRIBUTE_LIST list() const { return list_; }

private:
    std::vector<HANDLE> handles_;
    std::vector<unsigned char> memory_;
    LPPROC_THREAD_ATTRIBUTE_LIST list_ = nullptr;
};

// A job whose processes end with its last handle, that is with this process, however that ends.
Descriptor make_job() {
    Descriptor job = owned(CreateJobObjectW(nullptr, nullptr));
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (job.open()) SetInformationJobObject(job.number(), JobObjectExtendedLimitInformation, &limits, sizeof limits);
    return job;
}

}  // namespace

struct Process::State {
    std::mutex lock;
    Descriptor errors, process, job;

    // Whether it ended within a time.
    bool ended(double seconds) const {
        return !process.open() || WaitForSingleObject(process.number(), static_cast<DWORD>(seconds * 1e3)) == WAIT_OBJECT_0;
    }

    DWORD status() const {
        DWORD code = 1;
        if (process.open()) GetExitCodeProcess(process.number(), &code);
        return code;
    }

    void kill() const {
        if (ended(0)) return;
        TerminateProcess(process.number(), 9);
        ended(5);
    }
};

Process::Process(Descriptor control, const unsigned char (&token)[32]) : state_(std::make_unique<State>()) {
    const std::vector<std::string> command = worker_command();
    std::vector<std::string> environment = worker_environment();
    environment.push_back("WETGATE_CONTROL=" + std::to_string(reinterpret_cast<std::uintptr_t>(control.number())));
    const Descriptor secret = pipe_with(token);
    const Descriptor nothing = owned(CreateFileW(L"NUL", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr));
    Descriptor errors;
    make_errors(state_->errors, errors);
    std::vector<HANDLE> inherited{control.number(), secret.number(), nothing.number()};
    if (errors.open()) inherited.push_back(errors.number());
    for (const HANDLE handle : inherited) SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    const HandleList handles(inherited);
    STARTUPINFOEXW start{};
    start.StartupInfo.cb = sizeof start;
    start.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    start.StartupInfo.hStdInput = secret.number();
    start.StartupInfo.hStdOutput = nothing.number();
    start.StartupInfo.hStdError = errors.open() ? errors.number() : nothing.number();
    start.lpAttributeList = handles.list();
    std::wstring line;
    for (const std::string& word : command) line += (line.empty() ? L"" : L" ") + quoted(wide(word));
    std::wstring block = block_of(environment);
    PROCESS_INFORMATION made{};
    const DWORD flags = EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT | CREATE_NO_WINDOW | CREATE_SUSPENDED;
    if (!CreateProcessW(wide(command[0]).c_str(), line.data(), nullptr, nullptr, TRUE, flags, block.data(), nullptr,
                        &start.StartupInfo, &made))
        throw Failure("the render worker " + command[0] + " does not start: " + error_text(GetLastError()) +
                      "; run: wetgate hosts doctor");
    const Descriptor thread(made.hThread);
    state_->process = Descriptor(made.hProcess);
    state_->job = make_job();
    if (state_->job.open()) AssignProcessToJobObject(state_->job.number(), state_->process.number());
    ResumeThread(thread.number());
}

Process::~Process() { kill(); }

RawHandle Process::handle() const { return state_->process.number(); }

bool Process::ended_well() {
    const std::lock_guard<std::mutex> hold(state_->lock);
    return state_->ended(0) && state_->status() == 0;
}

void Process::kill() {
    const std::lock_guard<std::mutex> hold(state_->lock);
    state_->kill();
}

void Process::leave(double seconds) {
    const std::lock_guard<std::mutex> hold(state_->lock);
    state_->ended(seconds);
    state_->kill();
}

std::string Process::last_words() {
    const std::lock_guard<std::mutex> hold(state_->lock);
    std::string words;
    if (state_->ended(0.5)) words = " (status " + std::to_string(state_->status()) + ")";
    LARGE_INTEGER size{};
    if (!state_->errors.open() || !GetFileSizeEx(state_->errors.number(), &size) || size.QuadPart <= 0) return words;
    char tail[1024];
    OVERLAPPED from{};
    const long long begin = size.QuadPart > static_cast<long long>(sizeof tail) ? size.QuadPart - static_cast<long long>(sizeof tail) : 0;
    from.Offset = static_cast<DWORD>(begin);
    from.OffsetHigh = static_cast<DWORD>(begin >> 32);
    DWORD count = 0;
    if (!ReadFile(state_->errors.number(), tail, sizeof tail, &count, &from) || count == 0) return words;
    return words + ": " + last_line(std::string(tail, count));
}

}  // namespace wetgate
