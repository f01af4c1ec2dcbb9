#include "worker.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "nodes.h"
#include "places.h"
#include "process.h"
#include "system.h"

namespace wetgate {

namespace {

constexpr std::uint16_t protocol = 1;
constexpr double send_seconds = 10, cancel_seconds = 1, leave_seconds = 2;
constexpr std::size_t most_restarts = 3;
constexpr std::size_t most_idle_lanes = 8;
constexpr std::size_t pool_step = std::size_t{2} << 20;
enum LaneKind : std::uint16_t { control_connection = 0, lane_connection = 1 };

double seconds_of(const char* name, double standard) {
    const double seconds = std::strtod(variable(name).c_str(), nullptr);
    return seconds > 0 ? seconds : standard;
}

[[noreturn]] void throw_error(const Message& message) {
    enum Code : std::uint16_t { memory = 7, cancelled = 9 };
    Reader body(message.body);
    const std::uint16_t code = body.u16();
    body.zeros(2);
    const std::string text = body.text(8192);
    body.finish();
    throw Failure(text, code == memory ? Cause::memory : code == cancelled ? Cause::aborted : Cause::fault);
}

}  // namespace

// What a lane keeps between requests.
struct Lane::State {
    Connection connection;
    Pool pool;
    std::uint32_t pool_number = 0;
    std::uint32_t last_request = 0;
    std::uint32_t running = 0;
};

struct Session {
    Connection control;
    std::unique_ptr<Process> process;
    unsigned char token[32] = {};
    std::mutex lock;  // of the control connection and the idle lanes
    std::vector<std::unique_ptr<Lane::State>> idle;
    bool dead = false;

