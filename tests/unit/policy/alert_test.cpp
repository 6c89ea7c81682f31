#include "holdfast/policy/alert.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");

Alert alert(Severity severity, std::chrono::seconds later = 0s) {
    Alert a;
    a.id = "1";
    a.severity = severity;
    a.time = kNow + later;
    a.key = a.title = "disk";
    a.host = "h";
    return a;
}

}  // namespace

TEST_CASE("alert: the worst that was told is known until all is well, whatever was told after it") {
    std::optional<AlertMemory> memory;
    CHECK(damp(alert(Severity::critical), memory, 1h) == Damping::send);
    CHECK(damp(alert(Severity::warning, 60s), memory, 1h) == Damping::send);
    CHECK(damp(alert(Severity::warning, 120s), memory, 1h) == Damping::hold_back);
    REQUIRE(memory);
    CHECK(memory->severity == Severity::warning);
    CHECK(memory->worst == Severity::critical);
    CHECK(damp(alert(Severity::ok, 180s), memory, 1h) == Damping::send);
    CHECK_FALSE(memory);
    CHECK(damp(alert(Severity::warning, 240s), memory, 1h) == Damping::send);
    CHECK(memory->worst == Severity::warning);
}
