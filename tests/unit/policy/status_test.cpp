#include "holdfast/policy/status.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;
using std::chrono::days;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");  // a Friday

Component component(const std::string& source, std::uint64_t bytes, std::optional<std::uint64_t> stored) {
    Component c;
    c.name = c.source = source;
    c.kind = "tree";
    c.bytes = bytes;
    c.new_bytes = bytes / 2;
    c.new_stored_bytes = stored;
    return c;
}
Manifest manifest(std::chrono::seconds age,
                  std::vector<Component> components = {component("lake", 100, 10)}) {
    Manifest m;
    m.started = m.finished = kNow - age;
    m.id = format_time(m.started, "%Y%m%dT%H%M%SZ-") + "abcdef";
    m.type = "full";
    m.components = std::move(components);
    m.stored_bytes = 7;
    return m;
}

}  // namespace

TEST_CASE(
    "status: a source's trend adds up its components, oldest first, and ends with the newest snapshot") {
    const auto trends = source_trends(
        {manifest(1h, {component("lake", 300, 30), component("lake", 200, std::nullopt)}), manifest(25h)},
        {"lake", "new"});
    REQUIRE(trends.size() == 2);
    CHECK(trends[0].name == "lake");
    REQUIRE(trends[0].points.size() == 2);
    CHECK(trends[0].points[0].bytes == 100);
    CHECK(trends[0].points[1].bytes == 500);
    CHECK(trends[0].points[1].added == 130);  // the old form has no stored size: half of 200 is new
    CHECK(trends[1].name == "new");
    CHECK(trends[1].points.empty());
}

TEST_CASE("status: sources that nobody configures any more come last, and are called so") {
    const auto trends = source_trends({manifest(1h, {component("a", 1, 1), component("z", 1, 1)})}, {"z"});
    REQUIRE(trends.size() == 2);
    CHECK(trends[0].name == "z");
    CHECK(trends[0].is_configured);
    CHECK_FALSE(trends[1].is_configured);
    CHECK(source_trends({manifest(1h)}, {})[0].is_configured);  // without a configuration none is foreign
}

TEST_CASE("status: a trend has so many points and no more, and a repository of many sources is cut too") {
    std::vector<Manifest> many;
    for (int i = 0; i < 100; ++i) many.push_back(manifest(1h * i));
    const auto trends = source_trends(many, {"lake"});
    CHECK(trends[0].snapshots == 100);
    CHECK(trends[0].points.size() == kTrendPoints);
    CHECK(trends[0].points.back().at == kNow);
    std::vector<Component> components;
    for (int i = 0; i < 500; ++i) components.push_back(component("s" + std::to_string(i), 1, 1));
    CHECK(source_trends({manifest(1h, components)}, {}).size() == kMostTrends);
}

TEST_CASE("status: the year is 53 weeks that begin on a Monday and end today") {
    const auto year = status_days({}, {}, kNow);
    CHECK(year.size() == 52 * 7 + 5);
    CHECK(std::chrono::weekday{year.front().day} == std::chrono::Monday);
    CHECK(year.back().day == std::chrono::floor<days>(kNow));
    CHECK(status_days({}, {}, kNow + days{2}).size() == 53 * 7);  // a Sunday is the last of its week
    CHECK(status_days({}, {}, kNow + days{3}).size() == 52 * 7 + 1);
}

TEST_CASE(
    "status: a day is as bad as its worst snapshot; the future and what is too old are not in the year") {
    Manifest partial = manifest(24h), damaged = manifest(48h);
    partial.missing.push_back({"x", "/x", "gone"});
    const auto year = status_days({manifest(-24h), manifest(0h), manifest(1h), manifest(23h), partial,
                                   manifest(47h), damaged, manifest(days{400})},
                                  {damaged.id}, kNow);
    const auto at = [&](std::size_t ago) { return year.at(year.size() - 1 - ago); };
    CHECK(at(0).snapshots == 2);
    CHECK(at(0).stored_bytes == 14);
    CHECK(at(0).state == DayState::good);
    CHECK(at(1).snapshots == 2);
    CHECK(at(1).state == DayState::incomplete);
    CHECK(at(2).state == DayState::damaged);
    CHECK(at(3).state == DayState::empty);
    std::uint64_t all = 0;
    for (const StatusDay& day : year) all += day.snapshots;
    CHECK(all == 6);
}

TEST_CASE("status: days of verification count good, deep and damaged snapshots") {
    std::map<std::chrono::sys_days, VerifiedDay> by_day;
    note_verified(by_day, kNow, true, true);
    note_verified(by_day, kNow + 1h, true, false);
    note_verified(by_day, kNow + 2h, false, true);
    note_verified(by_day, kNow + days{1}, true, false);
    REQUIRE(by_day.size() == 2);
    CHECK(by_day.begin()->second.good == 2);
    CHECK(by_day.begin()->second.deep == 1);
    CHECK(by_day.begin()->second.damaged == 1);
}

TEST_CASE(
    "status: kept snapshots are counted by the rule that holds them longest, in the order of the rules") {
    const auto counts = kept_by_rule({{"1", true, "last, daily, weekly"},
                                      {"2", true, "daily"},
                                      {"3", true, "daily"},
                                      {"4", true, "newest of my-daily-db"},
                                      {"5", false, "no rule keeps it"}});
    CHECK(counts ==
          std::vector<std::pair<std::string, std::uint64_t>>{{"daily", 2}, {"weekly", 1}, {"other", 1}});
}
