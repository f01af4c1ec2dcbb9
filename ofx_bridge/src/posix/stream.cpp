// A stream as a Unix socket.
#include "../stream.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../system.h"
#include "descriptors.h"

namespace wetgate {

namespace {

constexpr std::size_t part_size = 64 << 10;

#ifdef MSG_NOSIGNAL
constexpr int send_flags = MSG_NOSIGNAL;
#else
constexpr int send_flags = 0;  // macOS: SO_NOSIGPIPE on the socket
#endif

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

ssize_t send_some(int socket, const unsigned char* data, std::size_t size, const Descriptor* attached) {
    iovec part{const_cast<unsigned char*>(data), size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))] = {};
    if (attached != nullptr) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        const int number = attached->number();
        std::memcpy(CMSG_DATA(header), &number, sizeof number);
    }
    return ::sendmsg(socket, &message, send_flags | MSG_DONTWAIT);
}

}  // namespace

struct Stream::State {
    Descriptor socket;
};

const bool attached_inline = false;
std::uint64_t copied_into(RawHandle, const Descriptor&) { return 0; }

Stream::Stream() = default;
Stream::Stream(Descriptor end) : state_(new State{std::move(end)}) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

bool Stream::open() const { return state_ && state_->socket.open(); }

void Stream::close() { state_.reset(); }

void Stream::send(const std::vector<unsigned char>& bytes, double seconds, const Descriptor* attached) {
    if (!open()) throw Lost("the render worker has gone");
    const int socket = state_->socket.number();
    const double end = now() + seconds;
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t count = send_some(socket, bytes.data() + sent, bytes.size() - sent, sent == 0 ? attached : nullptr);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
            continue;
        }
        if (count < 0 && !would_wait()) throw Lost("the render worker has gone");
        if (now() > end) throw Silent("the render worker takes no requests");
        pollfd wait{socket, POLLOUT, 0};
        ::poll(&wait, 1, 50);
    }
}

bool Stream::receive(std::vector<unsigned char>& inbox, int milliseconds) {
    if (!open()) throw Lost("the render worker has gone");
    const int socket = state_->socket.number();
    pollfd wait{socket, POLLIN, 0};
    if (::poll(&wait, 1, milliseconds) <= 0) return false;
    const std::size_t before = inbox.size();
    inbox.resize(before + part_size);
    const ssize_t count = ::recv(socket, inbox.data() + before, part_size, MSG_DONTWAIT);
    inbox.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
    if (count == 0 || (count < 0 && !would_wait())) throw Lost("the render worker has gone");
    return count > 0;
}

bool Stream::hung_up() const {
    if (!open()) return true;
    unsigned char byte;
    const ssize_t count = ::recv(state_->socket.number(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return count == 0 || (count < 0 && !would_wait());
}

void make_stream(Descriptor& ours, Descriptor& theirs) {
    int ends[2];
#ifdef SOCK_CLOEXEC
    const int made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
#else
    const int made = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
#endif
    if (made != 0) throw Failure(std::string("no socket for the render worker: ") + std::strerror(errno), Cause::memory);
#ifndef SOCK_CLOEXEC
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

}  // namespace wetgate
