#include "connection.h"

#include "system.h"

namespace wetgate {

namespace {

constexpr int abort_interval = 50;  // ms

}  // namespace

void Connection::send(Type type, std::uint32_t request, const Writer& body, double seconds, const Descriptor* attached) {
    if (body.bytes().size() > longest_body) throw Failure("a request is longer than the protocol allows");
    Writer whole;
    whole.u32(magic);
    whole.u16(static_cast<std::uint16_t>(type));
    whole.u16(attached != nullptr ? 1 : 0);
    whole.u32(static_cast<std::uint32_t>(body.bytes().size()));
    whole.u32(request);
    if (attached != nullptr && attached_inline) whole.u64(copied_into(peer_, *attached));
    whole.raw(body.bytes().data(), body.bytes().size());
    stream_.send(whole.bytes(), seconds, attached);
}

Message Connection::receive(double seconds, const Abort& aborted) {
    Message message;
    double end = now() + seconds;
    while (!take(message)) {
        if (stream_.receive(inbox_, abort_interval)) {
            end = now() + seconds;
            continue;
        }
        if (aborted && aborted()) throw Failure("aborted", Cause::aborted);
        if (now() > end) throw Silent("the render worker is silent");
    }
    return message;
}

// Takes a message off the inbox where a whole one is there.
bool Connection::take(Message& message) {
    if (inbox_.size() < header_size) return false;
    Reader header(inbox_.data(), header_size);
    if (header.u32() != magic) throw Failure("the render worker broke the protocol: no message begins there");
    message.type = static_cast<Type>(header.u16());
    if (header.u16() != 0) throw Failure("the render worker broke the protocol: it sent a descriptor");
    const std::uint32_t size = header.u32();
    if (size > longest_body) throw Failure("the render worker broke the protocol: a message is too long");
    message.request = header.u32();
    if (inbox_.size() - header_size < size) return false;
    const auto begin = inbox_.begin() + static_cast<std::ptrdiff_t>(header_size);
    message.body.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
    inbox_.erase(inbox_.begin(), begin + static_cast<std::ptrdiff_t>(size));
    return true;
}

}  // namespace wetgate
