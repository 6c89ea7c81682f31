// base/signals.hpp - a polite stop: the first INT, TERM or HUP unwinds, the second one kills.
//
// Long loops call check_interrupted() at least once per megabyte or 100 ms; it throws Interrupted, the
// destructors remove what was temporary, and tool_main ends the process by the same signal.
#pragma once

#include <atomic>
#include <csignal>
#include <initializer_list>

#include "holdfast/base/error.hpp"

namespace holdfast {

namespace detail {
inline std::atomic<int> caught_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);
inline void catch_signal(int signal) { caught_signal.store(signal); }
}  // namespace detail

/// SIGPIPE and SIGXFSZ are ignored: a closed pipe and a file beyond `ulimit -f` are write errors that somebody reports.
inline void install_signal_handlers() {
    struct sigaction action {};
    action.sa_handler = detail::catch_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int s : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction old {};
        ::sigaction(s, nullptr, &old);
        if (old.sa_handler != SIG_IGN) ::sigaction(s, &action, nullptr);  // nohup stays nohup
    }
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);  // ignored by our parent, it would hide how children end
}

inline bool is_interrupted() { return detail::caught_signal.load(std::memory_order_relaxed) != 0; }

inline void check_interrupted() {
    if (const int s = detail::caught_signal.load(std::memory_order_relaxed)) throw Interrupted(s);
}

}  // namespace holdfast
