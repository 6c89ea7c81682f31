#include "holdfast/policy/cron_runs.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "holdfast/policy/cron_translate.hpp"

using namespace holdfast;
using std::chrono::minutes;

namespace {

SystemMinutes at(const char* utc) { return std::chrono::floor<minutes>(*parse_utc(utc)); }

std::vector<std::string> runs(const char* expression, const char* zone, const char* after, std::size_t n) {
    std::vector<std::string> out;
    for (const SystemMinutes t :
         next_runs(parse_cron(expression), TimeZone::find(zone), *parse_utc(after), n))
        out.push_back(format_time(t, "%Y-%m-%dT%H:%M"));
    return out;
}
using Times = std::vector<std::string>;

/// A random field and the values it stands for, made without the parser.
struct Field {
    std::string text;
    std::set<int> values;
    bool star() const { return text.starts_with('*'); }
};
Field random_field(std::mt19937& random, int low, int high) {
    const auto pick = [&](int a, int b) { return std::uniform_int_distribution<int>(a, b)(random); };
    const auto put = [](Field& f, int a, int b, int step) {
        for (int i = a; i <= b; i += step) f.values.insert(i);
    };
    Field f;
    const int form = pick(0, 5);
    if (form <= 1) {
        f.text = "*";
        put(f, low, high, 1);
    } else if (form == 2) {
        const int step = pick(1, high - low);
        f.text = "*/" + std::to_string(step);
        put(f, low, high, step);
    } else {
        for (int parts = pick(1, 3); parts > 0; --parts) {
            const int a = pick(low, high), b = pick(a, high);
            f.text += (f.text.empty() ? "" : ",") + std::to_string(a);
            if (b > a) f.text += "-" + std::to_string(b);
            put(f, a, b, 1);
        }
    }
    return f;
}

struct Line {
    Field minute, hour, day, month, weekday;
    std::string text() const {
        return minute.text + " " + hour.text + " " + day.text + " " + month.text + " " + weekday.text;
    }
    bool is_wildcard() const { return minute.star() || hour.star(); }
    bool matches(const std::tm& t) const {
        const bool d = day.values.contains(t.tm_mday);
        const bool w = weekday.values.contains(t.tm_wday) || (t.tm_wday == 0 && weekday.values.contains(7));
        return minute.values.contains(t.tm_min) && hour.values.contains(t.tm_hour) &&
               month.values.contains(t.tm_mon + 1) && (day.star() || weekday.star() ? d && w : d || w);
    }
};
Line random_line(std::mt19937& random) {
    return {random_field(random, 0, 59), random_field(random, 0, 23), random_field(random, 1, 31),
            random_field(random, 1, 12), random_field(random, 0, 7)};
}

/// The clock of a zone, minute by minute, in minutes of local time since 1970.
std::vector<std::int64_t> local_clock(const TimeZone& zone, SystemMinutes from, SystemMinutes to) {
    std::vector<std::int64_t> out;
    for (SystemMinutes t = from; t < to; t += minutes{1})
        out.push_back((t.time_since_epoch() + std::chrono::floor<minutes>(zone.offset(t))).count());
    return out;
}

/// What Debian's cron does, told as its main loop does it: one step a minute, with a virtual clock.
std::set<SystemMinutes> simulate(const Line& line, const std::vector<std::int64_t>& clock,
                                 SystemMinutes from) {
    std::set<SystemMinutes> out;
    std::int64_t virtual_time = clock.front();
    for (std::size_t i = 1; i < clock.size(); ++i) {
        const std::int64_t now = clock[i], behind = now - virtual_time;
        const auto run = [&](std::int64_t local, bool wild, bool fixed) {
            const std::time_t seconds = local * 60;
            std::tm parts{};
            ::gmtime_r(&seconds, &parts);
            if ((line.is_wildcard() ? wild : fixed) && line.matches(parts))
                out.insert(from + minutes{static_cast<std::int64_t>(i)});
        };
        if (behind > 180 || behind <= -180) {
            virtual_time = now;
            run(now, true, true);
        } else if (behind > 5) {
            run(now, true, false);
            while (virtual_time < now) run(++virtual_time, false, true);
        } else if (behind > 0) {
            while (virtual_time < now) run(++virtual_time, true, true);
        } else {
            run(now, true, false);
        }
    }
    return out;
}

struct Window {
    const char *zone, *from, *to;
};

}  // namespace

TEST_CASE("cron_runs: the next run is strictly later, also from within its minute") {
    CHECK(runs("0 2 * * *", "UTC", "2026-11-20T02:00", 1) == Times{"2026-11-21T02:00"});
    CHECK(runs("0 2 * * *", "UTC", "2026-11-20T01:59:59", 1) == Times{"2026-11-20T02:00"});
    CHECK(runs("0 2 * * *", "UTC", "2026-11-20T02:00:30", 1) == Times{"2026-11-21T02:00"});
}

TEST_CASE("cron_runs: a zone's own hours and days count") {
    CHECK(runs("15 9-15 * * 1-5", "Asia/Kolkata", "2026-11-20T08:00", 3) ==
          Times{"2026-11-20T08:45", "2026-11-20T09:45", "2026-11-23T03:45"});
    CHECK(runs("0 0 1 * *", "Pacific/Auckland", "2026-11-20", 1) == Times{"2026-11-30T11:00"});
}

