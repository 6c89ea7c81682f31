#include "holdfast/policy/cron_lint.hpp"

#include <doctest/doctest.h>

#include "holdfast/policy/cron_translate.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-21T12:00");

std::vector<ScheduleWarning> warnings(const char* expression, const char* zone = "UTC", bool is_named = true,
                                      const char* command = "") {
    return lint(parse_cron(expression), {TimeZone::find(zone), is_named, kNow, command});
}
/// The words of the warnings, joined.
std::string found(const char* expression, const char* zone = "UTC", bool is_named = true,
                  const char* command = "") {
    std::string out;
    for (const ScheduleWarning& w : warnings(expression, zone, is_named, command))
        out += (out.empty() ? "" : " ") + w.what;
    return out;
}

}  // namespace

TEST_CASE("cron_lint: plain schedules are clean") {
    for (const char* plain :
         {"0 2 * * *", "30 * * * *", "*/5 * * * *", "0 3 * * 0", "0 2 1-7 * *", "@monthly"})
        CHECK_MESSAGE(found(plain) == "", plain);
    CHECK(found("15 9-15 * * 1-5", "Asia/Kolkata") == "");
}

TEST_CASE("cron_lint: day of month with day of week is an alternative, also when the days are all days") {
    CHECK(found("0 2 1-7 * 0") == "day-or-weekday");
    CHECK(found("0 2 1-31 * 1") == "day-or-weekday");  // every day, though it looks like Mondays
    CHECK(found("0 2 1-31 * 0-6") == "");
    CHECK(found("0 2 */2 * 0") == "day-and-weekday");
}

TEST_CASE("cron_lint: a % that ends the command is found, an escaped one is not") {
    CHECK(found("0 2 * * *", "UTC", true, "tar cf $(date +%F).tar .") == "percent");
    CHECK(found("0 2 * * *", "UTC", true, "tar cf $(date +\\%F).tar .") == "");
    CHECK(found("0 2 * * *", "UTC", true, "date +\\\\%F") ==
          "percent");  // the backslash is escaped, not the %
}

TEST_CASE("cron_lint: clock changes of the next two years are told by date, with what cron does") {
    const auto fixed = warnings("30 2 * * *", "Europe/Berlin");
    REQUIRE(fixed.size() == 2);
    CHECK(fixed[0].message ==
          "in Europe/Berlin that time does not exist on 2027-03-28, 2028-03-26: cron runs it "
          "right after the gap");
    CHECK(fixed[1].message ==
          "in Europe/Berlin that time comes twice on 2027-10-31, 2028-10-29: cron runs it the "
          "first time only");
    const auto wild = warnings("*/15 2 * * *", "Europe/Berlin");
    REQUIRE(wild.size() == 2);
    CHECK(contains(wild[0].message, "cron leaves it out"));
    CHECK(contains(wild[1].message, "cron runs it both times"));
}

TEST_CASE("cron_lint: clock changes that miss the schedule are not told") {
    CHECK(found("0 4 * * *", "Europe/Berlin") == "");
    CHECK(found("30 2 * * 1-5", "Europe/Berlin") == "");  // the clocks change on Sundays
    CHECK(found("0 * * * *", "Europe/Berlin") == "");
    CHECK(found("0 0 * * *", "America/Havana") == "gap repeat");
}

TEST_CASE("cron_lint: what never comes, or comes every four years, is told") {
    CHECK(found("30 2 30 2 *") == "never");
    CHECK(found("0 0 29 2 *") == "rare");
}

TEST_CASE("cron_lint: runs closer than five minutes are told, also over the hour") {
    CHECK(found("*/4 * * * *") == "often");
    CHECK(found("0,58 * * * *") == "often");
    CHECK(found("0,58 2 * * *") == "");
}

TEST_CASE("cron_lint: a zone that is not named is told unless the host is on UTC") {
    CHECK(found("0 4 * * *", "Europe/Berlin", false) == "zone");
    CHECK(found("0 4 * * *", "Etc/UTC", false) == "");
    CHECK(found("0 4 * * *", "Europe/Berlin", true) == "");
}

TEST_CASE("cron_translate: systemd's words for a schedule, with both lines when either day suffices") {
    using Lines = std::vector<std::string>;
    const auto lines = [](const char* text) { return calendar_lines(parse_cron(text), "UTC"); };
    CHECK(lines("15 9-15 * * 1-5") == Lines{"Mon..Fri *-*-* 09..15:15:00 UTC"});
    CHECK(lines("*/15 * * * *") == Lines{"*-*-* *:00,15,30,45:00 UTC"});
    CHECK(lines("0 3 * * 0,1") == Lines{"Mon,Sun *-*-* 03:00:00 UTC"});
    CHECK(lines("30 6 1 */3 *") == Lines{"*-01,04,07,10-01 06:30:00 UTC"});
    CHECK(lines("0 2 1-7 * 0") == Lines{"*-*-01..07 02:00:00 UTC", "Sun *-*-* 02:00:00 UTC"});
    CHECK(lines("0 2 */2 * 0").front().starts_with("Sun *-*-01,03,"));
    CHECK(lines("0 2 1-31 * 1") == Lines{"*-*-* 02:00:00 UTC"});
}

TEST_CASE("cron_translate: minutes to wake at are those of every zone a quarter of an hour apart") {
    CHECK(wake_expression(parse_cron("15 9-15 * * 1-5")) == "0,15,30,45 * * * *");
    CHECK(wake_expression(parse_cron("7 2 * * *")) == "7,22,37,52 * * * *");
    CHECK(wake_expression(parse_cron("* 2 * * *")) == "* * * * *");
}
