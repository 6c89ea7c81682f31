#include "holdfast/policy/health_host.hpp"

#include <doctest/doctest.h>

#include "holdfast/store/manifest.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");
const HealthConfig kLimits;
constexpr std::uint64_t kGB = 1'000'000'000;

DiskFacts disk(std::uint64_t free, std::uint64_t used) {
    DiskFacts d{"/backups", "repository"};
    d.free_bytes = free;
    d.used_bytes = used;
    d.must_write = true;
    return d;
}
Health level(const DiskFacts& d) { return judge_disk(d, kLimits).level; }

Manifest stored(std::chrono::seconds age, std::uint64_t bytes) {
    Manifest m;
    m.started = kNow - age;
    m.stored_bytes = bytes;
    return m;
}

}  // namespace

TEST_CASE("health_host: a disk with exactly the least free and the most used is fine") {
    CHECK(level(disk(10 * kGB, 40 * kGB)) == Health::healthy);
    CHECK(level(disk(10 * kGB - 1, 10 * kGB)) == Health::degraded);
    CHECK(level(disk(10 * kGB, 41 * kGB)) == Health::degraded);
    CHECK(level(disk(kGB, kGB)) == Health::degraded);
    CHECK(level(disk(kGB - 1, kGB)) == Health::unhealthy);
}

TEST_CASE("health_host: a disk where the next backup may not fit is unhealthy") {
    DiskFacts d = disk(20 * kGB, kGB);
    d.newest_backup_bytes = 20 * kGB;
    CHECK(level(d) == Health::healthy);
    ++d.newest_backup_bytes;
    CHECK(level(d) == Health::unhealthy);
}

TEST_CASE("health_host: inodes count as well; a file system without a number of them does not") {
    DiskFacts d = disk(100 * kGB, kGB);
    CHECK(level(d) == Health::healthy);
    d.inodes = 1000;
    d.free_inodes = 200;
    CHECK(level(d) == Health::healthy);
    d.free_inodes = 199;
    CHECK(level(d) == Health::degraded);
    d.free_inodes = 9;
    CHECK(level(d) == Health::unhealthy);
}

TEST_CASE("health_host: read-only is unhealthy where we write, and nothing to say of a source") {
    DiskFacts d = disk(100 * kGB, kGB);
    d.is_readonly = true;
    CHECK(level(d) == Health::unhealthy);
    d.must_write = false;
    CHECK(level(d) == Health::healthy);
}

TEST_CASE("health_host: days until full come from growth") {
    DiskFacts d = disk(28 * kGB, kGB);
    d.growth_per_day = 2.0 * kGB;
    CHECK(level(d) == Health::healthy);
    CHECK(contains(judge_disk(d, kLimits).message, "full in 14 d"));
    d.growth_per_day = 2.1 * kGB;
    CHECK(level(d) == Health::degraded);
    d.growth_per_day = 1.0;
    CHECK(contains(judge_disk(d, kLimits).message, "more than 10 years"));
    d.growth_per_day = 0.0;
    CHECK_FALSE(contains(judge_disk(d, kLimits).message, "full in"));
}

TEST_CASE("health_host: growth leaves out the oldest, needs a day, and looks at the window only") {
    const std::vector<Manifest> all = {stored(1h, 10), stored(24h + 1h, 20), stored(48h + 1h, 7000)};
    CHECK(growth_per_day(all, kNow - 720h) == doctest::Approx(15));
    CHECK(growth_per_day(all, kNow - 30h) == doctest::Approx(10));
    CHECK_FALSE(growth_per_day(all, kNow - 2h));
    CHECK_FALSE(growth_per_day(std::vector<Manifest>{}, kNow));
}

TEST_CASE("health_host: a database is judged by damage, locks and its WAL") {
    DatabaseFacts db{"trades", "/t.db", {}};
    db.is_checked = true;
    CHECK(judge_database(db, kLimits).level == Health::healthy);
    db.wal_bytes = kLimits.max_wal;
    CHECK(judge_database(db, kLimits).level == Health::healthy);
    ++db.wal_bytes;
    CHECK(judge_database(db, kLimits).level == Health::degraded);
    db.wal_bytes = 0;
    db.is_busy = true;
    db.failure = "database is locked";
    CHECK(judge_database(db, kLimits).level == Health::degraded);
    db.is_busy = false;
    CHECK(judge_database(db, kLimits).level == Health::unhealthy);
    db.failure.clear();
    db.needs_recovery = true;
    CHECK(judge_database(db, kLimits).level == Health::degraded);
    db.needs_recovery = false;
    db.damage = {"row 7 missing from index x"};
    CHECK(judge_database(db, kLimits).level == Health::unhealthy);
    CHECK(contains(judge_database(db, kLimits).message, "row 7 missing"));
}

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
    CHECK(judge_alerts({"ops", 0, 0, {}, "'s' holds a secret, but others may read it"}, kNow).level ==
          Health::degraded);
}

TEST_CASE("health_host: whatever is not healthy says what to do") {
    DiskFacts d = disk(1, 1);
    d.is_readonly = true;
    d.inodes = 10;
    DatabaseFacts db{"t", "/t", "cannot be opened"};
    AccessFacts a{"/r", 0777, 1, 1, false, {"x"}};
    for (const HealthResult& r :
         {judge_disk(d, kLimits), judge_database(db, kLimits), judge_access(a),
          judge_restore({"x", true, false, kNow}, kLimits, kNow), judge_clock({SystemSeconds{}}, 1s)}) {
        CHECK(r.level != Health::healthy);
        CHECK_FALSE(r.next.empty());
        CHECK_FALSE(r.message.empty());
    }
}
