// cli/tool_main.hpp - what every tool does around its one operation.
//
// tool_main() makes the process safe (descriptors 0 to 2, umask, signals), parses, runs, delivers standard
// output and turns every failure into "tool: error: what: why", a hint and the exit code of its Kind.
// It is the only catch (...) of the project.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <sstream>
#include <string>
#include <type_traits>

#include "holdfast/base/error.hpp"
#include "holdfast/base/memory.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/cli/output.hpp"

namespace holdfast::cli {

namespace detail {

/// A closed descriptor 0, 1 or 2 would be reused by the next file we open, and a database would get our
/// messages. Each is opened the wrong way round: reading input that is not there or writing output that
/// nobody gets must fail, not pretend.
inline void reopen_standard_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) >= 0) continue;
        const int mode = fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY;
        if (::open("/dev/null", mode) != fd && ::open("/", O_RDONLY) != fd) std::_Exit(8);
    }
}

inline void write_stderr(const std::string& text) {
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
}

/// One write, so that lines of two processes do not mix.
inline int complain(const std::string& tool, Kind kind, std::string_view message, std::string_view hint) {
    std::string text = tool + ": error: " + printable(message) + "\n";
    if (!hint.empty()) text += tool + ": hint: " + printable(hint) + "\n";
    write_stderr(text);
    return static_cast<int>(kind);
}

/// --help and --version are answers; all else that the parser throws is wrong usage.
inline int answer_parser(const CLI::App& app, const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {
        std::ostringstream text;
        app.exit(e, text, text);
        print(text.str());
        return 0;
    }
    std::string message = e.what();
    for (char& c : message)
        if (c == '\n') c = ' ';
    if (!message.empty() && message[0] >= 'A' && message[0] <= 'Z')
        message[0] = static_cast<char>(message[0] - 'A' + 'a');
    return complain(app.get_name(), Kind::usage, message, "see " + app.get_name() + " --help");
}

/// What the body printed through the standard library counts as output, too.
inline void deliver_output() {
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0)
        throw Error(Kind::io, "write standard output: " + std::string(std::strerror(errno)));
    output().flush();
}

[[noreturn]] inline void die_by(int signal) {
    ::signal(signal, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
    ::raise(signal);
    std::_Exit(128 + signal);
}

template <class Body>
int parse_and_run(CLI::App& app, int argc, char** argv, Body& body) {
    int code = 0;
    try {
        app.parse(argc, argv);
        if constexpr (std::is_void_v<decltype(body())>) {
            body();
        } else {
            code = static_cast<int>(body());
        }
    } catch (const CLI::ParseError& e) {
        code = answer_parser(app, e);
    }
    deliver_output();
    return code;
}

}  // namespace detail

/// Runs `body`, which returns nothing or an exit code (0, or a Kind for an outcome such as partial).
/// The result is for main() to return.
template <class Body>
int tool_main(CLI::App& app, int argc, char** argv, Body body) {
    detail::reopen_standard_descriptors();
    ::umask(077);
    keep_freed_memory();
    install_signal_handlers();
    const std::string& tool = app.get_name();
    try {
        return detail::parse_and_run(app, argc, argv, body);
    } catch (const Error& e) {
        return detail::complain(tool, e.kind(), e.what(), e.hint());
    } catch (const Interrupted& e) {
        if (e.signal() != SIGPIPE)  // as `head` ends any program: no news
            detail::write_stderr(tool + ": error: stopped by SIG" + ::sigabbrev_np(e.signal()) +
                                 "; what was temporary is removed\n");
        detail::die_by(e.signal());
    } catch (const std::bad_alloc&) {
        return detail::complain(tool, Kind::internal, "out of memory",
                                "nothing half-written was kept; free some memory and run it again");
    } catch (const std::exception& e) {
        return detail::complain(tool, Kind::internal, e.what(),
                                "this is a bug in holdfast: please report it");
    } catch (...) {
        return detail::complain(tool, Kind::internal, "an unknown exception",
                                "this is a bug in holdfast: please report it");
    }
}

}  // namespace holdfast::cli
