#include "holdfast/policy/alert.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");

Alert alert(Severity severity, std::chrono::seconds later = 0s) {
    Alert a;
    a.id = "1";
    a.severity = severity;
    a.time = kNow + later;
    a.key = a.title = "disk";
    a.host = "h";
    return a;
}

}  // namespace

TEST_CASE("alert: the worst that was told is known until all is well, whatever was told after it") {
    std::optional<AlertMemory> memory;
    CHECK(damp(alert(Severity::critical), memory, 1h) == Damping::send);
    CHECK(damp(alert(Severity::warning, 60s), memory, 1h) == Damping::send);
    CHECK(damp(alert(Severity::warning, 120s), memory, 1h) == Damping::hold_back);
    REQUIRE(memory);
    CHECK(memory->severity == Severity::warning);
    CHECK(memory->worst == Severity::critical);
    CHECK(damp(alert(Severity::ok, 180s), memory, 1h) == Damping::send);
    CHECK_FALSE(memory);
    CHECK(damp(alert(Severity::warning, 240s), memory, 1h) == Damping::send);
    CHECK(memory->worst == Severity::warning);
}

TEST_CASE("alert: text is cut between characters, and one bad byte costs only itself") {
    const std::string bad = "\xff" + std::string(300, 'x');
    CHECK(cut_text(bad, 200) == "\xff" + std::string(195, 'x') + " ...");
    CHECK(last_text(bad, 200) == "... " + std::string(196, 'x'));
    const std::string euros = [] {
        std::string out;
        for (int i = 0; i < 100; ++i) out += "\u20ac";
        return out;
    }();
    for (std::size_t most = 10; most < 20; ++most) {
        CHECK(is_utf8(cut_text(euros, most)));
        CHECK(is_utf8(last_text(euros, most)));
        CHECK(cut_text(euros, most).size() > most - 4);
        CHECK(last_text(euros, most).size() > most - 4);
        CHECK(last_text(euros, most).size() <= most);
    }
    CHECK(cut_text("short", 10) == "short");
    CHECK(last_text("short", 10) == "short");
}

TEST_CASE("alert: a bad byte does not take the lines of a text away, in any form") {
    Alert a = alert(Severity::critical);
    a.text = "one\n\ttwo \xff\nthree\x1b[31m";
    const std::string clean = "one\n\ttwo \\xff\nthree\\x1b[31m";
    CHECK(alert_json(a)["text"] == clean);
    CHECK(http_form(a, ChannelKind::ntfy).body == clean);
    CHECK(contains(mail_form(a, "ops@example.com"), "\n\n" + clean + "\n\n"));
    CHECK(contains(parse_json(http_form(a, ChannelKind::slack).body, "slack")["text"].get<std::string>(),
                   clean));
}

TEST_CASE("alert: what ntfy and Slack get is no longer than they take, and is the end of it") {
    Alert a = alert(Severity::critical);
    for (int i = 0; i < 8000; ++i) a.text += "\u00fc";
    a.text += "the error";
    const std::string body = http_form(a, ChannelKind::ntfy).body;
    CHECK(body.size() <= 3900);
    CHECK(is_utf8(body));
    CHECK(body.ends_with("\u00fcthe error"));
    a.text = std::string(16'000, '&') + "the error";
    CHECK(http_form(a, ChannelKind::slack).body.size() < 40'000);
    CHECK(contains(http_form(a, ChannelKind::slack).body, "the error"));
}

TEST_CASE(
    "alert: only what a receiver says of the very message is a refusal; address and secret can be put "
    "right") {
    for (const long status : {400, 413, 422}) CHECK(refuses_alert(status));
    for (const long status : {200, 301, 401, 403, 404, 408, 410, 429, 500, 503})
        CHECK_FALSE(refuses_alert(status));
}
