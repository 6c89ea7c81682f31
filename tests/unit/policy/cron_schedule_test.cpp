#include "holdfast/policy/cron_schedule.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;

namespace {

template <class Set>
std::string members(const Set& set) {
    std::string out;
    for (std::size_t i = 0; i < set.size(); ++i)
        if (set[i]) out += (out.empty() ? "" : " ") + std::to_string(i);
    return out;
}

std::string why_not(const char* text) {
    const Error e = catch_error([&] { parse_cron(text); });
    CHECK(e.kind() == Kind::usage);
    CHECK_FALSE(e.hint().empty());
    return e.what();
}

}  // namespace

TEST_CASE("cron_schedule: lists, ranges, steps and names mean what they mean to cron") {
    CHECK(members(parse_cron("1-5/2,7,*/20 * * * *").minutes) == "0 1 3 5 7 20 40");
    CHECK(members(parse_cron("0 9-17/4 * * *").hours) == "9 13 17");
    CHECK(members(parse_cron("0 0 1,15 * *").days) == "1 15");
    CHECK(members(parse_cron("0 0 * jan,MAR-May *").months) == "1 3 4 5");
    CHECK(members(parse_cron("0 0 * * Mon-fri").weekdays) == "1 2 3 4 5");
    CHECK(members(parse_cron("005 * * * *").minutes) == "5");
}

TEST_CASE("cron_schedule: Sunday is 0 as well as 7, also at the end of a range") {
    CHECK(members(parse_cron("0 0 * * 7").weekdays) == "0");
    CHECK(members(parse_cron("0 0 * * 5-7").weekdays) == "0 5 6");
    CHECK(members(parse_cron("0 0 * * 0-7").weekdays) == "0 1 2 3 4 5 6");
}

TEST_CASE("cron_schedule: words stand for five fields, and blanks do not matter") {
    CHECK(parse_cron("@daily").text == "0 0 * * *");
    CHECK(parse_cron(" @weekly ").text == "0 0 * * 0");
    CHECK(parse_cron("@hourly").is_wildcard());
    CHECK(parse_cron(" 0\t2  * * * ").text == "0 2 * * *");
}

TEST_CASE("cron_schedule: a field is a star by its first character, as in cron") {
    CHECK(parse_cron("*/15 2 * * *").is_wildcard());
    CHECK(parse_cron("0 */6 * * *").is_wildcard());
    CHECK_FALSE(parse_cron("0 0-23 * * *").is_wildcard());
    CHECK_FALSE(parse_cron("5,* 2 * * *").is_wildcard());
}

TEST_CASE("cron_schedule: day of month and day of week are alternatives unless one is a star") {
    using namespace std::chrono;
    const local_days monday_2nd{2026y / 11 / 2}, sunday_1st{2026y / 11 / 1}, sunday_8th{2026y / 11 / 8};
    const CronSchedule either = parse_cron("0 2 1-7 * 0");
    CHECK(either.has_date(monday_2nd));
    CHECK(either.has_date(sunday_8th));
    const CronSchedule both = parse_cron("0 2 */2 * 0");
    CHECK(both.has_date(sunday_1st));
    CHECK_FALSE(both.has_date(sunday_8th));
    CHECK_FALSE(both.has_date(monday_2nd));
}

TEST_CASE("cron_schedule: an error names the field and why") {
    CHECK(why_not("60 * * * *") == "the minute '60' of '60 * * * *' has 60, which is out of range");
    CHECK(contains(why_not("0 24 * * *"), "the hour '24'"));
    CHECK(contains(why_not("0 0 0 * *"), "the day of month '0'"));
    CHECK(contains(why_not("0 0 * 13 *"), "the month '13'"));
    CHECK(contains(why_not("0 0 * * 8"), "the day of week '8'"));
    CHECK(contains(why_not("0 0 L * *"), "has 'L', which cron does not know there"));
    CHECK(contains(why_not("0 0 ? * *"), "has '?'"));
    CHECK(contains(why_not("0 0 * * sunday"), "has 'sunday'"));
    CHECK(contains(why_not("1,,2 * * * *"), "has an empty place"));
    CHECK(contains(why_not("-1 * * * *"), "has an empty place"));
    CHECK(contains(why_not("+5 * * * *"), "has '+5'"));
    CHECK(contains(why_not("99999999999 * * * *"), "which cron does not know"));
    CHECK(contains(why_not("5/15 * * * *"), "has a step after a single value"));
    CHECK(contains(why_not("*/0 * * * *"), "has a step that leads nowhere"));
    CHECK(contains(why_not("*/ * * * *"), "has a step that leads nowhere"));
    CHECK(contains(why_not(""), "has 0 fields"));
    CHECK(contains(why_not("0 2 * *"), "has 4 fields"));
    CHECK(contains(why_not("0 0 2 * * ?"), "has 6 fields"));
    CHECK(contains(why_not("@reboot"), "'@reboot' is not a time that can be foretold"));
    CHECK(contains(why_not("@Daily"), "'@Daily'"));
    CHECK(why_not("\x1b[2J * * * *").find('\x1b') == std::string::npos);
}

TEST_CASE("cron_schedule: what crontab(1) takes and then never runs, or misunderstands, is an error") {
    CHECK(contains(why_not("0 0 * * fri-sun"), "runs backwards"));
    CHECK(contains(why_not("10-5 * * * *"), "runs backwards"));
    CHECK(contains(why_not("*-5 * * * *"), "has '*'"));
    CHECK(contains(why_not("1~5 * * * *"), "has '1~5'"));
    CHECK(contains(why_not("*/70 * * * *"), "has a step that leads nowhere"));
}
