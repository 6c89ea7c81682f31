// What makes a snapshot of real sources suspect; the rules by themselves are in policy/anomaly_test.cpp.
#include "holdfast/ops/snap.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using holdfast::testing::noise;
using holdfast::testing::run_sql;
using holdfast::testing::TestRepository;

namespace {

const char* const kOrders =
    "CREATE TABLE orders(a INTEGER PRIMARY KEY, b TEXT); CREATE TABLE names(a);"
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n WHERE x<1000)"
    " INSERT INTO orders SELECT x, 'order ' || x FROM n; INSERT INTO names SELECT a FROM orders;";

std::string text_of(std::size_t bytes, int variant) {
    std::string text;
    for (int i = 0; text.size() < bytes; ++i)
        text += "line " + std::to_string(i * 7919 + variant) + " of a log that compresses well\n";
    return text;
}

}  // namespace

TEST_CASE("anomaly: a table whose rows were deleted makes snapshots suspect until they are back") {
    TestRepository t;
    const fs::path db = t.dir / "t.db";
    run_sql(db, kOrders);
    const auto source = t.source("trades", SourceKind::sqlite, db.string());
    CHECK(t.snap({source}).manifest.state() == "complete");
    fs::copy(db, t.dir / "good.db");
    run_sql(db, "DELETE FROM orders WHERE a > 100");
    for (int day = 0; day < 3; ++day) {
        const ops::SnapReport report = t.snap({source});
        CHECK(report.exit_code() == static_cast<int>(Kind::partial));
        REQUIRE(report.manifest.suspect.size() == 1);
        CHECK(contains(report.manifest.suspect[0], "trades: table 'orders' has 100 rows, had 1000"));
        CHECK(contains(ops::format_summary(report.manifest), "suspect   trades: table 'orders'"));
        CHECK(find_snapshot(t.repository, report.manifest.id).suspect == report.manifest.suspect);
    }
    fs::copy_file(t.dir / "good.db", db, fs::copy_options::overwrite_existing);
    CHECK(t.snap({source}).manifest.state() == "complete");
    run_sql(db, "DROP TABLE orders");
    CHECK(contains(t.snap({source}).manifest.suspect.at(0), "table 'orders' has 0 rows"));
}

TEST_CASE("anomaly: a tree that was overwritten with random bytes is suspect until its files are back") {
    TestRepository t;
    const auto fill = [&](const std::function<std::string(int)>& content) {
        for (int i = 0; i < 8; ++i) t.dir.write("tree/" + std::to_string(i), content(i));
    };
    const auto text = [](int i) { return text_of(500'000, i); };
    const auto source = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    fill(text);
    const Manifest first = t.snap({source}).manifest;
    REQUIRE(first.components[0].new_stored_bytes);
    CHECK(*first.components[0].new_stored_bytes < first.components[0].new_bytes / 2);
    fill([](int i) { return std::string(as_text(noise(500'000, static_cast<std::uint64_t>(i)))); });
    CHECK(contains(t.snap({source}).manifest.suspect.at(0), "tree: its new data does not compress"));
    for (int day = 0; day < 2; ++day) {
        t.dir.write("tree/other", std::to_string(day));
        CHECK(contains(t.snap({source}).manifest.suspect.at(0), "are still what made snapshot"));
    }
    fill(text);
    CHECK(t.snap({source}).manifest.state() == "complete");
}

TEST_CASE("anomaly: a source with incompressible data of its own is never called encrypted") {
    TestRepository t;
    const auto source = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    for (std::uint64_t day = 0; day < 3; ++day) {
        t.dir.write("tree/film", std::string(as_text(noise(2'000'000, day))));
        CHECK(t.snap({source}).manifest.state() == "complete");
    }
}

TEST_CASE("anomaly: what was stored for a component is measured by frames, whatever lies beside it") {
    TestRepository t;
    t.dir.write("text", text_of(1'500'000, 1));
    t.dir.write("film", std::string(as_text(noise(1'500'000))));
    const Manifest m = t.snap({t.source("text", SourceKind::tree, (t.dir / "text").string()),
                               t.source("film", SourceKind::tree, (t.dir / "film").string())})
                           .manifest;
    CHECK(*m.components[0].new_stored_bytes < 700'000);    // half a frame is shared with the film
    CHECK(*m.components[1].new_stored_bytes > 1'000'000);  // and the other half with the text
    std::uint64_t sum = 0;
    for (const Component& c : m.components) sum += *c.new_stored_bytes;
    CHECK(sum <= m.stored_bytes);
    CHECK(t.snap({t.source("text", SourceKind::tree, (t.dir / "text").string())})
              .manifest.components[0]
              .new_stored_bytes == 0);
}

TEST_CASE("anomaly: a file that a pattern no longer matches, and a path that is gone, are named") {
    TestRepository t;
    t.dir.write("logs/a.log", "a");
    t.dir.write("logs/b.log", "b");
    t.dir.write("settings", "c");
    const std::vector<SourceConfig> sources = {
        t.source("logs", SourceKind::tree, (t.dir / "logs/*.log").string()),
        t.source("settings", SourceKind::tree, (t.dir / "settings").string())};
    t.snap(sources);
    fs::remove(t.dir / "logs/b.log");
    CHECK(t.snap({sources[1]}).manifest.state() == "complete");  // a run without that source
    const Manifest m = t.snap(sources).manifest;
    REQUIRE(m.suspect.size() == 1);
    CHECK(contains(m.suspect[0], "logs/b.log: not there any more"));
    fs::remove(t.dir / "settings");
    const Manifest gone = t.snap(sources).manifest;
    CHECK(gone.suspect.size() == 2);
    CHECK(gone.missing.size() == 1);
}

TEST_CASE("anomaly: a source that could not be read is missing, which is not suspect") {
    TestRepository t;
    t.dir.write("tree/a", "1");
    SourceConfig dump = t.source("dump", SourceKind::command, "");
    dump.paths.clear();
    dump.shell = true;
    dump.command = {"echo whole"};
    const auto tree = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    t.snap({tree, dump});
    dump.command = {"exit 1"};
    CHECK(t.snap({tree, dump}).manifest.state() == "partial");
}
