// base/process.hpp - a child process whose output we read and whose end we check.
//
// The child gets /dev/null as standard input, a pipe as standard output, default signal handling, its own
// process group and no descriptor above 2. The last 4 KiB of its standard error are kept for messages.
// At the deadline, on an interrupt or when the Child is destroyed, the whole group gets TERM and, two
// seconds later, KILL. What the command left behind in its group goes with it. One thread uses a Child.
#pragma once

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/base/child_environment.hpp"
#include "holdfast/base/clock.hpp"
#include "holdfast/base/fd.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

namespace detail {

struct Pipe {
    UniqueFd read_end, write_end;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw_os("make a pipe");
        read_end = UniqueFd{ends[0]};
        write_end = UniqueFd{ends[1]};
    }
};

/// Attributes and descriptor plan of one posix_spawn.
class SpawnPlan {
public:
    SpawnPlan(int out, int err) {
        require(posix_spawn_file_actions_init(&actions_));
        require(posix_spawnattr_init(&attributes_));
        require(posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0));
        require(posix_spawn_file_actions_adddup2(&actions_, out, 1));
        require(posix_spawn_file_actions_adddup2(&actions_, err, 2));
        require(posix_spawn_file_actions_addclosefrom_np(&actions_, 3));
        sigset_t none, reset;
        sigemptyset(&none);
        sigemptyset(&reset);
        for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGQUIT, SIGCHLD})
            sigaddset(&reset, s);
        require(posix_spawnattr_setsigmask(&attributes_, &none));
        require(posix_spawnattr_setsigdefault(&attributes_, &reset));
        require(posix_spawnattr_setpgroup(&attributes_, 0));
        require(posix_spawnattr_setflags(
            &attributes_,
            static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)));
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }
    const posix_spawn_file_actions_t* actions() const { return &actions_; }
    const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    static void require(int error) {
        if (error != 0) throw OsError(error, "prepare a child process");
    }
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

inline std::vector<char*> c_strings(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

}  // namespace detail

/// How a child ended.
struct ExitStatus {
    int code = 0;    // exit code, if signal is 0
    int signal = 0;  // the signal that killed it

    bool is_success() const { return code == 0 && signal == 0; }
    std::string text() const {
        if (signal == 0) return "exit code " + std::to_string(code);
        const char* name = ::sigabbrev_np(signal);
        return "signal " + (name == nullptr ? std::to_string(signal) : "SIG" + std::string(name));
    }
};

class Child {
public:
    static constexpr std::size_t kTailBytes = 4096;
    static constexpr std::chrono::milliseconds kGrace{2000};  // TERM to KILL; we must be gone in 5 s

