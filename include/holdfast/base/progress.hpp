// base/progress.hpp - one line on a terminal that says how far a long job is.
//
// Nothing is ever written unless standard error is a terminal. add() may be called by any thread, as often as
// it likes: at most five times a second one of them draws. finish() or the destructor clears the line.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

/// "trades: 1.2 GiB of 4.0 GiB, 350.0 MiB/s, 12 s, 8 s left", cut to `width` columns.
inline std::string format_progress(const std::string& what, std::uint64_t done,
                                   std::optional<std::uint64_t> total, std::chrono::milliseconds elapsed,
                                   std::size_t width) {
    const double seconds = static_cast<double>(elapsed.count()) / 1000;
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    std::string line = printable(what) + ": " + format_bytes(done);
    if (total) line += " of " + format_bytes(*total);
    if (rate >= 1) line += ", " + format_bytes(static_cast<std::uint64_t>(rate)) + "/s";
    line += ", " + format_duration(std::chrono::floor<std::chrono::seconds>(elapsed));
    if (total && *total > done && rate >= 1 && seconds >= 1) {
        const double left = static_cast<double>(*total - done) / rate;
        if (left < static_cast<double>(kForever.count()))
            line +=
                ", " + format_duration(std::chrono::seconds{static_cast<std::int64_t>(left) + 1}) + " left";
    }
    while (display_width(line) > width) line.pop_back();
    while (!line.empty() && !is_utf8(line)) line.pop_back();  // no half of a character
    return line;
}

class Progress {
public:
    enum class Show { never, on_terminal };

    explicit Progress(Show show = Show::never)
        : is_shown_(show == Show::on_terminal && ::isatty(STDERR_FILENO) == 1) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { finish(); }

    /// Starts counting anew; `total` is in bytes.
    void start(std::string what, std::optional<std::uint64_t> total = std::nullopt) {
        const std::lock_guard guard(mutex_);
        what_ = std::move(what);
        total_ = total;
        done_ = 0;
        started_ = Clock::now();
        next_draw_ms_ = kInterval.count();  // short jobs draw nothing
    }
    void add(std::uint64_t bytes) noexcept {
        done_.fetch_add(bytes, std::memory_order_relaxed);
        if (is_shown_) draw_if_due();
    }
    /// Removes the line; call before writing anything else to standard error.
    void finish() noexcept {
        const std::lock_guard guard(mutex_);
        if (std::exchange(is_drawn_, false)) put("\r\033[K");
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kInterval{200};

    void draw_if_due() noexcept {
        const std::unique_lock guard(mutex_, std::try_to_lock);
        if (!guard) return;
        const auto elapsed = std::chrono::floor<std::chrono::milliseconds>(Clock::now() - started_);
        if (elapsed.count() < next_draw_ms_) return;
        next_draw_ms_ = elapsed.count() + kInterval.count();
        try {
            put("\r" + format_progress(what_, done_.load(), total_, elapsed, columns() - 1) + "\033[K");
            is_drawn_ = true;
        } catch (const std::exception&) {
            is_shown_ = false;  // out of memory: the job matters, the line does not
        }
    }
    static std::size_t columns() noexcept {
        winsize size{};
        return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
    }
    static void put(std::string_view text) noexcept {
        [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    }

    std::mutex mutex_;
    std::atomic<bool> is_shown_;
    std::atomic<std::uint64_t> done_{0};
    std::string what_ = "working";
    std::optional<std::uint64_t> total_;
    Clock::time_point started_ = Clock::now();
    std::int64_t next_draw_ms_ = kInterval.count();
    bool is_drawn_ = false;
};

}  // namespace holdfast
