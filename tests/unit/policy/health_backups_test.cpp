#include "holdfast/policy/health_backups.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");

Component component(const std::string& source, std::uint64_t bytes,
                    const std::string& source_class = "data") {
    Component c;
    c.name = c.source = source;
    c.kind = "tree";
    c.source_class = source_class;
    c.bytes = bytes;
    return c;
}
Manifest manifest(std::chrono::seconds age, const std::string& type = "full",
                  std::vector<Component> components = {component("trades", 100)}) {
    Manifest m;
    m.started = m.finished = kNow - age;
    m.id = format_time(m.started, "%Y%m%dT%H%M%SZ-") + "abcdef";
    m.type = type;
    m.components = std::move(components);
    return m;
}
BackupFacts facts(std::vector<Manifest> newest_first) {
    BackupFacts f;
    f.newest_first = std::move(newest_first);
    f.created = kNow - 24h;
    return f;
}
Health age_level(const std::vector<Manifest>& newest_first, const HealthConfig& config = {}) {
    return overall(judge_backup_age(facts(newest_first), config, kNow));
}
BackupRun run(int code, const std::string& snapshot) { return {kNow - 1h, "full", code, 60s, snapshot}; }

}  // namespace

TEST_CASE("health: the worst level counts, unknown is worse than degraded, and nothing at all is unknown") {
    CHECK(worse(Health::healthy, Health::degraded) == Health::degraded);
    CHECK(worse(Health::unknown, Health::degraded) == Health::unknown);
    CHECK(worse(Health::unknown, Health::unhealthy) == Health::unhealthy);
    CHECK(overall({}) == Health::unknown);
    CHECK(overall({{"a", "", Health::healthy, "", ""}}) == Health::healthy);
}

TEST_CASE("health_backups: a backup of exactly the limit is young enough, a second more is not") {
    CHECK(age_level({manifest(25h)}) == Health::healthy);
    CHECK(age_level({manifest(25h + 1s)}) == Health::unhealthy);
    CHECK(age_level({}) == Health::unhealthy);
    HealthConfig forever;
    forever.max_age = kForever;
    CHECK(age_level({manifest(9000h)}, forever) == Health::healthy);
}

TEST_CASE("health_backups: a snapshot from the future is unhealthy, a small step of the clock is not") {
    CHECK(age_level({manifest(-300s)}) == Health::healthy);
    CHECK(age_level({manifest(-301s)}) == Health::unhealthy);
}

TEST_CASE("health_backups: an emergency snapshot counts as no backup") {
    CHECK(age_level({manifest(1h, "emergency")}) == Health::unhealthy);
    CHECK(age_level({manifest(1h, "emergency"), manifest(2h)}) == Health::healthy);
}

TEST_CASE("health_backups: each source is judged by the newest backup that holds it, with its own limit") {
    BackupFacts f =
        facts({manifest(1h), manifest(30h, "full", {component("trades", 1), component("lake", 7)})});
    f.sources = {"trades", "lake", "never"};
    HealthConfig config;
    auto results = judge_backup_age(f, config, kNow);
    REQUIRE(results.size() == 4);
    CHECK(results[0].level == Health::healthy);
    CHECK(results[1].level == Health::healthy);
    CHECK(results[2].level == Health::unhealthy);
    CHECK(contains(results[2].message, "'lake' is 30 h old, more than 25 h"));
    CHECK(results[3].level == Health::unhealthy);
    CHECK(contains(results[3].message, "there is no backup of 'never'"));
    CHECK_FALSE(results[3].next.empty());
    config.max_age_of["lake"] = 30h;
    CHECK(judge_backup_age(f, config, kNow)[2].level == Health::healthy);
    CHECK(results[2].samples.at(1).value == 7);
}

TEST_CASE("health_backups: a type with a limit of its own must have a young snapshot") {
    HealthConfig config;
    config.max_age_of["hourly"] = 2h;
    CHECK(age_level({manifest(1h)}, config) == Health::unhealthy);
    CHECK(age_level({manifest(1h), manifest(2h, "hourly")}, config) == Health::healthy);
    CHECK(age_level({manifest(1h), manifest(2h + 1s, "hourly")}, config) == Health::unhealthy);
}

