#include "process.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "pool.h"

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

Process::Process(Descriptor control, const unsigned char (&token)[32])
    : errors_(make_memory_file("wetgate-worker-errors")), parent_(getpid()) {
    std::vector<std::string> command = worker_command();
    std::vector<std::string> environment = worker_environment();
    const Descriptor secret = pipe_with(token);
    SpawnPlan plan;
    posix_spawn_file_actions_addopen(&plan.files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&plan.files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&plan.files, errors_.number(), 2);
    posix_spawn_file_actions_adddup2(&plan.files, control.number(), control_number);
    posix_spawn_file_actions_adddup2(&plan.files, secret.number(), token_number);
    close_others(plan);
    reset_signals(plan);
    const int error = posix_spawn(&id_, command[0].c_str(), &plan.files, &plan.attributes, pointers(command).data(),
                                  pointers(environment).data());
    if (error != 0)
        throw Failure("the render worker " + command[0] + " does not start: " + std::strerror(error) +
                      "; run: wetgate hosts doctor");
    running_ = true;
    offer_to_memory_killer(id_);
}

Process::~Process() { kill(); }

bool Process::collect() {
    if (!running_) return true;
    if (getpid() != parent_) return false;  // a fork of the host: the child is not ours
    const pid_t found = waitpid(id_, &status_, WNOHANG);
    if (found == 0) return false;
    if (found < 0 && errno == EINTR) return false;
    if (found < 0) status_ = -1;  // a host that collects every child has taken the status
    running_ = false;
    return true;
}

bool Process::ended_well() {
    const std::lock_guard<std::mutex> hold(lock_);
    return collect() && (status_ == -1 || (WIFEXITED(status_) && WEXITSTATUS(status_) == 0));
}

void Process::kill() {
    const std::lock_guard<std::mutex> hold(lock_);
    kill_held();
}

void Process::kill_held() {
    if (collect() || getpid() != parent_) return;
    ::kill(id_, SIGKILL);
    while (waitpid(id_, &status_, 0) < 0 && errno == EINTR) {
    }
    running_ = false;
}

void Process::leave(double seconds) {
    const std::lock_guard<std::mutex> hold(lock_);
    const double end = now() + seconds;
    while (!collect() && getpid() == parent_ && now() < end) usleep(2000);
    kill_held();
}

std::string Process::last_words() {
    const std::lock_guard<std::mutex> hold(lock_);
    const double end = now() + 0.5;  // the socket closes a moment before the process is gone
    while (!collect() && now() < end) usleep(2000);
    std::string words;
    if (!running_ && status_ != -1 && WIFSIGNALED(status_)) words = " (signal " + std::to_string(WTERMSIG(status_)) + ")";
    if (!running_ && status_ != -1 && WIFEXITED(status_)) words = " (status " + std::to_string(WEXITSTATUS(status_)) + ")";
    struct stat errors {};
    const off_t size = fstat(errors_.number(), &errors) == 0 ? errors.st_size : 0;
    if (size <= 0) return words;
    char tail[1024];
    const off_t from = size > static_cast<off_t>(sizeof tail) ? size - static_cast<off_t>(sizeof tail) : 0;
    const ssize_t count = pread(errors_.number(), tail, sizeof tail, from);
    if (count <= 0) return words;
    std::string text(tail, static_cast<std::size_t>(count));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == 0)) text.pop_back();
    const std::size_t line = text.rfind('\n');
    return words + ": " + (line == std::string::npos ? text : text.substr(line + 1));
}

}  // namespace wetgate
