// The system half of the shim (stream.h, process.h, pool.h, system.h) for fuzz targets.
#include "scripted.h"

#include <cstdlib>
#include <cstring>
#include <map>

#include "pool.h"
#include "process.h"
#include "stream.h"
#include "system.h"
#include "wire.h"

namespace scripted {

Input script;

namespace {

double clock = 0;

// One connection: what the worker has sent and the shim has not read, and the last message to be answered.
struct Wire {
    std::vector<std::uint8_t> coming, asked;
    bool closed = false, slow = false;
};

std::map<int, Wire> wires;
int next_number = 100;

std::vector<std::uint8_t> message(wetgate::Type type, std::uint32_t request, const std::vector<unsigned char>& body) {
    wetgate::Writer made;
    made.u32(wetgate::magic);
    made.u16(static_cast<std::uint16_t>(type));
    made.u16(0);
    made.u32(static_cast<std::uint32_t>(body.size()));
    made.u32(request);
    made.raw(body.data(), body.size());
    return made.bytes();
}

void put_text(wetgate::Writer& body, const std::vector<std::uint8_t>& text) {
    body.u32(static_cast<std::uint32_t>(text.size()));
    body.raw(text.data(), text.size());
}

std::uint32_t request_of(const Wire& wire) {
    std::uint32_t request;
    std::memcpy(&request, wire.asked.data() + 12, 4);
    return request;
}

// What a worker in good order answers.
std::vector<std::uint8_t> right(const Wire& wire) {
    std::uint16_t type;
    std::memcpy(&type, wire.asked.data() + 4, 2);
    wetgate::Writer body;
    switch (static_cast<wetgate::Type>(type)) {
        case wetgate::Type::hello:
            body.u32(1);
            body.raw(wire.asked.data() + wetgate::header_size + 36, 32);
            for (const std::uint32_t word : {1u, 500u, 0u, 0u}) body.u32(word);
            return message(wetgate::Type::welcome, 0, body.bytes());
        case wetgate::Type::map:
        case wetgate::Type::unmap: return message(wetgate::Type::ok, request_of(wire), {});
        case wetgate::Type::render:
            body.u32(0);
            body.u32(0);
            return message(wetgate::Type::done, request_of(wire), body.bytes());
        case wetgate::Type::analyse: put_text(body, {'{', '}'}); return message(wetgate::Type::analysed, request_of(wire), body.bytes());
        case wetgate::Type::cancel:
            body.u32(9);
            body.u32(0);
            return message(wetgate::Type::error, request_of(wire), body.bytes());
        case wetgate::Type::give: put_text(body, {'{', '}'}); return message(wetgate::Type::analysed, request_of(wire), body.bytes());
        default: return {};
    }
}

// Answers the last message as the input says.
void answer(Wire& wire) {
    const std::uint8_t what = script.byte();
    wire.slow = (what & 0x80) != 0;
    std::vector<std::uint8_t> made = right(wire);
    const auto place = [&made](std::size_t spare) { return made.size() <= spare ? 0 : script.word(2) % (made.size() - spare); };
    wetgate::Writer body;
    switch (what % 16) {
        case 1:
            if (!made.empty()) made[place(0)] = script.byte();
            break;
        case 2:
            if (made.size() >= 4) {
                const std::size_t at = place(3);
                const std::uint32_t value = script.word();
                std::memcpy(made.data() + at, &value, 4);
            }
            break;
        case 3: made.resize(place(0)); break;
        case 4: {
            const auto before = message((what & 0x40) != 0 ? wetgate::Type::beat : wetgate::Type::progress, request_of(wire), script.bytes(8));
            made.insert(made.begin(), before.begin(), before.end());
            break;
        }
        case 5: made = script.bytes(script.byte()); break;
        case 6: {
            const auto type = static_cast<wetgate::Type>(script.byte());
            made = message(type, request_of(wire), script.bytes(script.word(2) % 2048));
            break;
        }
        case 7: wire.closed = true; break;
        case 8: made.clear(); break;
        case 9:
            body.i32(static_cast<std::int32_t>(script.word()));
            made = message(wetgate::Type::fetch, request_of(wire), body.bytes());
            break;
        case 10:
            body.u16(script.byte());
            body.u16(0);
            put_text(body, script.bytes(script.byte()));
            made = message(wetgate::Type::error, request_of(wire), body.bytes());
            break;
        case 11:
            body.u32(script.byte());
            put_text(body, script.bytes(script.byte()));
            made = message(wetgate::Type::done, request_of(wire), body.bytes());
            break;
        case 12: made.insert(made.end(), made.begin(), made.end()); break;
        case 13:
            put_text(body, script.bytes(script.byte()));
            made = message(wetgate::Type::analysed, request_of(wire), body.bytes());
            break;
        default: break;
    }
    wire.coming.insert(wire.coming.end(), made.begin(), made.end());
}

}  // namespace

void wait(double seconds) { clock += seconds; }

}  // namespace scripted