TEST_CASE("health_backups: an empty, a partial and a suspect snapshot are no green light") {
    CHECK(judge_last_run(facts({manifest(1h)}), kNow).level == Health::healthy);
    CHECK(judge_last_run(facts({manifest(1h, "full", {component("trades", 0)})}), kNow).level ==
          Health::unhealthy);
    CHECK(judge_last_run(facts({manifest(1h, "full", {})}), kNow).level == Health::unhealthy);
    Manifest partial = manifest(1h);
    partial.missing.push_back({"lake", "/lake", "does not exist"});
    CHECK(judge_last_run(facts({partial}), kNow).level == Health::degraded);
    Manifest suspect = manifest(1h);
    suspect.suspect = {"trades: empty", "lake: empty"};
    const HealthResult r = judge_last_run(facts({suspect}), kNow);
    CHECK(r.level == Health::degraded);
    CHECK(contains(r.message, "trades: empty (and 1 more)"));
}

TEST_CASE("health_backups: a run that failed is told although it left no snapshot") {
    BackupFacts f = facts({manifest(3h)});
    f.runs.emplace();
    f.runs->add(run(0, f.newest_first[0].id));
    CHECK(judge_last_run(f, kNow).level == Health::healthy);
    f.runs->add(run(8, ""));
    CHECK(judge_last_run(f, kNow).level == Health::degraded);
    CHECK(contains(judge_last_run(f, kNow).message, "ended with exit 8"));
    f.runs->add(run(5, "x"));
    CHECK(judge_last_run(f, kNow).level == Health::unhealthy);
    CHECK(f.runs->successes == 1);
    CHECK(f.runs->failures == 2);
}

TEST_CASE("health_backups: a run that began and never ended was killed, unless it is still at work") {
    BackupFacts f = facts({manifest(3h)});
    f.runs.emplace();
    f.runs->add(run(0, f.newest_first[0].id));
    f.runs->began = f.runs->last->ended;  // the same second: it is that run
    CHECK(judge_last_run(f, kNow).level == Health::healthy);
    f.runs->began = f.runs->last->ended + 1s;
    CHECK(judge_last_run(f, kNow).level == Health::degraded);
    f.is_running = true;
    CHECK(judge_last_run(f, kNow).level == Health::healthy);
}

TEST_CASE("health_backups: what contradicts the ledger and what cannot be read is unhealthy") {
    BackupFacts f = facts({manifest(1h)});
    CHECK(judge_history(f, {}).level == Health::healthy);
    CHECK(judge_history(f, {"snapshot x: has vanished"}).level == Health::unhealthy);
    f.unreadable = {"manifest of x is not valid JSON"};
    CHECK(judge_history(f, {}).level == Health::unhealthy);
}

TEST_CASE(
    "health_backups: verification has an age, counted from the repository's creation if there was none") {
    BackupFacts f = facts({manifest(1h)});
    HealthConfig config;
    CHECK(judge_verification(f, config, kNow).level == Health::healthy);
    f.created = kNow - config.max_verify_age - 1s;
    CHECK(judge_verification(f, config, kNow).level == Health::degraded);
    f.last_verified = Proof{kNow - config.max_verify_age, true, "x"};
    CHECK(judge_verification(f, config, kNow).level == Health::healthy);
    f.last_verified->at -= 1s;
    CHECK(judge_verification(f, config, kNow).level == Health::degraded);
    f.last_verified->at = kNow + 301s;
    CHECK(judge_verification(f, config, kNow).level == Health::unhealthy);
    f.last_verified->at = kNow;
    f.damaged = {"20261119T120000Z-abcdef"};
    CHECK(judge_verification(f, config, kNow).level == Health::unhealthy);
    f = facts({});
    f.created.reset();  // a ledger without its first line
    CHECK(judge_verification(f, config, kNow).level == Health::degraded);
}

TEST_CASE(
    "health_backups: a failed drill is unhealthy, an old one degraded, and a limit of forever asks for "
    "none") {
    BackupFacts f = facts({manifest(1h)});
    HealthConfig config;
    CHECK(judge_drill(f, config, kNow).level == Health::healthy);
    f.last_drill = Proof{kNow - 100 * 24h, true, "x", 42};
    CHECK(judge_drill(f, config, kNow).level == Health::healthy);
    CHECK(judge_drill(f, config, kNow).samples.at(2).value == 42);
    f.last_drill->at -= 1s;
    CHECK(judge_drill(f, config, kNow).level == Health::degraded);
    config.max_drill_age = kForever;
    CHECK(judge_drill(f, config, kNow).level == Health::healthy);
    f.last_drill->is_good = false;
    f.last_drill->what = "restore 5 min";
    CHECK(judge_drill(f, config, kNow).level == Health::unhealthy);
    CHECK(contains(judge_drill(f, config, kNow).message, "missed restore 5 min"));
}
