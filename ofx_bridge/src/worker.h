// The one worker of the host process and the lanes to it. Started by the first request, shared by every instance and thread,
// started anew where it dies, a bounded number of times without an answer in between.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "connection.h"
#include "pool.h"

namespace wetgate {

struct Session;  // one life of the worker

// The worker ended in good order, as it does when it is idle, just before it was asked: asking again is no repair.
class Ended : public Failure {
public:
    using Failure::Failure;
};

// A connection that carries one request at a time, and the memory of its pictures. Given back when it goes out of scope,
// unless it was left in the middle of something: then it is closed.
class Lane {
public:
    // Waits for a worker to be there. `host` is its name, for the worker's log. Throws Failure.
    Lane(const std::string& host, const Abort& aborted);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    // Memory of at least `size` bytes that the worker has mapped too; what was in it may be gone.
    Pool& memory(std::size_t size, const Abort& aborted);
    std::uint32_t pool_number() const;

    // Sends a request and hands every answer of it but BEATs to `hear`, which returns true for the last. An ERROR becomes a
    // Failure; so does the worker's death or silence, after which the next lane has a new worker.
    void ask(Type type, const Writer& body, const Abort& aborted, const std::function<bool(const Message&)>& hear);
    // Sends a message of the request that is running, out of `hear`.
    void reply(Type type, const Writer& body);

    struct State;

private:
    void converse(const std::function<void()>& talk);
    Message answer(const Abort& aborted);
    void cancel();

    std::unique_ptr<State> state_;
    std::shared_ptr<Session> session_;
    bool busy_ = false;
};

// Ends the worker, if there is one: nothing of ours is loaded any more.
void stop_worker();

// Gives the memory of idle lanes back.
void purge_worker();

// The seconds of silence after which the worker is taken for hung.
double hang_seconds();

}  // namespace wetgate
