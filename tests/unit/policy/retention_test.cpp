#include "holdfast/policy/retention.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace holdfast;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

const TimeZone kUtc = TimeZone::find("UTC");
const SystemSeconds kStart = *parse_utc("2020-01-01T02:00");

SnapshotFacts snapshot(std::uint64_t number, SystemSeconds time, std::set<std::string> sources = {"trades"}) {
    SnapshotFacts s;
    s.number = number;
    s.id = format_time(time, "%Y%m%dT%H%M%SZ-") + std::to_string(number);
    s.time = time;
    s.type = "full";
    s.whole = s.sources = std::move(sources);
    s.is_verified = true;
    return s;
}
/// `count` daily ones, numbered from 1.
std::vector<SnapshotFacts> daily(std::uint64_t count, SystemSeconds from = kStart) {
    std::vector<SnapshotFacts> all;
    for (std::uint64_t i = 0; i < count; ++i) all.push_back(snapshot(i + 1, from + days{i}));
    return all;
}
RetentionConfig policy(std::initializer_list<std::pair<Period, KeepRule>> rules, std::uint64_t min_keep = 1) {
    RetentionConfig config;
    for (const auto& [period, rule] : rules) config.keep[static_cast<std::size_t>(period)] = rule;
    config.min_keep = min_keep;
    return config;
}
KeepRule count(std::uint64_t n) { return {n, {}}; }
KeepRule age(std::chrono::seconds s) { return {0, s}; }

/// Suspect, or found damaged.
void spoil(SnapshotFacts& s) {
    s.is_good = s.is_verified = false;
    s.whole.clear();
}

std::map<std::string, std::string> kept(const std::vector<SnapshotFacts>& all, const RetentionConfig& config,
                                        SystemSeconds now, const TimeZone& zone = kUtc) {
    std::map<std::string, std::string> out;
    for (const Verdict& v : judge(all, config, zone, now, {"trades", "lake"}))
        if (v.keep) out[v.id] = v.reason;
    return out;
}
bool keeps(const std::map<std::string, std::string>& kept, const SnapshotFacts& s) {
    return kept.contains(s.id);
}

}  // namespace

TEST_CASE("retention: keep_daily = 7 keeps the last snapshot of each of the newest seven days") {
    std::vector<SnapshotFacts> all;
    for (std::uint64_t i = 0; i < 40; ++i)
        all.push_back(snapshot(i + 1, kStart + hours{6 * i}));  // 02 08 14 20
    const auto left = kept(all, policy({{Period::day, count(7)}}), all.back().time);
    REQUIRE(left.size() == 7);
    for (std::uint64_t day = 3; day < 10; ++day) CHECK(keeps(left, all[day * 4 + 3]));
}

TEST_CASE("retention: keep_daily = \"30d\" keeps what is up to thirty days old, to the second") {
    const auto all = daily(40);
    const auto left = kept(all, policy({{Period::day, age(days{30})}}), all.back().time);
    CHECK(left.size() == 31);
    CHECK(keeps(left, all[9]));
    CHECK_FALSE(keeps(left, all[8]));
    CHECK(
        kept(all, policy({{Period::day, age(days{30} - std::chrono::seconds{1})}}), all.back().time).size() ==
        30);
}

TEST_CASE("retention: three tiers hold the days of a month, the Sundays of a year and every month's end") {
    const auto all = daily(3 * 365);
    const auto left = kept(
        all,
        policy(
            {{Period::day, age(days{30})}, {Period::week, age(days{365})}, {Period::month, age(kForever)}}),
        all.back().time);
    std::size_t sundays = 0, months = 0;
    for (const SnapshotFacts& s : all) {
        if (!keeps(left, s)) continue;
        const std::chrono::sys_days day = std::chrono::floor<days>(s.time);
        sundays += std::chrono::weekday{day} == std::chrono::Sunday ? 1 : 0;
        months += left.at(s.id).find("monthly") != std::string::npos ? 1 : 0;
    }
    CHECK(sundays >= 52);
    CHECK(months == 36);
    CHECK(left.size() < 31 + 53 + 36);
}

TEST_CASE("retention: weeks are those of ISO 8601, Monday to Sunday, across a year's end") {
    std::vector<SnapshotFacts> all;  // Sunday, Monday … Sunday, Monday
    for (const char* day : {"2023-12-31", "2024-01-01", "2024-01-03", "2024-01-07", "2024-01-08"})
        all.push_back(snapshot(all.size() + 1, *parse_utc(day)));
    const auto left = kept(all, policy({{Period::week, count(10)}}), all.back().time);
    CHECK(left.size() == 3);
    CHECK(keeps(left, all[0]));
    CHECK(keeps(left, all[3]));
    CHECK(keeps(left, all[4]));
}

