// base/signals.hpp - a polite stop: the first INT, TERM or HUP unwinds, a later one kills.
//
// Long loops call check_interrupted() at least once per megabyte or 100 ms; it throws Interrupted, the
// destructors remove what was temporary, and tool_main ends the process by the same signal.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <initializer_list>

#include "holdfast/base/error.hpp"

namespace holdfast {

namespace detail {
inline std::atomic<int> caught_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);
inline std::atomic<std::int64_t> caught_at_ms{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

inline std::int64_t monotonic_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);  // may be called in a signal handler
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

// One request often arrives several times: systemd signals the whole control group, and timeout(1) and a
// script pass it on to us. Only a second request after a second is impatience.
inline constexpr std::int64_t kSameRequestMs = 1000;

inline void catch_signal(int signal) {
    int none = 0;
    if (caught_signal.compare_exchange_strong(none, signal)) {
        caught_at_ms.store(monotonic_ms());
    } else if (monotonic_ms() - caught_at_ms.load() >= kSameRequestMs) {
        ::signal(signal, SIG_DFL);
        ::raise(signal);  // blocked here, it strikes when the handler returns
    }
}
}  // namespace detail

/// SIGPIPE and SIGXFSZ are ignored: a closed pipe and a file beyond `ulimit -f` are write errors that somebody reports.
inline void install_signal_handlers() {
    struct sigaction action {};
    action.sa_handler = detail::catch_signal;
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