    /// Looks argv[0] up in PATH. `environment` is "NAME=value" lines; nothing means ours without our secrets.
    /// Throws: config if the program cannot be started, io.
    Child(std::vector<std::string> argv, std::chrono::seconds time_limit,
          const std::vector<std::string>* environment = nullptr)
        : name_(argv.at(0)), time_limit_(time_limit), deadline_(time_limit) {
        detail::Pipe out, err;
        const detail::SpawnPlan plan(out.write_end.get(), err.write_end.get());
        const std::vector<char*> args = detail::c_strings(argv);
        const std::vector<std::string> usual =
            environment != nullptr ? std::vector<std::string>{} : child_environment({});
        const std::vector<char*> env = detail::c_strings(environment != nullptr ? *environment : usual);
        const int error =
            ::posix_spawnp(&pid_, args[0], plan.actions(), plan.attributes(), args.data(), env.data());
        if (error != 0)
            throw Error(Kind::config,
                        "start " + in_quotes(name_) + ": " + std::generic_category().message(error),
                        "install that program, or give its whole path");
        out_ = std::move(out.read_end);
        err_ = std::move(err.read_end);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { stop(); }

    /// Some bytes of the child's standard output; 0 at its end. Throws: io (also at the time limit), Interrupted.
    std::size_t read(std::span<std::byte> out) {
        for (bool was_ended = false;;) {
            if (poll_once(out_.get())) return read_some(out_.get(), out, "read from " + in_quotes(name_));
            if (was_ended) return 0;  // something that left the group keeps the pipe open: not our command
            was_ended = has_ended();
            if (was_ended) ::kill(-pid_, SIGKILL);
        }
    }

    /// Waits for the end, discards output that nobody read. Throws: io (time limit), Interrupted.
    ExitStatus wait() {
        std::array<std::byte, 4096> rest;
        while (out_ && read(rest) != 0) {}
        out_.reset();
        while (!has_ended()) poll_once(-1);
        drain_stderr();
        return reap();
    }

    /// wait(), and anything but exit code 0 is an error that quotes the last lines of standard error. Throws: io.
    void finish() {
        const ExitStatus status = wait();
        if (status.is_success()) return;
        throw Error(Kind::io, in_quotes(name_) + " ended with " + status.text() + said(),
                    "run that command by hand as this user to see why");
    }

    /// TERM to the group, KILL after the grace time. Silent; harmless after the end.
    void stop() noexcept {
        if (pid_ <= 0) return;
        ::kill(-pid_, SIGTERM);
        const Deadline grace{kGrace};
        while (!has_ended() && !grace.has_passed())
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        reap();
    }

    /// The last bytes that it wrote to standard error.
    const std::string& stderr_tail() const { return tail_; }

private:
    /// Waits up to 100 ms; keeps standard error flowing. True if `fd` can be read (or has ended).
    bool poll_once(int fd) {
        check_interrupted();
        if (deadline_.has_passed()) {
            stop();
            throw Error(Kind::io,
                        in_quotes(name_) + " was stopped: it ran longer than " +
                            format_duration(time_limit_) + said(),
                        "raise its timeout, or find out what it waits for");
        }
        std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{err_ ? err_.get() : -1, POLLIN, 0}};
        if (::poll(fds.data(), fds.size(), 100) < 0 && errno != EINTR) throw_os("wait for a child");
        if (fds[1].revents != 0) read_stderr();
        return fds[0].revents != 0;
    }
    void read_stderr() {
        std::array<std::byte, 4096> chunk;
        const std::size_t n = read_some(err_.get(), chunk, "read the errors of " + in_quotes(name_));
        if (n == 0) err_.reset();
        tail_.append(as_text(ByteSpan(chunk).first(n)));
        if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
    }
    /// What is in the pipe now; a daemon that kept it open does not hold us.
    void drain_stderr() {
        while (err_) {
            pollfd one{err_.get(), POLLIN, 0};
            if (::poll(&one, 1, 0) <= 0) return;
            read_stderr();
        }
    }
    /// Has the command itself ended? It stays a zombie, so its group number is still ours.
    bool has_ended() const noexcept {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
               info.si_pid == pid_;
    }
    ExitStatus reap() noexcept {
        ::kill(-pid_, SIGKILL);
        int status = 0;
        pid_t rc = 0;
        do rc = ::waitpid(pid_, &status, 0);
        while (rc < 0 && errno == EINTR);
        pid_ = 0;
        if (rc < 0) return {127, 0};  // somebody else reaped it: unknown, so not a success
        return WIFSIGNALED(status) ? ExitStatus{0, WTERMSIG(status)} : ExitStatus{WEXITSTATUS(status), 0};
    }
    /// ": <the last lines of standard error on one line>", or nothing.
    std::string said() const {
        std::string_view text = tail_;
        while (text.ends_with('\n')) text.remove_suffix(1);
        if (text.size() > 500) text.remove_prefix(text.size() - 500);
        std::string out;
        for (const std::string_view line : split(text, '\n'))
            if (!line.empty()) out += (out.empty() ? ": " : " | ") + printable(line);
        return out;
    }

    std::string name_;
    std::chrono::seconds time_limit_;
    Deadline deadline_;
    pid_t pid_ = 0;
    UniqueFd out_, err_;
    std::string tail_;
};

/// The argv that runs one shell line: a failure anywhere in a pipe is a failure.
inline std::vector<std::string> shell_argv(const std::string& line) {
    return {"bash", "-c", "set -o pipefail\n" + line};
}

}  // namespace holdfast
