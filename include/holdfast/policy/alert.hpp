// policy/alert.hpp - an alert, whether it is worth repeating, and how each kind of receiver wants to read it.
//
// Pure: times are arguments, nothing is sent here.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "holdfast/base/text.hpp"
#include "holdfast/base/utc.hpp"
#include "holdfast/policy/words.hpp"
#include "holdfast/wrap/hmac.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

enum class Severity { ok, info, warning, critical };  // ok: what was wrong is right again
template <>
struct Words<Severity> {
    static constexpr std::pair<const char*, Severity> kAll[] = {{"ok", Severity::ok},
                                                                {"info", Severity::info},
                                                                {"warning", Severity::warning},
                                                                {"critical", Severity::critical}};
};

struct Alert {
    std::string id;  // the same each time it is sent: a receiver can tell a repetition
    SystemSeconds time{};
    Severity severity = Severity::info;
    std::string key;  // what it is about: "backup", "health"; alerts of one key follow each other
    std::string title;
    std::string text;
    std::string host;
    std::uint64_t repeated = 0;  // how often it was held back since the last one
};

inline constexpr std::size_t kMaxAlertTitle = 200, kMaxAlertText = 16 * 1024;

inline Json alert_json(const Alert& a) {
    return {{"id", a.id},
            {"time_utc", format_utc(a.time)},
            {"severity", word_for(a.severity)},
            {"key", json_text(a.key)},
            {"title", json_text(a.title)},
            {"text", printable_lines(a.text)},
            {"host", json_text(a.host)},
            {"source", "holdfast"},
            {"repeated", a.repeated}};
}

/// Throws: corrupt.
inline Alert parse_alert(std::string_view line) {
    const Json json = parse_json(line, "buffered alert");
    const JsonFields f(json, "buffered alert");
    Alert a;
    a.id = f.text("id");
    const auto time = parse_utc(f.text("time_utc"));
    const auto severity = parse_word<Severity>(f.text("severity"));
    if (!time) f.fail("time_utc", "is not a time");
    if (!severity) f.fail("severity", "is not one we know");
    a.time = *time;
    a.severity = *severity;
    a.key = f.text("key");
    a.title = f.text("title");
    a.text = f.text("text");
    a.host = f.text("host");
    a.repeated = f.number("repeated");
    return a;
}

/// Its beginning, as much as a receiver can show, cut between characters.
inline std::string cut_text(const std::string& text, std::size_t most) {
    if (text.size() <= most) return text;
    return text.substr(0, character_start(text, most - 4)) + " ...";
}

/// Its end: of what a program said the last lines tell why it failed.
inline std::string last_text(const std::string& text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t at = text.size() - (most - 4);
    const std::size_t start = character_start(text, at);
    if (start != at) at = start + utf8_sequence(std::string_view(text).substr(start));
    return "... " + text.substr(at);
}

// --- Damping ------------------------------------------------------------------------------------------

/// What was last said about a key.
struct AlertMemory {
    Severity severity = Severity::info;
    SystemSeconds time{};
    std::uint64_t held_back = 0;
    Severity worst = Severity::info;  // since it was well: whoever heard of that hears of the recovery
};

enum class Damping { send, hold_back };

/// The same severity again within `repeat_after` is held back and counted; ok is sent only after something else. An info is news
/// each time. `memory` is brought up to date.
inline Damping damp(const Alert& alert, std::optional<AlertMemory>& memory,
                    std::chrono::seconds repeat_after) {
    if (alert.severity == Severity::info) return Damping::send;
    if (alert.severity == Severity::ok) {
        const bool was_wrong = memory.has_value();
        memory.reset();
        return was_wrong ? Damping::send : Damping::hold_back;
    }
    const bool is_old_news = memory && memory->severity == alert.severity && alert.time >= memory->time &&
                             alert.time - memory->time < repeat_after;
    if (is_old_news) {
        ++memory->held_back;
        return Damping::hold_back;
    }
    memory = AlertMemory{alert.severity, alert.time, 0,
                         memory ? std::max(memory->worst, alert.severity) : alert.severity};
    return Damping::send;
}

// --- Forms ---------------------------------------------------------------------------------------------

enum class ChannelKind { webhook, slack, ntfy, command, email };
template <>
struct Words<ChannelKind> {
    static constexpr std::pair<const char*, ChannelKind> kAll[] = {{"webhook", ChannelKind::webhook},
                                                                   {"slack", ChannelKind::slack},
                                                                   {"ntfy", ChannelKind::ntfy},
                                                                   {"command", ChannelKind::command},
                                                                   {"email", ChannelKind::email}};
};

inline std::string alert_line(const Alert& a) {
    std::string word = word_for(a.severity);
    for (char& c : word) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return "[" + word + "] " + printable(a.title) + " (" + printable(a.host) + ")";
}

inline constexpr std::size_t kMaxNtfyText =
    3900;  // ntfy takes 4096 bytes, and makes a file of more or refuses it
inline constexpr std::size_t kMaxSlackText = 7000;  // Slack takes 40,000 characters; "&" becomes five of them

struct HttpForm {
    std::string body;
    std::vector<std::string> headers;
};

/// The body and headers of a POST. https://docs.ntfy.sh/publish/, https://api.slack.com/messaging/webhooks
inline HttpForm http_form(const Alert& a, ChannelKind kind) {
    if (kind == ChannelKind::slack) {
        std::string text = "*" + alert_line(a) + "*\n" + last_text(printable_lines(a.text), kMaxSlackText);
        std::string safe;  // Slack reads <, > and & as its own
        for (const char c : text)
            safe += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
        return {dump_json({{"text", safe}}), {"Content-Type: application/json"}};
    }
    if (kind == ChannelKind::ntfy) {
        static const std::map<Severity, const char*> kPriority = {
            {Severity::ok, "3"}, {Severity::info, "2"}, {Severity::warning, "4"}, {Severity::critical, "5"}};
        return {last_text(printable_lines(a.text.empty() ? a.title : a.text), kMaxNtfyText),
                {"Content-Type: text/plain; charset=utf-8", "Title: " + alert_line(a),
                 std::string("Priority: ") + kPriority.at(a.severity),
                 std::string("Tags: holdfast,") + word_for(a.severity)}};
    }
    return {dump_json(alert_json(a)), {"Content-Type: application/json"}};
}

/// Does a receiver that answers so mean this very message, so that another one may pass? All else can be put right: the address,
/// the secret, the receiver.
inline bool refuses_alert(long status) {
    return status == 400 || status == 413 || status == 414 || status == 415 || status == 422 || status == 431;
}

/// "t=1700000000,v1=<hex>": HMAC-SHA-256 over "<t>.<body>". The time in it lets a receiver refuse what is replayed.
inline std::string sign_body(std::string_view secret, std::string_view body, SystemSeconds now) {
    const std::string t = std::to_string(now.time_since_epoch().count());
    return "t=" + t + ",v1=" + hmac_sha256(secret, t + "." + std::string(body)).hex();
}

/// A mail for sendmail -t.
inline std::string mail_form(const Alert& a, const std::string& to) {
    return "To: " + to + "\nSubject: " + cut_text(alert_line(a), 150) +
           "\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; "
           "charset=utf-8\nContent-Transfer-Encoding: "
           "8bit\nMessage-ID: <" +
           a.id + "@holdfast.invalid>\n\n" + printable_lines(a.text) + "\n\n" + format_utc(a.time) + ", " +
           a.key + (a.repeated == 0 ? "" : ", held back " + std::to_string(a.repeated) + " times before") +
           "\n";
}

}  // namespace holdfast