    ~Session() {
        idle.clear();
        control.close();
        if (process) process->leave(dead ? 0 : leave_seconds);
    }
};

namespace {

// Workers that failed since one last answered a request. One that keeps failing is not started for every frame of a long
// render, and each failure is forgotten after a while.
class Failures {
public:
    void add() {
        const std::lock_guard<std::mutex> hold(lock_);
        times_.push_back(now());
    }
    void forget() {
        const std::lock_guard<std::mutex> hold(lock_);
        times_.clear();
    }
    // Throws Failure where it is too early for another worker.
    void demand_patience() {
        const std::lock_guard<std::mutex> hold(lock_);
        const double window = seconds_of("WETGATE_RESTART_SECONDS", 60);
        while (!times_.empty() && now() - times_.front() > window) times_.pop_front();
        if (times_.size() > most_restarts)
            throw Failure("the render worker failed " + std::to_string(times_.size()) + " times and is left alone for " +
                          std::to_string(static_cast<int>(std::ceil(times_.front() + window - now()))) +
                          " seconds; run: wetgate hosts doctor");
    }

private:
    std::mutex lock_;
    std::deque<double> times_;
};

std::mutex worker_lock;
std::shared_ptr<Session> current;
Failures failures;
std::uint32_t owner = 0;

// A lock that does not keep a render from hearing its host's abort while another thread starts the worker.
class PatientLock {
public:
    PatientLock(std::mutex& lock, const Abort& aborted) : lock_(lock) {
        while (!lock_.try_lock()) {
            if (aborted && aborted()) throw Failure("aborted", Cause::aborted);
            sleep_for(0.005);
        }
    }
    ~PatientLock() { lock_.unlock(); }
    PatientLock(const PatientLock&) = delete;
    PatientLock& operator=(const PatientLock&) = delete;

private:
    std::mutex& lock_;
};

// HELLO, and the WELCOME or refusal that answers it.
void greet(Connection& connection, const unsigned char (&token)[32], LaneKind kind, const std::string& host,
           const Abort& aborted) {
    // A Python may have to come over a network before it can say anything; on a lane it is there.
    const double patience = kind == lane_connection ? hang_seconds() : seconds_of("WETGATE_START_SECONDS", 30);
    Writer hello;
    hello.u16(protocol);
    hello.u16(kind);
    hello.raw(token, sizeof token);
    hello.raw(schema_hash, sizeof schema_hash);
    hello.u32(process_id());
    hello.text(std::string(software_version).substr(0, 64), 64, "the version");
    hello.text(host.substr(0, 256), 256, "the host's name");
    connection.send(Type::hello, 0, hello, send_seconds);
    const Message message = connection.receive(patience, aborted);
    if (message.type == Type::error) throw_error(message);
    if (message.type != Type::welcome) throw Failure("the render worker broke the protocol: it did not say WELCOME");
    Reader welcome(message.body);
    unsigned char schema[32];
    const std::uint16_t version = welcome.u16();
    welcome.zeros(2);
    welcome.raw(schema, sizeof schema);
    welcome.u32();  // process id
    welcome.u32();  // milliseconds between beats
    welcome.text(64);
    welcome.text(4096);
    welcome.finish();
    if (version != protocol || std::memcmp(schema, schema_hash, sizeof schema) != 0)
        throw Failure("the render worker has other nodes than this bundle; run: wetgate hosts install");
}

// Takes a session out of use. Its process is ended when the last lane of it has gone.
void give_up(const std::shared_ptr<Session>& session, bool count) {
    {
        const std::lock_guard<std::mutex> hold(worker_lock);
        if (session->dead) return;
        session->dead = true;
        if (current == session) current.reset();
    }
    if (count) failures.add();
}

std::shared_ptr<Session> start(const std::string& host, const Abort& aborted) {
    failures.demand_patience();
    auto session = std::make_shared<Session>();
    fill_random(session->token, sizeof session->token);
    Descriptor ours, theirs;
    make_stream(ours, theirs);
    session->process = std::make_unique<Process>(std::move(theirs), session->token);
    session->control = Connection(std::move(ours), session->process->handle());
    try {
        greet(session->control, session->token, control_connection, host, aborted);
    } catch (const Lost&) {
        session->dead = true;
        failures.add();
        throw Failure("the render worker ended before it was ready" + session->process->last_words() +
                      "; run: wetgate hosts doctor");
    } catch (const Failure& failure) {
        session->dead = true;
        if (failure.cause == Cause::fault) failures.add();
        throw;
    }
    return session;
}

// The session in use, begun where there is none or its worker has gone.
std::shared_ptr<Session> session_in_use(const std::string& host, const Abort& aborted) {
    std::shared_ptr<Session> ended;  // destroyed after the lock
    const PatientLock hold(worker_lock, aborted);
    if (owner != process_id()) {  // a fork of the host has the worker of its parent, and may not use it
        owner = process_id();
        ended.swap(current);
        failures.forget();
    }
    if (current && current->control.hung_up()) {
        current->dead = true;
        if (!current->process->ended_well()) failures.add();
        ended.swap(current);
    }
    if (!current) current = start(host, aborted);
    return current;
}

}  // namespace

double hang_seconds() { return seconds_of("WETGATE_HANG_SECONDS", 20); }

Lane::Lane(const std::string& host, const Abort& aborted) : session_(session_in_use(host, aborted)) {
    {
        const std::lock_guard<std::mutex> hold(session_->lock);
        if (!session_->idle.empty()) {
            state_ = std::move(session_->idle.back());
            session_->idle.pop_back();
        }
    }
    if (state_ && !state_->connection.hung_up()) return;
    state_ = std::make_unique<State>();
    Descriptor ours, theirs;
    make_stream(ours, theirs);
    state_->connection = Connection(std::move(ours), session_->process->handle());
    converse([&] {
        {
            const std::lock_guard<std::mutex> hold(session_->lock);
            session_->control.send(Type::lane, 0, Writer{}, send_seconds, &theirs);
        }
        theirs.close();
        greet(state_->connection, session_->token, lane_connection, host, aborted);
    });
}

Lane::~Lane() {
    if (busy_ || !state_ || !state_->connection.open()) return;
    const std::lock_guard<std::mutex> hold(session_->lock);
    if (session_->idle.size() < most_idle_lanes) session_->idle.push_back(std::move(state_));
}

std::uint32_t Lane::pool_number() const { return state_->pool_number; }

// Runs one exchange. Whatever goes wrong in it leaves the lane unusable, unless the worker itself said so in due form.
void Lane::converse(const std::function<void()>& talk) {
    busy_ = true;
    try {
        talk();
    } catch (const Lost&) {
        // What the process said is asked for before its session is given up, so that one death is told once.
        const std::string words = session_->process->last_words();
        const bool in_order = session_->process->ended_well();
        give_up(session_, !in_order);
        if (in_order) throw Ended("the render worker ended" + words);
        throw Lost("the render worker died" + words + "; the next frame starts another");
    } catch (const Silent&) {
        session_->process->kill();
        give_up(session_, true);
        throw Failure("the render worker did not answer for " + std::to_string(static_cast<int>(hang_seconds())) +
                      " seconds and was ended; the next frame starts another");
    }
    busy_ = false;
}

Message Lane::answer(const Abort& aborted) {
    while (true) {
        Message message = state_->connection.receive(hang_seconds(), aborted);
        if (message.type == Type::beat) continue;
        if (message.request != state_->running)
            throw Failure("the render worker broke the protocol: an answer to no request");
        return message;
    }
}

Pool& Lane::memory(std::size_t size, const Abort& aborted) {
    if (state_->pool.size() >= size) return state_->pool;
    const std::size_t rounded = (size + pool_step - 1) / pool_step * pool_step;
    const auto exchange = [&](Type type, const Writer& body, const Descriptor* attached) {
        converse([&] {
            state_->running = ++state_->last_request;
            state_->connection.send(type, state_->running, body, send_seconds, attached);
            const Message message = answer(aborted);
            if (message.type == Type::error) throw_error(message);
            if (message.type != Type::ok) throw Failure("the render worker broke the protocol: no OK");
        });
    };
    if (state_->pool.size() > 0) {
        Writer gone;
        gone.u32(state_->pool_number);
        exchange(Type::unmap, gone, nullptr);
        state_->pool = Pool();
    }
    Pool pool(rounded);
    Writer map;
    map.u32(++state_->pool_number);
    map.u32(0);
    map.u64(rounded);
    exchange(Type::map, map, &pool.descriptor());
    pool.close_descriptor();
    state_->pool = std::move(pool);
    return state_->pool;
}

void Lane::ask(Type type, const Writer& body, const Abort& aborted, const std::function<bool(const Message&)>& hear) {
    std::string refusal;
    Cause cause = Cause::fault;
    bool refused = false, answered = false;
    converse([&] {
        state_->running = ++state_->last_request;
        state_->connection.send(type, state_->running, body, send_seconds);
        try {
            while (true) {
                const Message message = answer(aborted);
                answered = true;
                if (message.type == Type::error) {
                    try {
                        throw_error(message);
                    } catch (const Failure& failure) {
                        refusal = failure.what();
                        cause = failure.cause;
                        refused = true;
                    }
                    return;
                }
                if (hear(message)) return;
            }
        } catch (const Failure& failure) {
            if (failure.cause != Cause::aborted) throw;
            cancel();
            refused = true;
            cause = Cause::aborted;
        }
    });
    state_->running = 0;
    if (answered) failures.forget();  // it works; what failed before was the fault of other frames
    if (refused) throw Failure(refusal, cause);
}

void Lane::reply(Type type, const Writer& body) {
    state_->connection.send(type, state_->running, body, send_seconds);
}

// Tells the worker to stop and waits a moment for it to say that it has; a lane that it is still working in is closed.
void Lane::cancel() {
    state_->connection.send(Type::cancel, state_->running, Writer{}, cancel_seconds);
    const double end = now() + cancel_seconds;
    try {
        while (true) {
            const Message message = state_->connection.receive(cancel_seconds, [end] { return now() > end; });
            if (message.type == Type::done || message.type == Type::error || message.type == Type::analysed) return;
        }
    } catch (const Lost&) {
        throw;
    } catch (const Failure&) {
        state_->connection.close();
    }
}

void stop_worker() {
    std::shared_ptr<Session> ended;
    const std::lock_guard<std::mutex> hold(worker_lock);
    ended.swap(current);
    failures.forget();
}

void purge_worker() {
    std::shared_ptr<Session> session;
    {
        const std::lock_guard<std::mutex> hold(worker_lock);
        session = current;
    }
    if (!session) return;
    const std::lock_guard<std::mutex> hold(session->lock);
    session->idle.clear();
}

}  // namespace wetgate
