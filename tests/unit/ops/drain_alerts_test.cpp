#include "holdfast/ops/drain_alerts.hpp"

#include <doctest/doctest.h>

#include "holdfast/ops/alert.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace std::chrono_literals;
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
    ops::AlertReport send(const std::string& key) const {
        Alert alert;
        alert.severity = Severity::critical;
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
