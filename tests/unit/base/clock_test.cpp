#include "holdfast/base/clock.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("clock: a time prints in UTC and parses back") {
    const SystemSeconds at{std::chrono::seconds{1795140005}};
    CHECK(format_utc(at) == "2026-11-20T02:00:05Z");
    CHECK(parse_utc("2026-11-20T02:00:05Z") == at);
    CHECK(parse_utc(format_utc(now_utc())).has_value());
    CHECK_FALSE(parse_utc("2027-02-31"));
    CHECK_FALSE(parse_utc("2027-02-29T12:00"));
    CHECK(parse_utc("2028-02-29"));
}

TEST_CASE("clock: the time zone of the process changes nothing") {
    ::setenv("TZ", "America/New_York", 1);
    ::tzset();
    CHECK(format_utc(SystemSeconds{}) == "1970-01-01T00:00:00Z");
    CHECK(parse_utc("1970-01-01") == SystemSeconds{});
    ::unsetenv("TZ");
    ::tzset();
}

TEST_CASE("clock: dates and minutes are enough, other text is no time") {
    CHECK(parse_utc("2026-11-20T14:00") == parse_utc("2026-11-20T14:00:00Z"));
    CHECK(parse_utc("2026-11-20") == parse_utc("2026-11-20T00:00:00"));
    CHECK(parse_utc("1969-12-31").has_value());
    for (const char* bad :
         {"", "Z", "latest", "2026-13-01", "2026-11-20T14", "2026-11-20 14:00", "2026-11-20T14:00+02:00"})
        CHECK_MESSAGE(!parse_utc(bad), bad);
}

TEST_CASE("clock: a deadline without budget has passed") {
    CHECK(Deadline{std::chrono::milliseconds{0}}.has_passed());
    CHECK_FALSE(Deadline{std::chrono::hours{1}}.has_passed());
}
