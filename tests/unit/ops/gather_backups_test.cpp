#include "holdfast/ops/gather_backups.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Gathered : TestRepository {
    SourceConfig tree = source("tree", SourceKind::tree, (dir / "tree").string());
    std::string first, second;
    Gathered() {
        ::setenv("XDG_STATE_HOME", (dir / "state").c_str(), 1);
        dir.write("tree/a", "one");
        first = snap({tree}).manifest.id;
        dir.write("tree/b", "two");
        second = snap({tree}).manifest.id;
    }
    void note(const std::string& event, const std::string& id, const Json& details) const {
        LedgerWriter(repository, std::chrono::seconds{1}).append({{event, id, details}});
    }
    BackupFacts gather() const {
        Config config;
        config.sources = {tree};
        config.backup.log_dir = (dir / "logs").string();
        return ops::gather_backups(repository, config);
    }
};

}  // namespace

TEST_CASE("gather_backups: snapshots come newest first, with the sources that are configured") {
    const Gathered g;
    const BackupFacts facts = g.gather();
    REQUIRE(facts.newest_first.size() == 2);
    CHECK(facts.newest_first[0].id == g.second);
    CHECK(facts.sources == std::vector<std::string>{"tree"});
    CHECK(facts.created);
    CHECK(facts.last_line);
    CHECK_FALSE(facts.last_verified);
    CHECK_FALSE(facts.last_drill);
    CHECK_FALSE(facts.runs);
    CHECK_FALSE(facts.is_running);
}

TEST_CASE(
    "gather_backups: the last word of verify about a snapshot counts, and only about those that are here") {
    const Gathered g;
    g.note("verified", g.first, {{"level", "plain"}, {"result", "damaged"}});
    g.note("verified", "20200101T000000Z-abcdef", {{"level", "plain"}, {"result", "damaged"}});
    CHECK(g.gather().damaged == std::vector<std::string>{g.first});
    CHECK_FALSE(g.gather().last_verified);
    g.note("verified", g.first, {{"level", "plain"}, {"result", "ok"}});
    CHECK(g.gather().damaged.empty());
    CHECK(g.gather().last_verified->snapshot == g.first);
    g.note("verified", g.second, {{"level", "plain"}, {"result", "damaged"}});
    CHECK(g.gather().last_verified->snapshot == g.first);
}

TEST_CASE("gather_backups: what was sampled verifies nothing") {
    const Gathered g;
    g.note("sampled", g.first, {{"level", "plain"}, {"result", "ok"}, {"share", "5%"}});
    CHECK_FALSE(g.gather().last_verified);
}

TEST_CASE("gather_backups: a pruned snapshot is known as such until it comes back") {
    const Gathered g;
    g.note("pruned", g.first, Json::object());
    CHECK(g.gather().pruned.contains(g.first));
    g.note("undeleted", g.first, Json::object());
    CHECK_FALSE(g.gather().pruned.contains(g.first));
}

TEST_CASE("gather_backups: the last drill is told with its time, what it took and what it missed") {
    const Gathered g;
    g.note("drilled", g.first,
           {{"drill_utc", "2026-05-01T00:00:00Z"}, {"drill_result", "passed"}, {"total_s", 12.5}});
    CHECK(g.gather().last_drill->is_good);
    CHECK(g.gather().last_drill->seconds == 12.5);
    g.note("drilled", g.first,
           {{"drill_utc", "2026-06-01T00:00:00Z"},
            {"drill_result", "missed"},
            {"missed", {"restore", "total", 7}},
            {"total_s", "not a number"}});
    const Proof drill = g.gather().last_drill.value();
    CHECK(drill.at == *parse_utc("2026-06-01"));
    CHECK_FALSE(drill.is_good);
    CHECK(drill.what == "restore, total");
    CHECK(drill.seconds == 0);
}

TEST_CASE("gather_backups: a manifest that cannot be read is told, and the others are still there") {
    const Gathered g;
    fs::remove(g.repository.snapshot(g.second) / "manifest.json");
    const BackupFacts facts = g.gather();
    CHECK(facts.newest_first.size() == 1);
    REQUIRE(facts.unreadable.size() == 1);
    CHECK(contains(facts.unreadable[0], g.second));
}

TEST_CASE("gather_backups: objects that are gone and objects that are empty are counted apart") {
    const Gathered g;
    const auto objects = read_checksums(g.repository.snapshot(g.second) / "SHA256SUMS").objects;
    REQUIRE(objects.size() >= 2);
    CHECK(ops::look_for_objects(g.repository, g.second).absent == 0);
    fs::remove(g.repository.object(objects[0]));
    fs::resize_file(g.repository.object(objects[1]), 0);
    const ops::MissingObjects found = ops::look_for_objects(g.repository, g.second);
    CHECK(found.needed == objects.size());
    CHECK(found.absent == 1);
    CHECK(found.empty == 1);
}

TEST_CASE("gather_backups: the history is not judged while prune holds the repository") {
    const Gathered g;
    CHECK(ops::gather_history(g.repository)->empty());
    {
        const FileLock sweep = g.repository.lock(LockMode::exclusive, std::chrono::seconds{1});
        CHECK_FALSE(ops::gather_history(g.repository));
    }
    fs::remove_all(g.repository.snapshot(g.first));
    const auto findings = ops::gather_history(g.repository);
    REQUIRE(findings);
    REQUIRE_FALSE(findings->empty());
    CHECK(contains((*findings)[0], g.first));
}