TEST_CASE("retention: days are those of the zone, on both sides of a change of the clock") {
    const TimeZone berlin = TimeZone::find("Europe/Berlin");
    // 29 March 2026 has 23 hours in Berlin: 22:30Z is half past midnight of the 30th, an hour before it was the 29th.
    const std::vector<SnapshotFacts> all = {
        snapshot(1, *parse_utc("2026-03-28T22:30")), snapshot(2, *parse_utc("2026-03-28T23:30")),
        snapshot(3, *parse_utc("2026-03-29T21:30")), snapshot(4, *parse_utc("2026-03-29T22:30"))};
    const auto left = kept(all, policy({{Period::day, count(9)}}), all.back().time, berlin);
    CHECK(left.size() == 3);
    CHECK_FALSE(keeps(left, all[1]));
    CHECK(kept(all, policy({{Period::day, count(9)}}), all.back().time).size() == 2);
}

TEST_CASE("retention: the hour that a clock shows twice counts as two") {
    const TimeZone berlin = TimeZone::find("Europe/Berlin");
    const std::vector<SnapshotFacts> all = {snapshot(1, *parse_utc("2026-10-25T00:30")),  // 02:30 summer time
                                            snapshot(2, *parse_utc("2026-10-25T01:30"))};  // 02:30 again
    CHECK(kept(all, policy({{Period::hour, count(9)}}), all.back().time, berlin).size() == 2);
}

TEST_CASE("retention: a type with a rule of its own leaves the calendar") {
    RetentionConfig config = policy({{Period::day, age(days{30})}});
    config.types["hourly"] = age(hours{24});
    auto all = daily(10);
    for (std::uint64_t i = 0; i < 48; ++i) {
        all.push_back(snapshot(100 + i, all[9].time - hours{47 - i} + minutes{1}));
        all.back().type = "hourly";
    }
    const auto left = kept(all, config, all.back().time);
    CHECK(left.size() == 10 + 25);
    CHECK(left.at(all.back().id) == "hourly, newest");
}

TEST_CASE("retention: partial and suspect snapshots never take a good one's place") {
    auto all = daily(10);
    for (std::size_t i = 5; i < 10; ++i) spoil(all[i]);
    const auto left = kept(all, policy({{Period::last, count(2)}}), all.back().time);
    CHECK(keeps(left, all[4]));  // the two newest good ones
    CHECK(keeps(left, all[3]));
    CHECK(keeps(left, all[9]));  // and the two newest of the others
    CHECK(left.size() == 4);
}

TEST_CASE("retention: when backups stop, nothing ages out") {
    const auto all = daily(40);
    const RetentionConfig config = policy({{Period::day, age(days{30})}});
    CHECK(kept(all, config, all.back().time + days{400}) == kept(all, config, all.back().time));
}

TEST_CASE("retention: a source whose own backups stopped keeps its snapshots while others go on") {
    std::vector<SnapshotFacts> all;
    for (std::uint64_t i = 0; i < 40; ++i)
        all.push_back(snapshot(i + 1, kStart + days{i}, {"trades", "lake"}));
    const std::size_t together = kept(all, policy({{Period::day, age(days{30})}}), all.back().time).size();
    for (std::uint64_t i = 40; i < 140; ++i) all.push_back(snapshot(i + 1, kStart + days{i}, {"trades"}));
    const RetentionConfig config = policy({{Period::day, age(days{30})}});
    CHECK(kept(all, config, all.back().time).size() == together + 31);
    // A source that is no longer configured holds nothing back: the newest that has it is enough.
    std::size_t old = 0;
    for (const Verdict& v : judge(all, config, kUtc, all.back().time, {"trades"}))
        old += v.keep && v.id <= all[39].id ? 1 : 0;
    CHECK(old == 1);
}

TEST_CASE(
    "retention: the floor keeps min_keep verified snapshots of every source, and unverified ones where they "
    "lack") {
    auto all = daily(10);
    for (SnapshotFacts& s : all) s.is_verified = s.number <= 2 || s.number == 5;
    const auto left = kept(all, policy({{Period::last, count(1)}}, 3), all.back().time);
    CHECK(left.size() == 4);
    CHECK(keeps(left, all[4]));
    CHECK(left.at(all[0].id) == "floor: one of the last 3 verified of trades");
    const auto more = kept(all, policy({{Period::last, count(1)}}, 5), all.back().time);
    CHECK(more.size() == 5);
    CHECK(keeps(more, all[8]));
}