namespace wetgate {

using scripted::wires;

struct Stream::State {
    int number;
};

const bool attached_inline = false;
std::uint64_t copied_into(RawHandle, const Descriptor&) { return 0; }

Stream::Stream() = default;
Stream::Stream(Descriptor end) : state_(new State{end.release()}) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&& other) noexcept {
    close();
    state_ = std::move(other.state_);
    return *this;
}
Stream::~Stream() { close(); }

bool Stream::open() const { return state_ != nullptr; }

void Stream::close() {
    if (state_) wires.erase(state_->number);
    state_.reset();
}

void Stream::send(const std::vector<unsigned char>& bytes, double, const Descriptor*) {
    if (!open() || wires[state_->number].closed) throw Lost("the render worker has gone");
    scripted::Wire& wire = wires[state_->number];
    wire.asked.assign(bytes.begin(), bytes.end());
    scripted::answer(wire);
}

bool Stream::receive(std::vector<unsigned char>& inbox, int milliseconds) {
    if (!open()) throw Lost("the render worker has gone");
    scripted::Wire& wire = wires[state_->number];
    if (wire.coming.empty() && !wire.closed && !scripted::script.empty()) scripted::answer(wire);
    if (wire.coming.empty()) {
        if (wire.closed) throw Lost("the render worker has gone");
        scripted::wait(0.001 * milliseconds);
        return false;
    }
    const std::size_t count = wire.slow ? 1 : wire.coming.size();
    inbox.insert(inbox.end(), wire.coming.begin(), wire.coming.begin() + static_cast<std::ptrdiff_t>(count));
    wire.coming.erase(wire.coming.begin(), wire.coming.begin() + static_cast<std::ptrdiff_t>(count));
    return true;
}

bool Stream::hung_up() const { return !open() || (wires[state_->number].closed && wires[state_->number].coming.empty()); }

void make_stream(Descriptor& ours, Descriptor& theirs) {
    ours = Descriptor(scripted::next_number++);
    theirs = Descriptor(scripted::next_number++);
}

struct Process::State {};
Process::Process(Descriptor, const unsigned char (&)[32]) : state_(new State) {}
Process::~Process() = default;
RawHandle Process::handle() const { return no_handle; }
bool Process::ended_well() { return (scripted::script.byte() & 1) != 0; }
void Process::kill() {}
void Process::leave(double) {}
std::string Process::last_words() { return ""; }

Descriptor make_shared_memory(std::size_t size) {
    if (size > std::size_t{64} << 20) refuse_memory(size, "the target has no more");
    return Descriptor(scripted::next_number++);
}
void* map_shared_memory(const Descriptor&, std::size_t size) { return std::calloc(size, 1); }
void unmap_shared_memory(void* data, std::size_t) { std::free(data); }

void Descriptor::close() { number_ = no_handle; }
double now() { return scripted::clock; }
void sleep_for(double seconds) { scripted::wait(seconds); }
std::uint32_t process_id() { return 1; }
void fill_random(unsigned char* bytes, std::size_t size) { std::memset(bytes, 7, size); }

}  // namespace wetgate
