// ops/alert.hpp - sends an alert to every channel that wants it: kept first, then delivered, in order.
//
// What cannot be delivered now stays in the spool and goes before anything newer at the next call. What the spool does not take
// is tried once, from memory. So an alert is lost only if neither spool nor receiver takes it, and that is an error.
#pragma once

#include "holdfast/base/random.hpp"
#include "holdfast/ops/alert_damping.hpp"
#include "holdfast/ops/drain_alerts.hpp"

namespace holdfast::ops {

namespace detail {

/// In the spool of each channel that wants it, unless it is held back. `mine` is what is to be remembered of its key.
inline Unkept keep_alert(Alert& alert, const AlertOptions& options, AlertReport& report,
                         std::optional<AlertMemory>& mine) {
    AlertDamping damping(options.spool);
    Unkept unkept;
    mine = damping.find(alert.key);
    alert.repeated = mine ? mine->held_back : 0;
    // A recovery is for whoever was told of the trouble.
    const Severity told = alert.severity == Severity::ok && mine ? mine->worst : alert.severity;
    report.is_held_back = damp(alert, mine, options.config.repeat_after) == Damping::hold_back;
    for (const ChannelConfig& channel : options.config.channels) {
        if (report.is_held_back || told < channel.at_least) continue;
        try {
            AlertSpool(options.spool, channel.name).add(alert, options.config.max_buffered);
            ++report.kept;
        } catch (const Error& e) {
            unkept.why.emplace(channel.name, e.what());
        }
    }
    // After it is kept: never lost by a crash. One channel that fails is no reason to tell all others again.
    if (report.kept > 0 || unkept.why.empty()) damping.keep(alert.key, mine);
    unkept.alert = alert;
    return unkept;
}

}  // namespace detail

/// Keeps it for each channel that wants it, then delivers what waits and what could not be kept. Throws: config (no channel),
/// interrupted.
inline AlertReport send_alert(Alert alert, const AlertOptions& options) {
    AlertReport report;
    if (options.config.channels.empty())
        throw Error(Kind::config, "no alert channel is configured",
                    "add [[alerts.channel]], or set ALERT_WEBHOOK_URL");
    alert.title = cut_text(alert.title, kMaxAlertTitle);
    alert.text = last_text(printable_lines(alert.text), kMaxAlertText);
    if (alert.id.empty()) alert.id = format_time(alert.time, "%Y%m%dT%H%M%SZ-") + random_hex<8>();
    std::optional<AlertMemory> memory;
    const Unkept unkept = detail::keep_alert(alert, options, report, memory);
    detail::drain_all(options, report, unkept);
    const auto taken = static_cast<std::size_t>(
        std::count_if(report.channels.begin(), report.channels.end(),
                      [](const ChannelReport& c) { return !c.not_kept.empty() && !c.is_lost; }));
    if (report.kept == 0 && taken > 0) AlertDamping(options.spool).keep(alert.key, memory);
    report.kept += taken;
    return report;
}

/// Delivers what waits, `and_refused`: also what was set aside. Throws: interrupted, io, busy.
inline AlertReport flush_alerts(const AlertOptions& options, bool and_refused = false) {
    AlertReport report;
    if (and_refused)
        for (const ChannelConfig& channel : options.config.channels)
            AlertSpool(options.spool, channel.name).put_back();
    detail::drain_all(options, report);
    return report;
}

/// What waits, without sending anything. Throws: io, busy.
inline AlertReport buffered_alerts(const AlertOptions& options) {
    AlertReport report;
    for (const ChannelConfig& channel : options.config.channels) {
        ChannelReport one;
        one.channel = channel.name;
        const fs::path path = options.spool / (channel.name + ".jsonl");  // the refused were in it once
        std::error_code error;
        const fs::file_status status = fs::status(path, error);
        if (!fs::status_known(status)) throw OsError(error.value(), "look at " + in_quotes(path.string()));
        if (fs::exists(status)) detail::note_content(AlertSpool(options.spool, channel.name).read(), one);
        one.is_refused = one.refused > 0;
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