TEST_CASE("cron_runs: a fixed time in the gap of spring runs right after it, a wildcard one does not run") {
    CHECK(runs("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00", 2) ==
          Times{"2027-03-28T01:00", "2027-03-29T00:30"});
    CHECK(runs("*/30 2 * * *", "Europe/Berlin", "2027-03-27T12:00", 1) == Times{"2027-03-29T00:00"});
    CHECK(runs("0 * * * *", "Europe/Berlin", "2027-03-28T00:00", 2) ==
          Times{"2027-03-28T01:00", "2027-03-28T02:00"});
}

TEST_CASE("cron_runs: in the hour that repeats in autumn a fixed time runs once, a wildcard one twice") {
    CHECK(runs("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00", 2) ==
          Times{"2027-10-31T00:30", "2027-11-01T01:30"});
    CHECK(runs("30 */2 * * *", "Europe/Berlin", "2027-10-30T23:00", 3) ==
          Times{"2027-10-31T00:30", "2027-10-31T01:30", "2027-10-31T03:30"});
}

TEST_CASE("cron_runs: 29 February is found from afar, 30 February never") {
    CHECK(runs("0 0 29 2 *", "UTC", "2096-03-01", 1) == Times{"2104-02-29T00:00"});
    CHECK(runs("0 0 30 2 *", "Europe/Berlin", "2026-11-20", 1) == Times{});
    CHECK(runs("0 0 31 4,6,9,11 *", "UTC", "2026-11-20", 1) == Times{});
    CHECK(runs("0 0 30 2 1", "UTC", "2026-11-20", 1) ==
          Times{"2027-02-01T00:00"});  // every Monday of February
}

TEST_CASE("cron_runs: agrees with cron's own loop, minute by minute, whatever the clocks do") {
    std::mt19937 random(20261121);
    std::size_t total = 0;
    for (const Window& w :
         {Window{"UTC", "2026-11-01", "2027-03-15"}, Window{"Europe/Berlin", "2027-02-01", "2027-04-15"},
          Window{"Europe/Berlin", "2027-10-01", "2027-12-01"},
          Window{"America/New_York", "2027-03-01", "2027-04-01"},
          Window{"Australia/Lord_Howe", "2027-03-20", "2027-04-20"},  // half an hour
          Window{"Antarctica/Troll", "2027-03-01", "2027-04-10"},     // two hours
          Window{"Antarctica/Troll", "2027-10-10", "2027-11-10"},
          Window{"America/Havana", "2027-03-01", "2027-04-01"},   // at midnight
          Window{"Pacific/Apia", "2011-12-20", "2012-01-10"}}) {  // a day left out
        const TimeZone zone = TimeZone::find(w.zone);
        const SystemMinutes from = at(w.from), to = at(w.to);
        const auto clock = local_clock(zone, from, to);
        for (int i = 0; i < 40; ++i) {
            const Line line = random_line(random);
            CAPTURE(w.zone);
            CAPTURE(line.text());
            const std::set<SystemMinutes> expected = simulate(line, clock, from);
            const CronSchedule schedule = parse_cron(line.text());
            std::set<SystemMinutes> found;
            for (auto t = next_run(schedule, zone, from); t && *t < to; t = next_run(schedule, zone, *t)) {
                REQUIRE((found.empty() || *t > *found.rbegin()));
                found.insert(*t);
            }
            REQUIRE(found == expected);
            total += found.size();
        }
    }
    CHECK(total > 10000);
}

TEST_CASE("cron_runs: asked at its wake minutes, is_due says yes once for each run") {
    std::mt19937 random(7);
    for (const Window& w : {Window{"Asia/Kolkata", "2026-11-01", "2026-11-15"},
                            Window{"Europe/Berlin", "2027-03-24", "2027-04-01"},
                            Window{"Australia/Lord_Howe", "2027-04-01", "2027-04-08"}}) {
        const TimeZone zone = TimeZone::find(w.zone), utc = TimeZone::find("UTC");
        for (int i = 0; i < 25; ++i) {
            const Line line = random_line(random);
            CAPTURE(w.zone);
            CAPTURE(line.text());
            const CronSchedule schedule = parse_cron(line.text());
            const CronSchedule wake = parse_cron(wake_expression(schedule));
            std::set<SystemMinutes> due, expected;
            for (auto t = next_run(wake, utc, at(w.from)); *t < at(w.to); t = next_run(wake, utc, *t))
                if (is_due(schedule, zone, *t + std::chrono::seconds{20})) due.insert(*t);
            for (auto t = next_run(schedule, zone, at(w.from)); t && *t < at(w.to);
                 t = next_run(schedule, zone, *t))
                expected.insert(*next_run(wake, utc, *t - minutes{1}));
            expected.erase(at(w.to));
            REQUIRE(due == expected);
        }
    }
}

TEST_CASE("cron_runs: zones with the same clock are the same, whatever their names") {
    const SystemSeconds now = *parse_utc("2026-11-20");
    CHECK(same_clock(TimeZone::find("UTC"), TimeZone::find("Etc/UTC"), now));
    CHECK(same_clock(TimeZone::find("Asia/Kolkata"), TimeZone::find("Asia/Calcutta"), now));
    CHECK_FALSE(
        same_clock(TimeZone::find("Europe/London"), TimeZone::find("UTC"), now));  // the same in winter
}
