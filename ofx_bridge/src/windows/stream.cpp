// A stream as a named pipe, with overlapped input and output so that waiting can end.
#include "../stream.h"

#include <string>

#include "win.h"

#include "../system.h"

namespace wetgate {

namespace {

constexpr DWORD part_size = 64 << 10;

Descriptor make_event() {
    Descriptor event = owned(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    if (!event.open()) throw Failure("the host has no handles left", Cause::memory);
    return event;
}

std::wstring unguessable_name() {
    static const wchar_t digits[] = L"0123456789abcdef";
    unsigned char bytes[16];
    fill_random(bytes, sizeof bytes);
    std::wstring name = L"\\\\.\\pipe\\wetgate-";
    for (const unsigned char byte : bytes) {
        name += digits[byte >> 4];
        name += digits[byte & 15];
    }
    return name;
}

}  // namespace

struct Stream::State {
    Descriptor pipe;
    Descriptor read_event = make_event(), write_event = make_event();
    OVERLAPPED reading{};
    bool pending = false;  // a read into `part` is under way, and goes on between two calls of receive
    unsigned char part[part_size];

    explicit State(Descriptor end) : pipe(std::move(end)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (!pending) return;
        DWORD count;
        CancelIoEx(pipe.number(), &reading);
        GetOverlappedResult(pipe.number(), &reading, &count, TRUE);  // until then the system may write to `part`
    }

    void begin_reading() {
        reading = OVERLAPPED{};
        reading.hEvent = read_event.number();
        if (!ReadFile(pipe.number(), part, part_size, nullptr, &reading) && GetLastError() != ERROR_IO_PENDING)
            throw Lost("the render worker has gone");
        pending = true;
    }
};

const bool attached_inline = true;

std::uint64_t copied_into(RawHandle peer, const Descriptor& attached) {
    HANDLE copy = nullptr;
    if (!DuplicateHandle(GetCurrentProcess(), attached.number(), peer, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS))
        throw Lost("the render worker has gone");
    return reinterpret_cast<std::uintptr_t>(copy);
}

Stream::Stream() = default;
Stream::Stream(Descriptor end) : state_(new State(std::move(end))) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

bool Stream::open() const { return state_ && state_->pipe.open(); }

void Stream::close() { state_.reset(); }

void Stream::send(const std::vector<unsigned char>& bytes, double seconds, const Descriptor*) {
    if (!open()) throw Lost("the render worker has gone");
    OVERLAPPED writing{};
    writing.hEvent = state_->write_event.number();
    const HANDLE pipe = state_->pipe.number();
    DWORD count = 0;
    if (!WriteFile(pipe, bytes.data(), static_cast<DWORD>(bytes.size()), nullptr, &writing) &&
        GetLastError() != ERROR_IO_PENDING)
        throw Lost("the render worker has gone");
    const bool in_time = WaitForSingleObject(writing.hEvent, static_cast<DWORD>(seconds * 1e3)) == WAIT_OBJECT_0;
    if (!in_time) CancelIoEx(pipe, &writing);
    const bool sent = GetOverlappedResult(pipe, &writing, &count, TRUE) != 0 && count == bytes.size();
    if (sent) return;
    if (!in_time) throw Silent("the render worker takes no requests");
    throw Lost("the render worker has gone");
}

bool Stream::receive(std::vector<unsigned char>& inbox, int milliseconds) {
    if (!open()) throw Lost("the render worker has gone");
    State& state = *state_;
    if (!state.pending) state.begin_reading();
    if (WaitForSingleObject(state.read_event.number(), static_cast<DWORD>(milliseconds)) != WAIT_OBJECT_0) return false;
    DWORD count = 0;
    const bool read = GetOverlappedResult(state.pipe.number(), &state.reading, &count, FALSE) != 0;
    state.pending = false;
    if (!read || count == 0) throw Lost("the render worker has gone");
    inbox.insert(inbox.end(), state.part, state.part + count);
    return true;
}

bool Stream::hung_up() const {
    if (!open()) return true;
    if (state_->pending && WaitForSingleObject(state_->read_event.number(), 0) == WAIT_OBJECT_0) {
        DWORD count = 0;  // what it brought is left for receive
        return GetOverlappedResult(state_->pipe.number(), &state_->reading, &count, FALSE) == 0;
    }
    return PeekNamedPipe(state_->pipe.number(), nullptr, 0, nullptr, nullptr, nullptr) == 0;
}

// The pipe has one instance, which is taken at once: nobody else can open it, whoever learns its name.
void make_stream(Descriptor& ours, Descriptor& theirs) {
    const std::wstring name = unguessable_name();
    ours = owned(CreateNamedPipeW(name.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                  PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, part_size,
                                  part_size, 0, nullptr));
    if (!ours.open()) throw Failure("no pipe for the render worker: " + error_text(GetLastError()), Cause::memory);
    theirs = owned(CreateFileW(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr));
    if (!theirs.open()) throw Failure("no pipe for the render worker: " + error_text(GetLastError()), Cause::memory);
}

}  // namespace wetgate
