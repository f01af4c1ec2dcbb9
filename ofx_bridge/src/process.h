// The worker as an operating-system process: started, looked after, ended.
#pragma once

#include <memory>
#include <string>

#include "handle.h"

namespace wetgate {

// Its functions may be called by several threads.
class Process {
public:
    // Starts the worker's command with its end of the control connection and the token, as PROTOCOL.md 1 has it.
    Process(Descriptor control, const unsigned char (&token)[32]);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // For copied_into; no_handle where that is not needed.
    RawHandle handle() const;
    // Whether the process has ended by itself with status 0.
    bool ended_well();
    // Ends it at once and collects it.
    void kill();
    // Waits up to `seconds` for it to end by itself, then kills it.
    void leave(double seconds);
    // How it ended, and the last line of what it said on standard error, for a message.
    std::string last_words();

    struct State;

private:
    std::unique_ptr<State> state_;
};

// The last line of a text that a program left on its standard error.
std::string last_line(std::string text);

}  // namespace wetgate