TEST_CASE(
    "retention: damage that is found later does not lower the floor, but what is damaged may be given up") {
    auto all = daily(6);
    const RetentionConfig config = policy({{Period::month, count(1)}}, 3);
    CHECK(kept(all, config, all.back().time).size() == 3);
    for (SnapshotFacts& s : all) spoil(s);
    CHECK(kept(all, config, all.back().time).size() == 3);
    all[2] = daily(6)[2];  // the one good snapshot, and the newest of the others
    const auto left = kept(all, config, all.back().time);
    CHECK(left.size() == 3);
    CHECK(left.at(all[2].id) == "monthly, newest of trades");
    for (std::size_t i = 3; i < 6; ++i) all[i].is_unwanted = true;
    const auto rest = kept(all, config, all.back().time);
    CHECK(rest.size() == 4);  // the newest never goes, and the floor takes older ones
    CHECK_FALSE(keeps(rest, all[3]));
    CHECK_FALSE(keeps(rest, all[4]));
}

TEST_CASE("retention: a source that fails every night does not lower the floor of those beside it") {
    std::vector<SnapshotFacts> all;
    for (std::uint64_t i = 0; i < 20; ++i) {
        all.push_back(snapshot(i + 1, kStart + days{i}, {"trades", "broken"}));
        all.back().whole = {"trades"};
        all.back().is_good = false;
    }
    const RetentionConfig config = policy({{Period::last, age(days{5})}}, 3);
    CHECK(kept(all, config, all.back().time).size() == 6);
    CHECK(kept(all, config, all.back().time + days{300}).size() == 6);
    CHECK(kept(all, policy({{Period::last, count(1)}}, 3), all.back().time).size() == 3);
}

TEST_CASE("retention: a list of sources that is empty switches no protection off") {
    const auto all = daily(20);
    const RetentionConfig config = policy({{Period::last, age(days{7})}}, 3);
    std::size_t left = 0;
    for (const Verdict& v : judge(all, config, kUtc, all.back().time + days{200}, {})) left += v.keep ? 1 : 0;
    CHECK(left == 8);
}

TEST_CASE(
    "retention: a clock that jumps ahead for a night ages nothing out, and time goes on after the second "
    "snapshot") {
    auto all = daily(20);
    const RetentionConfig config = policy({{Period::last, age(days{7})}}, 1);
    const auto before = kept(all, config, all.back().time);
    all.push_back(snapshot(21, all.back().time + days{3650}));
    for (const auto& [id, reason] : before) CHECK(kept(all, config, all.back().time).contains(id));
    CHECK(trusted_now(all, all.back().time) == all[19].time + kQuietTime);
    all.push_back(snapshot(22, all.back().time + days{1}));
    CHECK(kept(all, config, all.back().time).size() == 2);
    CHECK(trusted_now(all, all.back().time) == all.back().time);
}

TEST_CASE("retention: a snapshot from the future stays and pushes nothing out") {
    auto all = daily(10);
    const RetentionConfig config = policy({{Period::last, count(3)}});
    const auto before = kept(all, config, all.back().time);
    all.push_back(snapshot(11, all.back().time + days{3650}));
    auto after = kept(all, config, all[9].time);
    CHECK(after.at(all.back().id).find("from the future") != std::string::npos);
    after.erase(all.back().id);
    for (const auto& [id, reason] : before) CHECK(after.contains(id));
}

TEST_CASE("retention: a clock set back does not make newer snapshots old") {
    auto all = daily(10);
    for (std::uint64_t i = 0; i < 5; ++i) all.push_back(snapshot(11 + i, kStart - days{1000} + hours{i}));
    const auto left = kept(all, policy({{Period::last, count(5)}}), all.back().time);
    for (std::size_t i = 10; i < 15; ++i) CHECK(keeps(left, all[i]));
}

TEST_CASE("retention: a pin holds until its day and says why") {
    auto all = daily(10);
    all[0].pin = Pin{all.back().time + days{5}, "audit"};
    const RetentionConfig config = policy({{Period::last, count(1)}});
    CHECK(kept(all, config, all.back().time).at(all[0].id) == "pinned until 2020-01-15T02:00:00Z (audit)");
    CHECK_FALSE(keeps(kept(all, config, all.back().time + days{5}), all[0]));
}

TEST_CASE("retention: what somebody asks to remove goes, unless a floor needs it") {
    auto all = daily(5);
    for (SnapshotFacts& s : all) s.is_unwanted = s.number != 2;
    const auto left = kept(all, policy({{Period::day, age(kForever)}}, 2), all.back().time);
    CHECK(left.size() == 2);  // the newest never goes; the other is the one that nobody asked for
    CHECK(keeps(left, all[4]));
    CHECK(keeps(left, all[1]));
    auto mistaken = daily(5);
    mistaken.insert(mistaken.begin(), snapshot(0, kStart - days{1}, {"typo"}));
    mistaken[0].is_unwanted = true;
    CHECK_FALSE(
        keeps(kept(mistaken, policy({{Period::day, age(kForever)}}), mistaken.back().time), mistaken[0]));
}

