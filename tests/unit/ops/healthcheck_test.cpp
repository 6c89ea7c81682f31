#include "holdfast/ops/healthcheck.hpp"

#include <doctest/doctest.h>

#include "holdfast/ops/write_metrics.hpp"
#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Host : TestRepository {
    fs::path metrics = dir / "holdfast.prom";
    ops::HealthContext context;
    Host() : context(options()) {
        ::setenv("XDG_STATE_HOME", (dir / "state").c_str(), 1);
        dir.write("holdfast.prom", "backup_last_success_timestamp 1\n");
    }
    ops::HealthOptions options() const {
        ops::HealthOptions out;
        out.repository = (dir / "repo").string();
        out.config.health.metrics = (dir / "holdfast.prom").string();
        return out;
    }
};

ops::HealthResults nothing_wrong(ops::HealthContext&) { return {{"well", "", Health::healthy, "", ""}}; }
ops::HealthResults no_memory(ops::HealthContext&) { throw std::bad_alloc(); }
ops::HealthResults stopped(ops::HealthContext&) { throw Interrupted(SIGTERM); }

}  // namespace

TEST_CASE("healthcheck: a check that breaks is unknown, says why, and hides no other") {
    Host host;
    const auto all = [](const ops::HealthCheck&) { return true; };
    const std::vector<ops::HealthCheck> checks = {{"memory", "", false, false, no_memory},
                                                  {"well", "", false, true, nothing_wrong}};
    const ops::HealthResults results = ops::run_health_checks(host.context, all, checks);
    REQUIRE(results.size() == 2);
    CHECK(results[0].level == Health::unknown);
    CHECK(contains(results[0].message, "bad_alloc"));
    CHECK_FALSE(results[0].next.empty());
    CHECK(results[1].level == Health::healthy);
    CHECK_THROWS_AS(ops::run_health_checks(host.context, all, {{"stop", "", false, false, stopped}}),
                    Interrupted);
}

TEST_CASE(
    "healthcheck: whatever breaks while the metrics are written, the last success does not stay on show") {
    Host host;
    CHECK_THROWS_AS(ops::record_metrics(host.context, [](RunHistory&) { throw std::bad_alloc(); }), Error);
    CHECK_FALSE(fs::exists(host.metrics));
    host.dir.write("holdfast.prom", "backup_last_success_timestamp 1\n");
    CHECK_THROWS_AS(ops::write_metrics(host.metrics, []() -> std::string { throw std::bad_alloc(); }), Error);
    CHECK_FALSE(fs::exists(host.metrics));
    host.dir.write("holdfast.prom", "backup_last_success_timestamp 1\n");
    CHECK_THROWS_AS(ops::write_metrics(host.metrics, []() -> std::string { throw Interrupted(SIGTERM); }),
                    Interrupted);
    CHECK_FALSE(fs::exists(host.metrics));
}

TEST_CASE(
    "healthcheck: a buffer of alerts that cannot be looked at is an error with its name, not nothing "
    "waiting") {
    const TempDir dir;
    fs::create_symlink("loop", dir.path() / "loop");
    ops::AlertOptions options;
    options.spool = dir / "loop";
    options.config.channels.push_back({});
    options.config.channels.back().name = "ops";
    const Error e = catch_error([&] { ops::buffered_alerts(options); });
    CHECK(contains(e.what(), "ops.jsonl"));
    options.spool = dir / "nowhere";
    CHECK(ops::buffered_alerts(options).channels.at(0).waiting == 0);
}
