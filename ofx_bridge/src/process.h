// The worker as an operating-system process: started, looked after, ended.
#pragma once

#include <mutex>
#include <string>

#include <sys/types.h>

#include "connection.h"

namespace wetgate {

// Its functions may be called by several threads.
class Process {
public:
    // Starts the worker's command. `control` becomes its descriptor 3; the token is left in a pipe that is its 4.
    Process(Descriptor control, const unsigned char (&token)[32]);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    pid_t id() const { return id_; }
    // Whether the process has ended by itself with status 0.
    bool ended_well();
    // Ends it at once and collects it.
    void kill();
    // Waits up to `seconds` for it to end by itself, then kills it.
    void leave(double seconds);
    // How it ended, and the last line of what it said on standard error, for a message.
    std::string last_words();

private:
    bool collect();  // under the lock
    void kill_held();

    std::mutex lock_;
    Descriptor errors_;
    pid_t id_ = -1;
    pid_t parent_ = -1;
    bool running_ = false;
    int status_ = 0;
};

}  // namespace wetgate