namespace {

/// Ten years with gaps, several sources, bad snapshots, clocks that jump, pins: by seed.
std::vector<SnapshotFacts> synthetic_history(std::mt19937& random) {
    std::vector<SnapshotFacts> all;
    SystemSeconds clock = *parse_utc("2016-02-01T02:30");
    const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
    const std::set<std::string> groups[] = {{"trades"}, {"trades", "lake"}, {"lake"}};
    for (std::uint64_t number = 1; clock < *parse_utc("2026-03-01"); ++number) {
        clock += hours{chance(80) ? 24 : random() % 24} + minutes{random() % 10};
        if (chance(1)) clock += days{random() % 60};
        SystemSeconds told = clock;
        if (chance(1)) told += days{static_cast<int>(random() % 800) - 400};
        SnapshotFacts s = snapshot(number, told, groups[random() % 3]);
        const char* types[] = {"full", "hourly", "manual"};
        s.type = types[random() % 3];
        if (chance(10)) {
            s.is_good = false;
            s.whole.clear();
            if (chance(50)) s.whole = {*s.sources.begin()};
        }
        s.is_verified = chance(60);
        if (chance(2)) s.pin = Pin{told + days{random() % 2000}, ""};
        all.push_back(std::move(s));
    }
    return all;
}
RetentionConfig random_policy(std::mt19937& random) {
    RetentionConfig config;
    for (auto& rule : config.keep)
        if (random() % 2 == 0)
            rule = random() % 2 == 0 ? count(1 + random() % 20) : age(days{1 + random() % 900});
    config.min_keep = 1 + random() % 4;
    if (random() % 2 == 0) config.types["hourly"] = age(days{1 + random() % 20});
    return config;
}
std::vector<SnapshotFacts> apply_plan(std::vector<SnapshotFacts> all,
                                      const std::map<std::string, std::string>& kept) {
    std::erase_if(all, [&](const SnapshotFacts& s) { return !kept.contains(s.id); });
    return all;
}

}  // namespace

TEST_CASE("retention: its laws hold for ten years of disordered history under any policy") {
    std::mt19937 random(7);
    const TimeZone zones[] = {kUtc, TimeZone::find("Europe/Berlin"), TimeZone::find("Australia/Lord_Howe")};
    for (int round = 0; round < 60; ++round) {
        CAPTURE(round);
        const auto all = synthetic_history(random);
        const RetentionConfig config = random_policy(random);
        const TimeZone& zone = zones[static_cast<std::size_t>(round) % 3];
        const SystemSeconds now = all.back().time + days{static_cast<int>(random() % 100) - 20};
        const auto left = kept(all, config, now, zone);

        CHECK(keeps(left, all.back()));
        for (const std::string source : {"trades", "lake"}) {
            std::size_t verified = 0, verified_left = 0;
            bool is_newest_good = true;
            for (std::size_t i = all.size(); i-- > 0;) {
                const SnapshotFacts& s = all[i];
                if (!s.whole.contains(source) || s.time > now + kClockSlack) continue;
                if (std::exchange(is_newest_good, false)) CHECK(keeps(left, s));
                verified += s.is_verified ? 1 : 0;
                verified_left += s.is_verified && keeps(left, s) ? 1 : 0;
            }
            CHECK(verified_left >= std::min<std::size_t>(verified, config.min_keep));
        }
        const auto rest = apply_plan(all, left);
        CHECK(kept(rest, config, now, zone).size() == rest.size());  // twice changes nothing

        RetentionConfig longer = config;
        for (auto& rule : longer.keep) {
            if (!rule)
                rule = count(1 + random() % 5);
            else if (rule->count != 0)
                rule->count += random() % 5;
            else
                rule->age += days{random() % 100};
        }
        const auto with_longer = kept(all, longer, now, zone);
        for (const auto& [id, reason] : left) CHECK(with_longer.contains(id));
    }
}

TEST_CASE(
    "retention: the lasting rule of a reason is the coarsest that it names, and a source's name is none") {
    CHECK(lasting_rule("last, hourly, monthly") == "monthly");
    CHECK(lasting_rule("daily") == "daily");
    CHECK(lasting_rule("newest of yearly-report") == "other");
    CHECK(lasting_rule("floor: one of the last 3 verified of daily") == "other");
    CHECK(lasting_rule("") == "other");
}
