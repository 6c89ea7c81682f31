#include "holdfast/ops/drain_alerts.hpp"

#include <doctest/doctest.h>

#include "holdfast/ops/alert.hpp"
#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace std::chrono_literals;
using holdfast::testing::contains;
using holdfast::testing::TempDir;

namespace {

struct Channels {
    TempDir dir;
    ops::AlertOptions options;
    Channels() {
        options.spool = dir / "spool";
        options.tries = 1;
    }
    void add(const std::string& name, const std::string& command, std::chrono::seconds timeout = 30s) {
        ChannelConfig channel;
        channel.name = name;
        channel.kind = ChannelKind::command;
        channel.command = {command};
        channel.shell = true;
        channel.timeout = timeout;
        options.config.channels.push_back(channel);
    }
    ops::AlertReport send(const std::string& key, Severity severity = Severity::critical) const {
        Alert alert;
        alert.severity = severity;
        alert.time = now_utc();
        alert.key = alert.title = key;
        return ops::send_alert(alert, options);
    }
};

}  // namespace

TEST_CASE("drain_alerts: a channel that hangs takes no time from the others, nor more than all may take") {
    Channels c;
    c.options.time_limit = 2s;
    c.add("slow", "sleep 20");
    c.add("quick", "true");
    const auto begin = std::chrono::steady_clock::now();
    const ops::AlertReport report = c.send("disk");
    CHECK(std::chrono::steady_clock::now() - begin < 8s);
    REQUIRE(report.channels.size() == 2);
    CHECK(report.channels[0].waiting == 1);
    CHECK(report.channels[1].delivered == 1);
}

TEST_CASE(
    "drain_alerts: what waits is delivered by the next call, also by one whose own alert is held back") {
    Channels c;
    c.add("ops", "false");
    CHECK(c.send("disk").channels.at(0).waiting == 1);
    c.options.config.channels.at(0).command = {"true"};
    const ops::AlertReport report = c.send("disk");
    CHECK(report.is_held_back);
    CHECK(report.channels.at(0).delivered == 1);
    CHECK(report.all_delivered());
}

TEST_CASE(
    "alert: what cannot be kept is tried once, and is lost only if its receiver does not take it either") {
    Channels c;
    c.add("ops", "printf x >>" + (c.dir / "taken").string());
    c.dir.write("spool", "not a folder");
    const ops::AlertReport report = c.send("disk");
    CHECK(c.dir.read("taken") == "x");
    CHECK_FALSE(report.is_lost());
    CHECK(report.all_delivered());
    CHECK(report.kept == 1);
    CHECK(contains(report.channels.at(0).not_kept, "spool"));
    c.options.config.channels.at(0).command = {"false"};
    const ops::AlertReport lost = c.send("disk");
    CHECK(lost.is_lost());
    CHECK(lost.kept == 0);
    CHECK_FALSE(lost.all_delivered());
}

TEST_CASE("alert: one channel whose buffer is full takes neither damping nor the recovery from the others") {
    Channels c;
    c.options.config.max_buffered = 1;
    c.add("dead", "false");
    c.add("good", "printf \"$HOLDFAST_SEVERITY \" >>" + (c.dir / "taken").string());
    c.send("one");
    CHECK(c.send("two").is_lost());
    CHECK(c.send("two").is_held_back);
    c.send("two", Severity::ok);
    CHECK(c.dir.read("taken") == "critical critical ok ");
}

TEST_CASE(
    "alert: a full buffer whose receiver is back takes nothing from it, and remembers what it was told") {
    Channels c;
    c.options.config.max_buffered = 1;
    c.add("ops", "false");
    c.send("one");
    c.options.config.channels.at(0).command = {"true"};
    const ops::AlertReport report = c.send("two");
    CHECK(report.channels.at(0).delivered == 2);
    CHECK(report.all_delivered());
    CHECK(c.send("two").is_held_back);
}

TEST_CASE("alert_damping: keys that never became well are forgotten by age, not all at once") {
    TempDir dir;
    const std::string name(400'000, 'k');
    const SystemSeconds first{std::chrono::seconds{1'800'000'000}};
    for (int i = 0; i < 4; ++i)
        ops::AlertDamping(dir.path())
            .keep(std::to_string(i) + name,
                  AlertMemory{Severity::critical, first + std::chrono::hours{i}, 0, {}});
    const ops::AlertDamping after(dir.path());
    CHECK_FALSE(after.find("0" + name));
    CHECK(after.find("2" + name));
    CHECK(after.find("3" + name));
}
