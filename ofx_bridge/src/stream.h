// One end of a private connection between two processes, as bytes: a Unix socket, or a named pipe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "failure.h"
#include "handle.h"

namespace wetgate {

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

class Stream {
public:
    Stream();
    explicit Stream(Descriptor end);
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    bool open() const;
    void close();

    // Sends all bytes; `attached` travels with the first where the system has it so. Throws Lost, or Silent after `seconds`
    // without room.
    void send(const std::vector<unsigned char>& bytes, double seconds, const Descriptor* attached);

    // Appends what has come to `inbox`, after waiting up to so many milliseconds for it; whether anything had. Throws Lost.
    bool receive(std::vector<unsigned char>& inbox, int milliseconds);

    // Whether the other end has closed an idle connection.
    bool hung_up() const;

    struct State;

private:
    std::unique_ptr<State> state_;
};

// Two ends of a new connection: one for this process, one for another. Neither has a name that a third could open.
void make_stream(Descriptor& ours, Descriptor& theirs);

// Where a descriptor is not attached but goes as a number among the bytes (Windows): the number of a copy that `peer`, a
// process, owns. Elsewhere attached_inline is false and this is not called.
extern const bool attached_inline;
std::uint64_t copied_into(RawHandle peer, const Descriptor& attached);

}  // namespace wetgate
