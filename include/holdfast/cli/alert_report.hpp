// cli/alert_report.hpp - the verbs of alert, and what they print.
#pragma once

#include "holdfast/base/host_name.hpp"
#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/alert.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast::cli {

/// For CLI11: what is wrong with it, or nothing.
inline std::string check_uuid(std::string& text) {
    const bool ok =
        text.size() == 36 && text.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
    return ok ? std::string{} : "not a UUID: " + in_quotes(text);
}

inline ops::AlertOptions alert_options(const Environment& env) {
    ops::AlertOptions out;
    out.config = env.config.alerts;
    add_environment_channel(out.config, process_environment);
    out.spool = out.config.spool.empty()
                    ? host_folder("XDG_STATE_HOME", "/var/lib", ".local/state") / "alerts"
                    : fs::path(out.config.spool);
    return out;
}

/// The text of an alert: `text`, or the end of standard input if it is "-". Throws: io, interrupted.
inline std::string alert_text(const std::string& text) {
    if (text != "-") return text;
    constexpr std::size_t kKept = 2 * kMaxAlertText;  // more than is sent, so that it shows where it was cut
    std::string out;
    Bytes piece(kMaxAlertText);
    while (const std::size_t n = read_some(STDIN_FILENO, piece, "read standard input")) {
        check_interrupted();
        out += as_text(ByteSpan(piece).first(n));
        if (out.size() > kKept) out.erase(0, out.size() - kKept);
    }
    return out;
}

/// One row per channel. Returns the exit code: 0 all delivered, 4 something waits or was refused, 8 something was neither kept nor delivered.
inline int print_alert_report(const ops::AlertReport& report, const CommonFlags& flags) {
    for (const ops::ChannelReport& c : report.channels) {
        if (c.not_kept.empty()) continue;
        const std::string text = "not kept for " + c.channel + ": " + c.not_kept;
        if (c.is_lost)
            say("alert", "error", text + "; nor delivered: " + c.why);
        else
            say("alert", "warning", text + "; it was delivered at once");
    }
    Table table(
        {{"CHANNEL"}, {"DELIVERED", Align::right}, {"WAITING", Align::right}, {"OLDEST"}, {"LAST FAILURE"}});
    Json json = {{"held_back", report.is_held_back}, {"kept", report.kept}, {"channels", Json::array()}};
    for (const ops::ChannelReport& c : report.channels) {
        const std::string oldest = c.oldest ? format_utc(*c.oldest) : "";
        table.add(
            {c.channel, std::to_string(c.delivered), std::to_string(c.waiting), oldest, printable(c.why)});
        json["channels"].push_back({{"channel", c.channel},
                                    {"delivered", c.delivered},
                                    {"waiting", c.waiting},
                                    {"damaged", c.damaged},
                                    {"refused", c.refused},
                                    {"lost", c.is_lost},
                                    {"oldest_utc", c.oldest ? Json(oldest) : Json(nullptr)},
                                    {"why", c.why.empty() ? Json(nullptr) : Json(json_text(c.why))}});
        if (c.damaged != 0)
            say("alert", "warning",
                c.channel + ": " + std::to_string(c.damaged) + " lines of the buffer cannot be read");
        if (c.is_refused)
            say("alert", "warning",
                c.channel + ": " + std::to_string(c.refused) +
                    " were refused for what they are and set aside; put right why, then alert flush "
                    "--refused");
    }
    if (flags.json)
        print_json(json);
    else if (!flags.quiet)
        print(table.text());
    if (report.is_held_back && !flags.quiet)
        say("alert", "note", "not sent: the same was said a short while ago (alerts.repeat_after)");
    if (report.is_lost()) return static_cast<int>(Kind::io);
    return report.all_delivered() ? 0 : static_cast<int>(Kind::partial);
}

}  // namespace holdfast::cli
