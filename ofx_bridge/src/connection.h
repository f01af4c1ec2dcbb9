// One socket to the worker: whole messages out and in, with the host's abort and the worker's silence watched while waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "wire.h"

namespace wetgate {

// An owned file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    int number() const { return number_; }
    bool open() const { return number_ >= 0; }
    void close();
    int release() {
        const int number = number_;
        number_ = -1;
        return number;
    }

private:
    int number_ = -1;
};

struct Message {
    Type type{};
    std::uint32_t request = 0;
    std::vector<unsigned char> body;
};

// The other end closed the connection, or it never was usable.
class Lost : public Failure {
public:
    using Failure::Failure;
};

// Nothing came for longer than was allowed.
class Silent : public Failure {
public:
    using Failure::Failure;
};

using Abort = std::function<bool()>;

class Connection {
public:
    Connection() = default;
    explicit Connection(Descriptor socket) : socket_(std::move(socket)) {}

    bool open() const { return socket_.open(); }
    int number() const { return socket_.number(); }
    void close() { socket_.close(); }

    // Sends a message, with a descriptor where one is given. Throws Lost, or Silent after `seconds` without room.
    void send(Type type, std::uint32_t request, const Writer& body, double seconds, int descriptor = -1);

    // The next message. `aborted` is asked every 50 ms; true throws Failure(aborted). Every byte that arrives starts the
    // `seconds` of allowed silence anew.
    Message receive(double seconds, const Abort& aborted);

    // Whether the other end has closed an idle connection.
    bool hung_up() const;

private:
    void collect(unsigned char* into, std::size_t size, double seconds, const Abort& aborted);

    Descriptor socket_;
};

// Seconds of a clock that only goes forward.
double now();

// Two ends of a new socket, close-on-exec, above the descriptors that the worker is started with.
void make_socket_pair(Descriptor& ours, Descriptor& theirs);
Descriptor above_standard(int number);

}  // namespace wetgate
