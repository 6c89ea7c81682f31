// support/captured_run.hpp - runs a function in a forked child and keeps what it printed and how it ended.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "support/temp_dir.hpp"

namespace holdfast::testing {

struct CapturedRun {
    int code = -1;  // exit code, or 128 + signal
    std::string out, err;
};

/// `prepare` runs in the child after its output is redirected, `body` returns the exit code.
template <class Prepare, class Body>
CapturedRun captured_run(Prepare prepare, Body body) {
    const TempDir dir;
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        for (const int fd : {1, 2})
            ::dup2(::open((dir / (fd == 1 ? "out" : "err")).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), fd);
        prepare();
        ::_exit(body());  // no destructors of the test runner, no second report
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), dir.read("out"),
            dir.read("err")};
}

template <class Body>
CapturedRun captured_run(Body body) {
    return captured_run([] {}, body);
}

}  // namespace holdfast::testing
