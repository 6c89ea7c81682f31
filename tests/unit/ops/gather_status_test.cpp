#include "holdfast/ops/gather_status.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Status : TestRepository {
    SourceConfig tree = source("tree", SourceKind::tree, (dir / "tree").string());
    Config config;
    std::vector<std::string> ids;
    Status() {
        ::setenv("XDG_STATE_HOME", (dir / "state").c_str(), 1);
        for (const char* name : {"a", "b", "c"}) {
            dir.write(std::string("tree/") + name, name);
            ids.push_back(snap({tree}).manifest.id);
        }
        config.sources = {tree};
        config.backup.log_dir = (dir / "logs").string();
        config.retention.keep[static_cast<std::size_t>(Period::last)] = KeepRule{1, {}};
        config.retention.min_keep = 1;
    }
    StatusFacts gather() const {
        ops::HealthContext context({config, (dir / "repo").string(), {}});
        return ops::gather_status(context, {});
    }
    void note(const std::string& event, const std::string& id, const Json& details) const {
        LedgerWriter(repository, std::chrono::seconds{1}).append({{event, id, details}});
    }
};

}  // namespace

TEST_CASE("gather_status: sources, days, proofs and what prune would do come out of a repository") {
    const Status s;
    s.note("verified", s.ids[1], {{"level", "deep"}, {"result", "ok"}});
    s.note("verified", s.ids[0], {{"level", "plain"}, {"result", "ok"}});
    s.note("drilled", s.ids[2],
           {{"drill_utc", "2026-05-01T00:00:00Z"},
            {"drill_result", "passed"},
            {"result", "ok"},
            {"total_s", 3}});
    const StatusFacts facts = s.gather();
    CHECK(facts.gaps.empty());
    CHECK(facts.snapshots == 3);
    REQUIRE(facts.sources.size() == 1);
    CHECK(facts.sources[0].points.size() == 3);
    CHECK(facts.days.back().snapshots == 3);
    REQUIRE(facts.verifications.size() == 1);
    CHECK(facts.verifications[0].good == 2);
    CHECK(facts.verifications[0].deep == 1);
    REQUIRE(facts.drills.size() == 1);
    CHECK(facts.drills[0].seconds == 3);
    CHECK(facts.trust.at("drilled") == 1);
    CHECK(facts.trust.at("verified deep") == 1);
    CHECK(facts.trust.at("verified") == 1);
    REQUIRE(facts.retention.verdicts.size() == 3);
    CHECK(facts.retention.verdicts[0].keep);
    CHECK_FALSE(facts.retention.verdicts[1].keep);
}

TEST_CASE("gather_status: where prune would refuse, the preview says why and names no snapshot") {
    const Status s;
    fs::remove_all(s.repository.snapshot(s.ids[0]));
    const StatusFacts facts = s.gather();
    CHECK(facts.retention.verdicts.empty());
    CHECK(contains(facts.retention.refused, s.ids[0]));
}

TEST_CASE(
    "gather_status: without a policy there is no preview; without a repository there is a gap, and no "
    "figures") {
    Status s;
    s.config.retention = {};
    CHECK_FALSE(s.gather().retention.is_set);
    fs::rename(s.dir / "repo", s.dir / "away");
    const StatusFacts facts = s.gather();
    REQUIRE(facts.gaps.size() == 1);
    CHECK(contains(facts.gaps[0], "snapshots: "));
    CHECK(facts.days.empty());
}

TEST_CASE("gather_status: a drill's ledger line without its time costs that drill, not the page") {
    const Status s;
    s.note("drilled", s.ids[2], {{"drill_result", "passed"}});
    const StatusFacts facts = s.gather();
    CHECK(facts.gaps.empty());
    CHECK(facts.drills.empty());
    CHECK(facts.snapshots == 3);
    CHECK(facts.retention.verdicts.size() == 3);
}
