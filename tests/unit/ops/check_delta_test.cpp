#include "holdfast/ops/check_delta.hpp"

#include "holdfast/ops/verify.hpp"
#include "support/catch_error.hpp"
#include "support/damage.hpp"
#include "support/fixture.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using holdfast::testing::data_objects;
using holdfast::testing::noise;
using holdfast::testing::read_fixture;
using holdfast::testing::run_sql;
using holdfast::testing::TestRepository;

namespace {

const std::string kLog = "lake/t/_delta_log/";
const std::string kVersion10 = kLog + "00000000000000000010.checkpoint.";
const char* const kSidecarId = "80a083e8-7026-4e79-81be-64bd76c43a11";

/// A table whose files are those that the fixtures name; its log begins with version 11.
struct Table : TestRepository {
    Table() {
        for (int i = 1; i <= 8; ++i) {
            const std::string n = std::to_string(i);
            dir.write("lake/t/day=" + n + "/part-" + n + ".parquet",
                      std::string(static_cast<std::size_t>(10 * i), 'x'));
        }
        dir.write("lake/t/a name.parquet", "12345");
        dir.write("lake/t/new.parquet", "x");
        commit(11, R"({"add":{"path":"new.parquet","size":1}})");
    }
    void commit(int version, const std::string& action) const {
        std::string name = std::to_string(version);
        name.insert(0, 20 - name.size(), '0');
        dir.write(kLog + name + ".json", action + "\n");
    }
    void checkpoint(const std::string& name, const std::string& fixture) const {
        dir.write(kVersion10 + name, read_fixture("delta/" + fixture + ".parquet"));
    }
    void parts() const {
        checkpoint("0000000001.0000000002.parquet", "part-1");
        checkpoint("0000000002.0000000002.parquet", "part-2");
    }
    void sidecars() const {
        for (const std::string name : {"part-1", "part-2"})
            dir.write(kLog + "_sidecars/" + name + ".parquet", read_fixture("delta/" + name + ".parquet"));
    }
    void remove(const std::string& name) const { fs::remove(dir / ("lake/t/" + name)); }

    struct Found {
        std::vector<std::string> warnings, notes;
    };
    Found snap_lake() const {
        const ops::SnapReport report = snap({source("lake", SourceKind::tree, (dir / "lake").string())});
        return {report.manifest.components.at(0).warnings, report.notes};
    }
    void expect_whole() const {
        const Found found = snap_lake();
        CHECK(found.warnings == std::vector<std::string>{});
        CHECK(found.notes == std::vector<std::string>{});
    }
    /// One warning, which has that text, and no notes.
    void expect_warning(const std::string& text) const {
        const Found found = snap_lake();
        REQUIRE(found.warnings.size() == 1);
        CHECK(contains(found.warnings[0], "delta table 't': "));
        CHECK_MESSAGE(contains(found.warnings[0], text), found.warnings[0]);
        CHECK(found.notes == std::vector<std::string>{});
    }
};

}  // namespace

TEST_CASE("check_delta: a table whose early commits are gone is checked from its checkpoint") {
    for (const char* fixture : {"snappy", "gzip", "zstd"}) {
        CAPTURE(fixture);
        const Table t;
        t.checkpoint("parquet", fixture);
        t.expect_whole();
    }
}

TEST_CASE("check_delta: a file that only the checkpoint names is missed") {
    const Table t;
    t.checkpoint("parquet", "snappy");
    t.remove("day=3/part-3.parquet");
    t.expect_warning("'day=3/part-3.parquet' is named by the log and missing");
    ops::VerifyOptions verify;
    verify.ids = list_snapshot_ids(t.repository);
    verify.deep = true;
    const auto findings = ops::verify(t.repository, verify).findings;
    REQUIRE(findings.size() == 1);
    CHECK(contains(findings[0].what, "part-3.parquet"));
}

TEST_CASE("check_delta: a file of another size than the checkpoint says is a warning") {
    const Table t;
    t.checkpoint("parquet", "zstd");
    t.dir.write("lake/t/a name.parquet", "123456");
    t.expect_warning("'a name.parquet' has 6 bytes, the log says 5");
}

TEST_CASE("check_delta: commits after the checkpoint count, those before it do not") {
    const Table t;
    t.checkpoint("parquet", "snappy");
    t.commit(9, R"({"add":{"path":"long-gone.parquet","size":1}})");
    t.commit(12, R"({"remove":{"path":"day=8/part-8.parquet"}})");
    t.remove("day=8/part-8.parquet");
    t.expect_whole();
    t.commit(14, "{}");
    t.expect_warning("version 13 is missing from the log");
}

TEST_CASE("check_delta: a checkpoint in parts is read when all of them are there") {
    const Table t;
    t.parts();
    t.expect_whole();
    t.remove("day=1/part-1.parquet");
    t.expect_warning("day=1/part-1.parquet");
    t.dir.write("lake/t/day=1/part-1.parquet", std::string(10, 'x'));
    fs::remove(t.dir / (kVersion10 + "0000000002.0000000002.parquet"));
    const auto found = t.snap_lake();
    REQUIRE(found.warnings.size() == 1);
    CHECK(contains(found.warnings[0], "1 of its 2 files are missing"));
}

TEST_CASE("check_delta: a V2 checkpoint is read with the sidecars that it names") {
    for (const bool is_json : {false, true}) {
        CAPTURE(is_json);
        const Table t;
        t.sidecars();
        if (is_json)
            t.dir.write(
                kVersion10 + kSidecarId + ".json",
                "{\"checkpointMetadata\":{\"version\":10}}\n{\"sidecar\":{\"path\":\"part-1.parquet\"}}\n"
                "{\"sidecar\":{\"path\":\"part-2.parquet\"}}\n");
        else
            t.checkpoint(kSidecarId + std::string(".parquet"), "sidecars");
        t.expect_whole();
        t.remove("day=6/part-6.parquet");
        t.expect_warning("day=6/part-6.parquet");
        fs::remove(t.dir / (kLog + "_sidecars/part-2.parquet"));
        CHECK(contains(t.snap_lake().warnings.at(0), "part-2.parquet' is missing"));
    }
}

