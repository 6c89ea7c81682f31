// ops/alert.hpp - sends an alert to every channel that wants it: kept first, then delivered, in order.
//
// What cannot be delivered now stays in the spool and goes before anything newer at the next call. So an alert is lost only
// if the spool itself cannot be written, and that is an error.
#pragma once

#include "holdfast/base/random.hpp"
#include "holdfast/ops/alert_damping.hpp"
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
    std::optional<SystemSeconds> oldest;  // of what waits
    std::string why;                      // of the last failure
};

struct AlertReport {
    bool is_held_back = false;  // the same was said a short while ago
    std::vector<ChannelReport> channels;
    std::vector<std::string> dropped;  // why a channel could not even keep it

    bool all_delivered() const {
        return dropped.empty() && std::all_of(channels.begin(), channels.end(),
                                              [](const ChannelReport& c) { return c.waiting == 0; });
    }
};

namespace detail {

/// Delivers what waits, oldest first, until it is all gone, one fails for good or the time is over.
inline void drain(const AlertSpool& spool, const ChannelConfig& channel, const AlertOptions& options,
                  const Deadline& deadline, ChannelReport& report) {
    constexpr std::size_t kBatch = 16;  // at most so many are sent again after a crash
    const FileLock sending = spool.lock_sending(std::chrono::ceil<std::chrono::seconds>(deadline.left()));
    int tries = 0;
    for (AlertSpool::Content content = spool.read(); !content.waiting.empty(); content = spool.read()) {
        std::size_t taken = 0;
        while (taken < std::min(kBatch, content.waiting.size()) && tries < options.tries &&
               !deadline.has_passed()) {
            check_interrupted();
            try {
                deliver_alert(content.waiting[taken], channel);
                ++taken;
                tries = 0;
            } catch (const Error& e) {
                report.why = e.what();
                const auto* later = dynamic_cast<const RetryLater*>(&e);
                std::chrono::milliseconds pause{500 << (2 * std::min(tries, 5))};
                if (later != nullptr) pause = std::max<std::chrono::milliseconds>(pause, later->wait());
                if (++tries >= options.tries || pause >= deadline.left())
                    tries = options.tries;
                else
                    std::this_thread::sleep_for(pause);
            }
        }
        spool.remove_first(taken);
        report.delivered += taken;
        if (tries >= options.tries || deadline.has_passed()) break;
    }
}

/// Drains every channel; what each still keeps is in the report.
inline void drain_all(const AlertOptions& options, AlertReport& report) {
    const Deadline deadline{options.time_limit};
    for (const ChannelConfig& channel : options.config.channels) {
        ChannelReport one{channel.name, 0, 0, 0, std::nullopt, {}};
        try {
            const AlertSpool spool(options.spool, channel.name);
            try {
                drain(spool, channel, options, deadline, one);
            } catch (const Error& e) {
                one.why = e.what();
            }
            const AlertSpool::Content left = spool.read();
            one.waiting = left.waiting.size();
            one.damaged = left.damaged;
            if (one.waiting > 0) one.oldest = left.waiting.front().time;
            if (one.waiting == 0) spool.keep_reserve();
        } catch (const Error& e) {
            one.why = e.what();
        }
        report.channels.push_back(one);
    }
}

/// In the spool of each channel that wants it, unless it is held back.
inline void keep_alert(Alert& alert, const AlertOptions& options, AlertReport& report) {
    AlertDamping damping(options.spool);
    std::optional<AlertMemory> mine = damping.find(alert.key);
    alert.repeated = mine ? mine->held_back : 0;
    // A recovery is for whoever was told of the trouble.
    const Severity told = alert.severity == Severity::ok && mine ? mine->worst : alert.severity;
    report.is_held_back = damp(alert, mine, options.config.repeat_after) == Damping::hold_back;
    for (const ChannelConfig& channel : options.config.channels) {
        if (report.is_held_back || told < channel.at_least) continue;
        try {
            AlertSpool(options.spool, channel.name).add(alert, options.config.max_buffered);
        } catch (const Error& e) {
            report.dropped.push_back(channel.name + ": " + e.what());
        }
    }
    if (report.dropped.empty()) damping.keep(alert.key, mine);  // after it is kept: never lost by a crash
}

}  // namespace detail

