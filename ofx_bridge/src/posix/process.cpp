#include "../process.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../failure.h"
#include "../launch.h"
#include "../system.h"
#include "descriptors.h"

namespace wetgate {

namespace {

constexpr int control_number = 3, token_number = 4;

// posix_spawn's own structures, released on every way out.
struct SpawnPlan {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;

    SpawnPlan() {
        posix_spawn_file_actions_init(&files);
        posix_spawnattr_init(&attributes);
    }
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
};

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> made;
    for (std::string& word : words) made.push_back(word.data());
    made.push_back(nullptr);
    return made;
}

// A host's descriptors are not all close-on-exec. Ours above 4 are, but a second close does no harm.
void close_others(SpawnPlan& plan) {
#if defined(__APPLE__)
    (void)plan;  // POSIX_SPAWN_CLOEXEC_DEFAULT closes them
#else
    DIR* folder = opendir("/proc/self/fd");
    if (folder == nullptr) return;
    while (const dirent* entry = readdir(folder)) {
        const int number = std::atoi(entry->d_name);
        if (number > token_number) posix_spawn_file_actions_addclose(&plan.files, number);
    }
    closedir(folder);
#endif
}

void reset_signals(SpawnPlan& plan) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&plan.attributes, &none);
    posix_spawnattr_setsigdefault(&plan.attributes, &all);
    posix_spawnattr_setpgroup(&plan.attributes, 0);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
#if defined(__APPLE__)
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    posix_spawnattr_setflags(&plan.attributes, flags);
}

// A pipe that holds the token and then ends. 32 bytes always fit, so the write does not wait.
Descriptor pipe_with(const unsigned char (&token)[32]) {
    int ends[2];
    if (pipe(ends) != 0) throw Failure("no pipe for the render worker", Cause::memory);
    Descriptor write_end(ends[1]);
    Descriptor read_end = above_standard(ends[0]);
    fcntl(read_end.number(), F_SETFD, FD_CLOEXEC);
    fcntl(write_end.number(), F_SETFD, FD_CLOEXEC);
    if (write(write_end.number(), token, sizeof token) != static_cast<ssize_t>(sizeof token))
        throw Failure("the token cannot be handed to the render worker");
    return read_end;
}

// Where memory runs out, the kernel is to take the worker and not the host.
void offer_to_memory_killer(pid_t id) {
#if defined(__linux__)
    const std::string path = "/proc/" + std::to_string(id) + "/oom_score_adj";
    const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.open() && write(file.number(), "500", 3) != 3) return;  // a wish, no more
#else
    (void)id;
#endif
}

}  // namespace

struct Process::State {
    std::mutex lock;
    Descriptor errors;
    pid_t id = -1;
    pid_t parent = -1;
    bool running = false;
    int status = 0;

    // Under the lock: whether it has ended.
    bool collect() {
        if (!running) return true;
        if (getpid() != parent) return false;  // a fork of the host: the child is not ours
        const pid_t found = waitpid(id, &status, WNOHANG);
        if (found == 0) return false;
        if (found < 0 && errno == EINTR) return false;
        if (found < 0) status = -1;  // a host that collects every child has taken the status
        running = false;
        return true;
    }

    void kill() {
        if (collect() || getpid() != parent) return;
        ::kill(id, SIGKILL);
        while (waitpid(id, &status, 0) < 0 && errno == EINTR) {
        }
        running = false;
    }
};

Process::Process(Descriptor control, const unsigned char (&token)[32]) : state_(std::make_unique<State>()) {
    state_->errors = make_memory_file("wetgate-worker-errors");
    state_->parent = getpid();
    std::vector<std::string> command = worker_command();
    std::vector<std::string> environment = worker_environment();
    const Descriptor secret = pipe_with(token);
    SpawnPlan plan;
    posix_spawn_file_actions_addopen(&plan.files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&plan.files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&plan.files, state_->errors.number(), 2);
    posix_spawn_file_actions_adddup2(&plan.files, control.number(), control_number);
    posix_spawn_file_actions_adddup2(&plan.files, secret.number(), token_number);
    close_others(plan);
    reset_signals(plan);
    const int error = posix_spawn(&state_->id, command[0].c_str(), &plan.files, &plan.attributes, pointers(command).data(),
                                  pointers(environment).data());
    if (error != 0)
        throw Failure("the render worker " + command[0] + " does not start: " + std::strerror(error) +
                      "; run: wetgate hosts doctor");
    state_->running = true;
    offer_to_memory_killer(state_->id);
}

Process::~Process() { kill(); }

RawHandle Process::handle() const { return no_handle; }

bool Process::ended_well() {
    const std::lock_guard<std::mutex> hold(state_->lock);
    const State& state = *state_;
    return state_->collect() && (state.status == -1 || (WIFEXITED(state.status) && WEXITSTATUS(state.status) == 0));
}

void Process::kill() {
    const std::lock_guard<std::mutex> hold(state_->lock);
    state_->kill();
}

void Process::leave(double seconds) {
    const std::lock_guard<std::mutex> hold(state_->lock);
    const double end = now() + seconds;
    while (!state_->collect() && getpid() == state_->parent && now() < end) sleep_for(0.002);
    state_->kill();
}

std::string Process::last_words() {
    const std::lock_guard<std::mutex> hold(state_->lock);
    State& state = *state_;
    const double end = now() + 0.5;  // the socket closes a moment before the process is gone
    while (!state.collect() && now() < end) sleep_for(0.002);
    std::string words;
    if (!state.running && state.status != -1) {
        if (WIFSIGNALED(state.status)) words = " (signal " + std::to_string(WTERMSIG(state.status)) + ")";
        if (WIFEXITED(state.status)) words = " (status " + std::to_string(WEXITSTATUS(state.status)) + ")";
    }
    struct stat errors {};
    const off_t size = fstat(state.errors.number(), &errors) == 0 ? errors.st_size : 0;
    if (size <= 0) return words;
    char tail[1024];
    const off_t from = size > static_cast<off_t>(sizeof tail) ? size - static_cast<off_t>(sizeof tail) : 0;
    const ssize_t count = pread(state.errors.number(), tail, sizeof tail, from);
    return count <= 0 ? words : words + ": " + last_line(std::string(tail, static_cast<std::size_t>(count)));
}

}  // namespace wetgate
