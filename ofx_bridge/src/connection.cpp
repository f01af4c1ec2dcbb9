#include "connection.h"

#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace wetgate {

namespace {

constexpr int abort_interval = 50;  // ms
constexpr int lowest_descriptor = 16;

#ifdef MSG_NOSIGNAL
constexpr int send_flags = MSG_NOSIGNAL;
#else
constexpr int send_flags = 0;  // macOS: SO_NOSIGPIPE on the socket
#endif

std::vector<unsigned char> framed(Type type, std::uint32_t request, const Writer& body, bool descriptor) {
    if (body.bytes().size() > longest_body) throw Failure("a request is longer than the protocol allows");
    Writer whole;
    whole.u32(magic);
    whole.u16(static_cast<std::uint16_t>(type));
    whole.u16(descriptor ? 1 : 0);
    whole.u32(static_cast<std::uint32_t>(body.bytes().size()));
    whole.u32(request);
    whole.raw(body.bytes().data(), body.bytes().size());
    return whole.bytes();
}

ssize_t send_some(int socket, const unsigned char* data, std::size_t size, int descriptor) {
    iovec part{const_cast<unsigned char*>(data), size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))] = {};
    if (descriptor >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    return ::sendmsg(socket, &message, send_flags | MSG_DONTWAIT);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = other.release();
    }
    return *this;
}

void Descriptor::close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
}

double now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Descriptor above_standard(int number) {
    Descriptor low(number);
    if (number < 0 || number >= lowest_descriptor) return low;
    const int high = fcntl(number, F_DUPFD_CLOEXEC, lowest_descriptor);
    if (high < 0) throw Failure("the host has no file descriptors left", Cause::memory);
    return Descriptor(high);
}

void make_socket_pair(Descriptor& ours, Descriptor& theirs) {
    int ends[2];
#ifdef SOCK_CLOEXEC
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw Failure(std::string("no socket for the render worker: ") + std::strerror(errno), Cause::memory);
#else
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        throw Failure(std::string("no socket for the render worker: ") + std::strerror(errno), Cause::memory);
    for (const int end : ends) {
        const int on = 1;
        fcntl(end, F_SETFD, FD_CLOEXEC);
        setsockopt(end, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
    }
#endif
    Descriptor second(ends[1]);
    ours = above_standard(ends[0]);
    theirs = above_standard(second.release());
}

void Connection::send(Type type, std::uint32_t request, const Writer& body, double seconds, int descriptor) {
    const std::vector<unsigned char> bytes = framed(type, request, body, descriptor >= 0);
    const double end = now() + seconds;
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t count =
            send_some(socket_.number(), bytes.data() + sent, bytes.size() - sent, sent == 0 ? descriptor : -1);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
            continue;
        }
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) throw Lost("the render worker has gone");
        if (now() > end) throw Silent("the render worker takes no requests");
        pollfd wait{socket_.number(), POLLOUT, 0};
        ::poll(&wait, 1, abort_interval);
    }
}

void Connection::collect(unsigned char* into, std::size_t size, double seconds, const Abort& aborted) {
    double end = now() + seconds;
    while (size > 0) {
        const ssize_t count = ::recv(socket_.number(), into, size, MSG_DONTWAIT);
        if (count > 0) {
            into += count;
            size -= static_cast<std::size_t>(count);
            end = now() + seconds;
            continue;
        }
        if (count == 0) throw Lost("the render worker has gone");
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) throw Lost("the render worker has gone");
        if (now() > end) throw Silent("the render worker is silent");
        pollfd wait{socket_.number(), POLLIN, 0};
        const int ready = ::poll(&wait, 1, abort_interval);
        if (ready == 0 && aborted && aborted()) throw Failure("aborted", Cause::aborted);
    }
}

Message Connection::receive(double seconds, const Abort& aborted) {
    std::vector<unsigned char> bytes(header_size);
    // The header is peeked before it is taken: an abort between two of its bytes would leave the stream in its middle.
    double end = now() + seconds;
    while (true) {
        const ssize_t count = ::recv(socket_.number(), bytes.data(), header_size, MSG_DONTWAIT | MSG_PEEK);
        if (count > 0) break;
        if (count == 0) throw Lost("the render worker has gone");
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) throw Lost("the render worker has gone");
        if (now() > end) throw Silent("the render worker is silent");
        pollfd wait{socket_.number(), POLLIN, 0};
        ::poll(&wait, 1, abort_interval);
        if (aborted && aborted()) throw Failure("aborted", Cause::aborted);
    }
    collect(bytes.data(), header_size, seconds, nullptr);
    Reader header(bytes);
    if (header.u32() != magic) throw Failure("the render worker broke the protocol: no message begins there");
    Message message;
    message.type = static_cast<Type>(header.u16());
    if (header.u16() != 0) throw Failure("the render worker broke the protocol: it sent a descriptor");
    const std::uint32_t size = header.u32();
    if (size > longest_body) throw Failure("the render worker broke the protocol: a message is too long");
    message.request = header.u32();
    message.body.resize(size);
    collect(message.body.data(), size, seconds, nullptr);
    return message;
}

bool Connection::hung_up() const {
    unsigned char byte;
    const ssize_t count = ::recv(socket_.number(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace wetgate