/// Keeps it for each channel that wants it, then delivers what waits. Throws: config (no channel), interrupted.
inline AlertReport send_alert(Alert alert, const AlertOptions& options) {
    AlertReport report;
    if (options.config.channels.empty())
        throw Error(Kind::config, "no alert channel is configured",
                    "add [[alerts.channel]], or set ALERT_WEBHOOK_URL");
    alert.title = cut_text(alert.title, kMaxAlertTitle);
    alert.text = last_text(printable_lines(alert.text), kMaxAlertText);
    if (alert.id.empty()) alert.id = format_time(alert.time, "%Y%m%dT%H%M%SZ-") + random_hex<8>();
    detail::keep_alert(alert, options, report);
    detail::drain_all(options, report);
    return report;
}

/// Delivers what waits. Throws: interrupted.
inline AlertReport flush_alerts(const AlertOptions& options) {
    AlertReport report;
    detail::drain_all(options, report);
    return report;
}

/// What waits, without sending anything. Throws: io, busy.
inline AlertReport buffered_alerts(const AlertOptions& options) {
    AlertReport report;
    for (const ChannelConfig& channel : options.config.channels) {
        ChannelReport one{channel.name, 0, 0, 0, std::nullopt, {}};
        const fs::path path = options.spool / (channel.name + ".jsonl");
        std::error_code error;
        const fs::file_status status = fs::status(path, error);
        if (!fs::status_known(status)) throw OsError(error.value(), "look at " + in_quotes(path.string()));
        if (fs::exists(status)) {
            const AlertSpool::Content content = AlertSpool(options.spool, channel.name).read();
            one.waiting = content.waiting.size();
            one.damaged = content.damaged;
            if (one.waiting > 0) one.oldest = content.waiting.front().time;
        }
        report.channels.push_back(one);
    }
    return report;
}

/// Tells a dead man's switch: start, success, fail or an exit status; `rid` joins start and end of a run.
/// https://healthchecks.io/docs/http_api/ Never kept for later: a late sign of life would be a lie. How it went is noted in the
/// spool's folder for health checks. Throws: io, config.
inline void ping(const AlertOptions& options, const std::string& what, const std::string& rid) {
    const AlertsConfig& config = options.config;
    if (config.ping.empty() && config.ping_file.empty())
        throw Error(Kind::config, "no address to ping is configured",
                    "add ping = \"https://...\" to [alerts]");
    const auto note = [&](const std::string& why) {
        try {
            make_directories(options.spool);
            publish_file(options.spool / "ping.json",
                         as_bytes(dump_json({{"time_utc", format_utc(now_utc())},
                                             {"what", what},
                                             {"why", why.empty() ? Json(nullptr) : Json(json_text(why))}}) +
                                  "\n"));
        } catch (const Error&) {  // it is only a note
        }
    };
    ::prctl(PR_SET_DUMPABLE, 0);  // the address may be a secret
    try {
        HttpRequest request;
        request.url = config.ping.empty() ? read_secret(config.ping_file) : config.ping;
        while (request.url.ends_with('/')) request.url.pop_back();
        if (what != "success") request.url += "/" + what;
        if (!rid.empty()) request.url += "?rid=" + rid;
        const HttpReply reply = http_send(request);
        if (!reply.is_success())
            throw Error(Kind::io,
                        public_part(request.url) + " answered the ping with " + std::to_string(reply.status),
                        "check its address");
    } catch (const Error& e) {
        note(e.what());
        throw;
    }
    note({});
}

}  // namespace holdfast::ops
