#include "holdfast/base/time_text.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

namespace {
std::string utc(std::string_view text) {
    const auto at = parse_time(text);
    return at ? format_utc(*at) : "none";
}
}  // namespace

TEST_CASE("time_text: ISO 8601 with T or a blank, without a zone it is UTC") {
    for (const char* text : {"2026-11-20T14:00:05", "2026-11-20 14:00:05", "2026-11-20T14:00:05Z",
                             "2026-11-20 14:00:05z", "2026-11-20 14:00:05.987", "2026-11-20T14:00:05,9Z",
                             "2026-11-20 14:00:05.987654 UTC", "2026-11-20 14:00:05 UTC"}) {
        CAPTURE(text);
        CHECK(utc(text) == "2026-11-20T14:00:05Z");
    }
    CHECK(utc("2026-11-20T14:00") == "2026-11-20T14:00:00Z");
    CHECK(utc("2026-11-20") == "2026-11-20T00:00:00Z");
    CHECK(utc("20261120") == "2026-11-20T00:00:00Z");
}

TEST_CASE("time_text: zones are counted back to UTC") {
    for (const char* text :
         {"2026-11-20T19:30:00+05:30", "2026-11-20 19:30:00+0530", "2026-11-20 19:30:00 +05:30",
          "2026-11-20T10:00:00.25-04", "2026-11-20T14:00:00+00:00"}) {
        CAPTURE(text);
        CHECK(utc(text) == "2026-11-20T14:00:00Z");
    }
}

TEST_CASE("time_text: a number counts seconds, milliseconds, microseconds or nanoseconds since 1970") {
    for (const char* text :
         {"1795269605", "1795269605.75", "1795269605123", "1795269605123456", "1795269605123456789"}) {
        CAPTURE(text);
        CHECK(utc(text) == "2026-11-21T14:00:05Z");
    }
    CHECK(utc("0") == "1970-01-01T00:00:00Z");
    CHECK(utc("-1.5") == "1969-12-31T23:59:58Z");
}

TEST_CASE("time_text: what is no time is none") {
    for (const char* text :
         {"", " ", "yesterday", "2026-02-31", "2026-11-20T14:00:05+", "2026-11-20T14:00:05+1",
          "2026-11-20T14:00:05+99:00", "2026-11-20T14:00:05.x", "2026-11-20T14:00:05.", "nan", "inf", "1e30",
          "2026-11-20  14:00:05", "2026-11-20 14:00:05 CET", "20269999999999999999999"}) {
        CAPTURE(text);
        CHECK(utc(text) == "none");
    }
}
