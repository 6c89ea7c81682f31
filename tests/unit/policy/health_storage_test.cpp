#include "holdfast/policy/health_storage.hpp"

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

TEST_CASE("health_storage: a disk with exactly the least free and the most used is fine") {
    CHECK(level(disk(10 * kGB, 40 * kGB)) == Health::healthy);
    CHECK(level(disk(10 * kGB - 1, 10 * kGB)) == Health::degraded);
    CHECK(level(disk(10 * kGB, 41 * kGB)) == Health::degraded);
    CHECK(level(disk(kGB, kGB)) == Health::degraded);
    CHECK(level(disk(kGB - 1, kGB)) == Health::unhealthy);
}

TEST_CASE("health_storage: a disk where the next backup may not fit is unhealthy") {
    DiskFacts d = disk(20 * kGB, kGB);
    d.newest_backup_bytes = 20 * kGB;
    CHECK(level(d) == Health::healthy);
    ++d.newest_backup_bytes;
    CHECK(level(d) == Health::unhealthy);
}

TEST_CASE("health_storage: inodes count as well; a file system without a number of them does not") {
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

TEST_CASE("health_storage: read-only is unhealthy where we write, and nothing to say of a source") {
    DiskFacts d = disk(100 * kGB, kGB);
    d.is_readonly = true;
    CHECK(level(d) == Health::unhealthy);
    d.must_write = false;
    CHECK(level(d) == Health::healthy);
}

TEST_CASE("health_storage: days until full come from growth") {
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

TEST_CASE("health_storage: growth leaves out the oldest, needs a day, and looks at the window only") {
    const std::vector<Manifest> all = {stored(1h, 10), stored(24h + 1h, 20), stored(48h + 1h, 7000)};
    CHECK(growth_per_day(all, kNow - 720h) == doctest::Approx(15));
    CHECK(growth_per_day(all, kNow - 30h) == doctest::Approx(10));
    CHECK_FALSE(growth_per_day(all, kNow - 2h));
    CHECK_FALSE(growth_per_day(std::vector<Manifest>{}, kNow));
}

TEST_CASE("health_storage: a database is judged by damage, locks and its WAL") {
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
