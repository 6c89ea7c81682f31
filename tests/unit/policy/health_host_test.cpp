#include "holdfast/policy/health_host.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");
const HealthConfig kLimits;
}  // namespace

TEST_CASE("health_host: a repository that others may read is degraded, that others may write unhealthy") {
    AccessFacts a{"/r", 0700, 1000, 1000};
    CHECK(judge_access(a).level == Health::healthy);
    a.mode = 0710;
    CHECK(judge_access(a).level == Health::degraded);
    a.mode = 0720;
    CHECK(judge_access(a).level == Health::unhealthy);
    a.mode = 0702;
    CHECK(judge_access(a).level == Health::unhealthy);
    a.mode = 0700;
    a.may_write = false;
    CHECK(judge_access(a).level == Health::unhealthy);
    a.our_uid = 33;  // a monitoring user need not write
    CHECK(judge_access(a).level == Health::healthy);
    a.foreign = {"snapshots"};
    CHECK(judge_access(a).level == Health::degraded);
}

TEST_CASE("health_host: a lock is told, and held for too long degraded") {
    LockFacts lock{"/r/lock"};
    CHECK(judge_lock(lock, kLimits).level == Health::healthy);
    lock.holders = {{12, 6h}, {13, 1s}};
    CHECK(judge_lock(lock, kLimits).level == Health::healthy);
    CHECK(contains(judge_lock(lock, kLimits).message, "process 12"));
    lock.holders[0].age += 1s;
    CHECK(judge_lock(lock, kLimits).level == Health::degraded);
    CHECK(contains(judge_lock(lock, kLimits).next, "ps -fp 12"));
}

TEST_CASE(
    "health_host: a restore that was interrupted is unhealthy, one that nobody accepted degraded in time") {
    CHECK(judge_restore({"x", true, false, kNow}, kLimits, kNow).level == Health::unhealthy);
    CHECK(judge_restore({"x", false, true, kNow}, kLimits, kNow).level == Health::degraded);
    CHECK(judge_restore({"x", false, false, kNow - 168h}, kLimits, kNow).level == Health::healthy);
    CHECK(judge_restore({"x", false, false, kNow - 168h - 1s}, kLimits, kNow).level == Health::degraded);
}

TEST_CASE("health_host: a schedule is missed only where one is expected; one that never fires is told") {
    HealthConfig expected;
    expected.schedule = true;
    ScheduleFacts s;
    CHECK(judge_schedule(s, kLimits, kNow).level == Health::healthy);
    CHECK(judge_schedule(s, expected, kNow).level == Health::unhealthy);
    s.found = {"cron: daily"};
    CHECK(judge_schedule(s, expected, kNow).level == Health::degraded);
    s.last_start = kNow - 25h;
    CHECK(judge_schedule(s, expected, kNow).level == Health::healthy);
    s.last_start = kNow - 25h - 1s;
    CHECK(judge_schedule(s, expected, kNow).level == Health::degraded);
    CHECK(judge_schedule(s, kLimits, kNow).level == Health::healthy);
    s.disabled = {"holdfast-daily.timer"};
    CHECK(judge_schedule(s, kLimits, kNow).level == Health::degraded);
}

TEST_CASE(
    "health_host: a run that began in the future proves no schedule, beyond what two clocks may differ by") {
    HealthConfig expected;
    expected.schedule = true;
    ScheduleFacts s;
    s.found = {"cron: daily"};
    s.last_start = kNow + 5min;
    CHECK(judge_schedule(s, expected, kNow).level == Health::healthy);
    s.last_start = kNow + 3h;
    CHECK(judge_schedule(s, expected, kNow).level == Health::degraded);
    CHECK(judge_schedule(s, kLimits, kNow).level == Health::degraded);
    CHECK(contains(judge_schedule(s, kLimits, kNow).message, "3 h in the future"));
    CHECK(contains(judge_schedule(s, kLimits, kNow).next, "clock"));
}

TEST_CASE("health_host: a clock before the first release, or behind what was written, is unhealthy") {
    CHECK(judge_clock({kNow}, 300s).level == Health::healthy);
    CHECK(judge_clock({kFirstRelease}, 300s).level == Health::healthy);
    CHECK(judge_clock({kFirstRelease - 1s}, 300s).level == Health::unhealthy);
    CHECK(judge_clock({kNow, kNow + 300s, kNow + 300s}, 300s).level == Health::healthy);
    CHECK(judge_clock({kNow, kNow + 301s, {}}, 300s).level == Health::unhealthy);
    CHECK(judge_clock({kNow, {}, kNow + 301s}, 300s).level == Health::unhealthy);
}

TEST_CASE("health_host: alerts that wait, damaged lines and an open secret are degraded") {
    CHECK(judge_alerts({"ops"}, kNow).level == Health::healthy);
    CHECK(judge_alerts({"ops", 1, 0, kNow - 2h, {}}, kNow).level == Health::degraded);
    CHECK(contains(judge_alerts({"ops", 1, 0, kNow - 2h, {}}, kNow).message, "the oldest from 2 h ago"));
    CHECK(judge_alerts({"ops", 0, 1, {}, {}}, kNow).level == Health::degraded);
    CHECK(judge_alerts({"ops", 0, 0, {}, {}, false, 1}, kNow).level == Health::degraded);
    CHECK(contains(judge_alerts({"ops", 0, 0, {}, {}, false, 1}, kNow).next, "ops.refused.jsonl"));
    CHECK(judge_alerts({"ops", 0, 0, {}, {}, true}, kNow).level == Health::degraded);
    CHECK(judge_alerts({"ops", 0, 0, {}, "'s' holds a secret, but others may read it"}, kNow).level ==
          Health::degraded);
}

TEST_CASE("health_host: a buffer that takes no alert is told before the alert that it would lose") {
    CHECK(judge_alerts({"ops", 1, 0, kNow, {}, false, 0, 2}, kNow).level == Health::degraded);
    CHECK(judge_alerts({"ops", 2, 0, kNow, {}, false, 0, 2}, kNow).level == Health::unhealthy);
    const HealthResult r = judge_alerts({"ops", 0, 0, {}, {}, false, 0, 2, "it is read-only"}, kNow);
    CHECK(r.level == Health::degraded);
    CHECK(contains(r.message, "it is read-only"));
    CHECK(contains(r.next, "alerts.spool"));
}

TEST_CASE("health_host: whatever is not healthy says what to do") {
    for (const HealthResult& r :
         {judge_access({"/r", 0777, 1, 1, false, {"x"}}),
          judge_restore({"x", true, false, kNow}, kLimits, kNow), judge_clock({SystemSeconds{}}, 1s)}) {
        CHECK(r.level != Health::healthy);
        CHECK_FALSE(r.next.empty());
        CHECK_FALSE(r.message.empty());
    }
}