TEST_CASE("check_delta: a damaged checkpoint that nothing makes up for is a warning") {
    const Table t;
    t.checkpoint("parquet", "snappy");
    std::string bytes = t.dir.read(kVersion10 + "parquet");
    t.dir.write(kVersion10 + "parquet", bytes.substr(0, bytes.size() / 2));
    const auto found = t.snap_lake();
    REQUIRE(found.warnings.size() == 1);
    CHECK(contains(found.warnings[0], "the checkpoint of version 10 cannot be read"));
    REQUIRE(found.notes.size() == 1);
    CHECK(contains(found.notes[0], "starts at version 11"));
}

TEST_CASE("check_delta: the checkpoint before a damaged one takes its place, with a note") {
    const Table t;
    t.parts();
    t.dir.write(kLog + "00000000000000000011.checkpoint.parquet", "PAR1 and no more");
    const auto found = t.snap_lake();
    CHECK(found.warnings.empty());
    REQUIRE(found.notes.size() == 1);
    CHECK(contains(found.notes[0], "version 11 cannot be read"));
    CHECK(contains(found.notes[0], "that of version 10 was used"));
    t.remove("day=1/part-1.parquet");
    CHECK(contains(t.snap_lake().warnings.at(0), "day=1/part-1.parquet"));
}

TEST_CASE("check_delta: a checkpoint in a form that we do not read is a note") {
    const Table t;
    t.checkpoint("parquet", "brotli");
    const auto found = t.snap_lake();
    CHECK(found.warnings.empty());
    REQUIRE(found.notes.size() == 2);
    CHECK(contains(found.notes[0], "codec 4 is not supported"));
}

TEST_CASE("check_delta: what was noted or warned of is said again while nothing changes, cache or not") {
    const Table t;
    t.checkpoint("parquet", "brotli");
    t.dir.write("lake/a/_delta_log/00000000000000000003.checkpoint.parquet", "garbage");
    const auto found = t.snap_lake();
    REQUIRE(found.warnings.size() == 1);
    REQUIRE(found.notes.size() == 2);
    for (int run = 0; run < 3; ++run) {
        CAPTURE(run);
        if (run == 2) remove_tree(cache_folder(t.repository));
        const auto again = t.snap_lake();
        CHECK(again.warnings == found.warnings);
        CHECK(again.notes == found.notes);
    }
}

TEST_CASE("check_delta: an unchanged tree is not checked again, except by another version of holdfast") {
    const Table t;
    t.checkpoint("parquet", "snappy");
    t.snap_lake();
    const fs::path cache = cache_folder(t.repository) / "index.db";
    run_sql(
        cache,
        R"(UPDATE checked SET findings = '{"warnings":["delta table said"],"notes":["noted"],"tables":1}')");
    const auto known = t.snap_lake();
    CHECK(known.warnings == std::vector<std::string>{"delta table said"});
    CHECK(known.notes == std::vector<std::string>{"noted"});
    run_sql(cache, "UPDATE checked SET findings = '[nonsense'");
    t.expect_whole();
    run_sql(cache,
            "UPDATE checked SET findings = '{\"notes\":[\"of old\"],\"tables\":1}', key = randomblob(32)");
    t.expect_whole();
}

TEST_CASE("check_delta: a log that is damaged in the repository is a warning, not the end of the run") {
    const Table t;
    t.checkpoint("parquet", "snappy");
    for (const std::string name : {"lake/a", "lake/z"})  // so that the log is in chunks that do not change
        t.dir.write(name, std::string(as_text(noise(3'000'000, name.back()))));
    const auto lake = t.source("lake", SourceKind::tree, (t.dir / "lake").string());
    const Manifest first = t.snap({lake}).manifest;
    for (const Digest& object : data_objects(t.repository, first.components[0]))
        publish_file(t.repository.object(object), Bytes(fs::file_size(t.repository.object(object))));
    t.dir.write("lake/zz", "changes the index");
    const ops::SnapReport report = t.snap({lake});
    CHECK(report.manifest.state() == "partial");
    REQUIRE(report.manifest.components[0].warnings.size() == 1);
    CHECK(contains(report.manifest.components[0].warnings[0], "could not be checked: object"));
}

TEST_CASE("check_delta: a checkpoint is not looked at where the commits say it all") {
    const Table t;
    for (int v = 0; v <= 10; ++v) t.commit(v, "{}");
    t.dir.write(kVersion10 + "parquet", "garbage");
    t.expect_whole();
}

TEST_CASE("check_delta: one table's damage does not keep another from being checked") {
    const Table t;
    t.checkpoint("parquet", "snappy");
    t.dir.write("lake/a/_delta_log/00000000000000000003.checkpoint.parquet", "garbage");
    t.remove("day=2/part-2.parquet");
    const auto found = t.snap_lake();
    REQUIRE(found.warnings.size() == 2);
    CHECK(contains(found.warnings[0], "'a': the checkpoint of version 3"));
    CHECK(contains(found.warnings[1], "'t': 'day=2/part-2.parquet'"));
}

TEST_CASE("check_delta: nothing stays in the staging folder") {
    const Table t;
    t.checkpoint("parquet", "snappy");
    t.snap_lake();
    CHECK(fs::is_empty(t.repository.tmp()));
}
