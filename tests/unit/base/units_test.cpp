#include "holdfast/base/units.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;

TEST_CASE("units: sizes print in IEC units with one decimal") {
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(1023) == "1023 B");
    CHECK(format_bytes(1024) == "1.0 KiB");
    CHECK(format_bytes(1536_KiB) == "1.5 MiB");
    CHECK(format_bytes(1_MiB - 1) == "1.0 MiB");
    CHECK(format_bytes(5_GiB) == "5.0 GiB");
    CHECK(format_bytes(std::numeric_limits<std::uint64_t>::max()) == "16.0 EiB");
}

TEST_CASE("units: sizes parse in IEC and SI") {
    CHECK(parse_bytes("0") == 0);
    CHECK(parse_bytes("42") == 42);
    CHECK(parse_bytes("1.5GiB") == 1536_MiB);
    CHECK(parse_bytes("10 MiB") == 10_MiB);
    CHECK(parse_bytes("10M") == 10_MiB);
    CHECK(parse_bytes("10MB") == 10000000);
    CHECK(parse_bytes("1kB") == 1000);
    for (const char* bad : {"", "x", "-1", "1 XB", "1e3", "GiB", "1.2.3", "99999999T"})
        CHECK_MESSAGE(!parse_bytes(bad), bad);
}

TEST_CASE("units: durations parse as people write them") {
    CHECK(parse_duration("90s") == 90s);
    CHECK(parse_duration("15m") == 15min);
    CHECK(parse_duration("15min") == 15min);
    CHECK(parse_duration("25h") == 25h);
    CHECK(parse_duration("1.5h") == 90min);
    CHECK(parse_duration("30d") == 720h);
    CHECK(parse_duration("52w") == 24h * 7 * 52);
    CHECK(parse_duration("1y") == 24h * 365);
    CHECK(parse_duration("0s") == 0s);
    CHECK(parse_duration("forever") == kForever);
    for (const char* bad : {"", "5", "s", "-1s", "5x", "1h30m", "999999y", "Forever"})
        CHECK_MESSAGE(!parse_duration(bad), bad);
}

TEST_CASE("units: durations print in the unit that reads best") {
    CHECK(format_duration(0s) == "0 s");
    CHECK(format_duration(119s) == "119 s");
    CHECK(format_duration(600s) == "10 min");
    CHECK(format_duration(6h) == "6 h");
    CHECK(format_duration(24h * 30) == "30 d");
    CHECK(format_duration(kForever) == "forever");
}

TEST_CASE("units: shares parse with their sign") {
    CHECK(parse_percent("5%") == 0.05);
    CHECK(parse_percent("50 %") == 0.5);
    CHECK(parse_percent("0.5%") == 0.005);
    CHECK(parse_percent("0%") == 0);
    CHECK(parse_percent("100%") == 1);
    for (const char* bad : {"", "%", "5", "0.05", "-5%", "100.1%", "5%%", "x%", "5 MiB"})
        CHECK_MESSAGE(!parse_percent(bad), bad);
    for (const char* text : {"0%", "0.5%", "33.3%", "50%", "100%"})
        CHECK(format_percent(*parse_percent(text)) == text);
}

TEST_CASE("units: numbers parse whole or not at all") {
    CHECK(parse_number<int>("-12") == -12);
    CHECK(parse_number<std::uint8_t>("255") == 255);
    CHECK_FALSE(parse_number<std::uint8_t>("256"));
    for (const char* bad : {"", " 1", "1 ", "+1", "0x1", "1.0"}) CHECK_FALSE(parse_number<int>(bad));
}
