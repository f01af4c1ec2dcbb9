// One connection to the worker: whole messages out and in, with the host's abort and the worker's silence watched while waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "stream.h"
#include "wire.h"

namespace wetgate {

struct Message {
    Type type{};
    std::uint32_t request = 0;
    std::vector<unsigned char> body;
};

using Abort = std::function<bool()>;

class Connection {
public:
    Connection() = default;
    // `peer` is the process at the other end, where descriptors are copied into it.
    Connection(Descriptor end, RawHandle peer) : stream_(std::move(end)), peer_(peer) {}

    bool open() const { return stream_.open(); }
    void close() { stream_.close(); }

    // Sends a message, with a descriptor where one is given. Throws Lost, or Silent after `seconds` without room.
    void send(Type type, std::uint32_t request, const Writer& body, double seconds, const Descriptor* attached = nullptr);

    // The next message. `aborted` is asked every 50 ms; true throws Failure(aborted), and what has come of a message by then is
    // kept for the next call. Every byte that arrives starts the `seconds` of allowed silence anew.
    Message receive(double seconds, const Abort& aborted);

    bool hung_up() const { return stream_.hung_up(); }

private:
    bool take(Message& message);

    Stream stream_;
    RawHandle peer_ = no_handle;
    std::vector<unsigned char> inbox_;
};

}  // namespace wetgate
