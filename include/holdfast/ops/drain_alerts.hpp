// ops/drain_alerts.hpp - delivers what waits in the spool: every channel by itself, in order, until its time is over.
//
// One channel neither waits for another nor takes its time away. What a receiver refuses for what it is goes aside, so that
// it does not hold up what is newer.
#pragma once

#include <future>
#include <thread>

#include "holdfast/ops/alert_spool.hpp"
#include "holdfast/ops/deliver_alert.hpp"

namespace holdfast::ops {

struct AlertOptions {
    AlertsConfig config;
    fs::path spool;
    std::chrono::seconds time_limit{60};  // for all channels and tries
    int tries = 3;
};

struct ChannelReport {
    std::string channel;
    std::size_t delivered = 0, waiting = 0, damaged = 0;
    std::size_t refused = 0;              // set aside, now or earlier
    std::optional<SystemSeconds> oldest;  // of what waits
    std::string why;                      // of the last failure
    bool is_refused = false;              // some were set aside just now
    std::string not_kept;  // why what is sent just now could not be kept; then it is tried once
    bool is_lost = false;  // and was not taken either
};

/// An alert that some channels could not keep, and why, by their names.
struct Unkept {
    Alert alert;
    std::map<std::string, std::string> why;
};

struct AlertReport {
    bool is_held_back = false;  // the same was said a short while ago
    std::size_t kept = 0;       // channels that keep it, or took it at once
    std::vector<ChannelReport> channels;

    bool all_delivered() const {
        return std::all_of(channels.begin(), channels.end(), [](const ChannelReport& c) {
            return c.waiting == 0 && !c.is_refused && !c.is_lost;
        });
    }
    bool is_lost() const {
        return std::any_of(channels.begin(), channels.end(),
                           [](const ChannelReport& c) { return c.is_lost; });
    }
};

namespace detail {

inline void note_content(const AlertSpool::Content& content, ChannelReport& report) {
    report.waiting = content.waiting.size();
    report.damaged = content.damaged;
    report.refused = content.refused;
    if (report.waiting > 0) report.oldest = content.waiting.front().time;
}

/// With no more time for its receiver than is left, but a second.
inline ChannelConfig in_time(ChannelConfig channel, const Deadline& deadline) {
    channel.timeout = std::clamp(std::chrono::ceil<std::chrono::seconds>(deadline.left()),
                                 std::chrono::seconds{1}, channel.timeout);
    return channel;
}

/// The deliveries of one channel.
class Drain {
public:
    Drain(const AlertSpool& spool, const ChannelConfig& channel, const AlertOptions& options,
          const Deadline& deadline, ChannelReport& report)
        : spool_(spool), channel_(channel), options_(options), deadline_(deadline), report_(report) {}

    /// Oldest first, until all is gone, one fails for good or the time is over. Throws: busy, io, refused, interrupted.
    void run() {
        constexpr std::size_t kBatch = 16;  // at most so many are sent again after a crash
        const FileLock sending =
            spool_.lock_sending(std::chrono::ceil<std::chrono::seconds>(deadline_.left()));
        while (!is_over()) {
            const std::vector<Alert> waiting = spool_.read().waiting;
            if (waiting.empty()) return;
            std::size_t taken = 0;
            while (taken < std::min(kBatch, waiting.size()) && !is_over() && !is_refused_ &&
                   !is_interrupted())
                taken += try_one(waiting[taken]) ? 1 : 0;
            spool_.remove_first(taken);
            report_.delivered += taken;
            check_interrupted();
            if (!std::exchange(is_refused_, false)) continue;
            spool_.set_aside_first(options_.config.max_buffered);
            report_.is_refused = true;
        }
    }

private:
    bool is_over() const { return tries_ >= options_.tries || deadline_.has_passed(); }

    /// True if it was taken. After a failure waits until it may be tried again.
    bool try_one(const Alert& alert) {
        try {
            deliver_alert(alert, in_time(channel_, deadline_));
            tries_ = 0;
            return true;
        } catch (const Interrupted&) {  // run() crosses out what was taken, and stops
        } catch (const AlertRefused& e) {
            report_.why = e.what();
            is_refused_ = true;
        } catch (const Error& e) {
            report_.why = e.what();
            const auto* later = dynamic_cast<const RetryLater*>(&e);
            std::chrono::milliseconds pause{500 << (2 * std::min(tries_, 5))};
            if (later != nullptr) pause = std::max<std::chrono::milliseconds>(pause, later->wait());
            ++tries_;
            if (is_over() || pause >= deadline_.left())
                tries_ = options_.tries;
            else
                sleep(pause);
        }
        return false;
    }

    static void sleep(std::chrono::milliseconds pause) {
        for (const Deadline end{pause}; !end.has_passed() && !is_interrupted();)
            std::this_thread::sleep_for(std::min(end.left(), std::chrono::milliseconds{50}));
    }

    const AlertSpool& spool_;
    const ChannelConfig& channel_;
    const AlertOptions& options_;
    const Deadline& deadline_;
    ChannelReport& report_;
    int tries_ = 0;
    bool is_refused_ = false;
};

/// Once, from memory: the only chance it has.
inline void deliver_unkept(const Alert& alert, const ChannelConfig& channel, const Deadline& deadline,
                           ChannelReport& report) {
    try {
        deliver_alert(alert, in_time(channel, deadline));
        ++report.delivered;
    } catch (const Error& e) {
        report.why = e.what();
        report.is_lost = true;
    }
}

inline ChannelReport drain_channel(const ChannelConfig& channel, const AlertOptions& options,
                                   const Deadline& deadline, const Unkept& unkept) {
    ChannelReport report;
    report.channel = channel.name;
    try {
        const AlertSpool spool(options.spool, channel.name);
        try {
            Drain(spool, channel, options, deadline, report).run();
        } catch (const Error& e) {
            report.why = e.what();
        }
        note_content(spool.read(), report);
    } catch (const Error& e) {
        report.why = e.what();
    }
    if (const auto mine = unkept.why.find(channel.name); mine != unkept.why.end()) {
        report.not_kept = mine->second;
        deliver_unkept(unkept.alert, channel, deadline, report);  // after what is older
    }
    return report;
}

/// Drains every channel, all at once where threads can be had; what each still keeps is in the report. Throws: interrupted.
inline void drain_all(const AlertOptions& options, AlertReport& report, const Unkept& unkept = {}) {
    const Deadline deadline{options.time_limit};
    std::vector<std::future<ChannelReport>> work;
    for (const ChannelConfig& channel : options.config.channels)
        work.push_back(std::async(std::launch::async | std::launch::deferred,
                                  [&] { return drain_channel(channel, options, deadline, unkept); }));
    for (std::future<ChannelReport>& one : work) report.channels.push_back(one.get());
    if (std::all_of(report.channels.begin(), report.channels.end(),
                    [](const ChannelReport& c) { return c.waiting == 0 && c.why.empty(); }))
        keep_alert_reserve(options.spool);
}

}  // namespace detail

}  // namespace holdfast::ops
