#include "holdfast/ops/snap.hpp"

#include <sys/resource.h>

#include "holdfast/ops/restore.hpp"
#include "holdfast/ops/verify.hpp"
#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using holdfast::testing::noise;
using holdfast::testing::run_sql;
using holdfast::testing::TestRepository;

namespace {

const char* const kRows =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 "
    "FROM n WHERE x<20000)"
    " INSERT INTO t SELECT x, hex(randomblob(50)) FROM n;";

/// Restores the snapshot into an empty folder and verifies it deeply: what every test that writes ends with.
void prove(const TestRepository& t, const Manifest& m) {
    fs::remove_all(t.target());
    ops::RestoreOptions restore;
    restore.target = t.target();
    ops::restore(t.repository, read_checked_manifest(t.repository, m.id), restore);
    ops::VerifyOptions verify;
    verify.ids = {m.id};
    verify.deep = true;
    const ops::VerifyReport report = ops::verify(t.repository, verify);
    for (const ops::Finding& f : report.findings) FAIL(f.component, " ", f.item, " ", f.what);
}

void forget_cache(const TestRepository& t) { fs::remove_all(cache_folder(t.repository)); }

}  // namespace

TEST_CASE("snap: a database is restored byte for byte, and again after a change of some pages") {
    TestRepository t;
    run_sql(t.dir / "t.db", kRows);
    const auto source = t.source("trades", SourceKind::sqlite, (t.dir / "t.db").string());
    const Manifest first = t.snap({source}).manifest;
    prove(t, first);
    CHECK(t.dir.read("restored/trades") == t.dir.read("t.db"));
    run_sql(t.dir / "t.db", "UPDATE t SET b = 'x' WHERE a = 10000");
    const Manifest second = t.snap({source}).manifest;
    prove(t, second);
    CHECK(t.dir.read("restored/trades") == t.dir.read("t.db"));
    CHECK(second.components[0].new_bytes <= 3 * 4096);
    CHECK(second.number == first.number + 1);
    CHECK(second.parent->id == first.id);
}

TEST_CASE("snap: without its cache a run finds the unchanged pages and chunks in the repository") {
    TestRepository t;
    run_sql(t.dir / "t.db", kRows);
    t.dir.write("tree/big", std::string(as_text(noise(3'000'000))));
    const std::vector<SourceConfig> sources = {
        t.source("trades", SourceKind::sqlite, (t.dir / "t.db").string()),
        t.source("tree", SourceKind::tree, (t.dir / "tree").string())};
    t.snap(sources);
    forget_cache(t);
    run_sql(t.dir / "t.db", "UPDATE t SET b = 'x' WHERE a = 10000");
    const Manifest m = t.snap(sources).manifest;
    CHECK(m.new_bytes() <= 3 * 4096);
    prove(t, m);
    CHECK(t.dir.read("restored/trades") == t.dir.read("t.db"));
}

TEST_CASE("snap: an object that is gone is stored again, not referred to") {
    TestRepository t;
    t.dir.write("tree/big", std::string(as_text(noise(3'000'000))));
    const auto source = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    const Manifest first = t.snap({source}).manifest;
    for (const Digest& name : read_checksums(t.repository.snapshot(first.id) / "SHA256SUMS").objects)
        fs::remove(t.repository.object(name));
    prove(t, t.snap({source}).manifest);
    CHECK(t.dir.read("restored/tree/big") == t.dir.read("tree/big"));
}

TEST_CASE(
    "snap: a source that fails is named and the others are kept; nothing at all is an error and no "
    "snapshot") {
    TestRepository t;
    t.dir.write("tree/a", "1");
    const auto tree = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    const auto missing = t.source("gone", SourceKind::sqlite, (t.dir / "none.db").string());
    const ops::SnapReport report = t.snap({missing, tree});
    CHECK(report.exit_code() == static_cast<int>(Kind::partial));
    REQUIRE(report.manifest.missing.size() == 1);
    CHECK(report.manifest.missing[0].source == "gone");
    prove(t, report.manifest);
    CHECK(catch_error([&] { t.snap({missing}); }).kind() == Kind::not_found);
    CHECK(list_snapshot_ids(t.repository).size() == 1);
}

TEST_CASE("snap: a tree that is empty now and was not last time is suspect") {
    TestRepository t;
    t.dir.write("tree/a", "1");
    auto tree = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    t.snap({tree});
    fs::remove(t.dir / "tree/a");
    const ops::SnapReport report = t.snap({tree});
    CHECK(report.manifest.state() == "suspect");
    CHECK(report.exit_code() == static_cast<int>(Kind::partial));
    t.dir.write("tree/a", "1");
    t.snap({tree});
    fs::remove(t.dir / "tree/a");
    tree.allow_empty = true;
    CHECK(t.snap({tree}).manifest.state() == "complete");
}

TEST_CASE("snap: a command's output is a component, its failure, silence or early end is none") {
    TestRepository t;
    SourceConfig dump = t.source("dump", SourceKind::command, "");
    dump.paths.clear();
    dump.shell = true;
    dump.command = {"printf 'a\\nb\\ndone\\n'"};
    dump.expect_end = "done";
    prove(t, t.snap({dump}).manifest);
    CHECK(t.dir.read("restored/dump") == "a\nb\ndone\n");
    for (const char* line : {"echo done; exit 3", "false | echo done", "true", "echo a"}) {
        dump.command = {line};
        CAPTURE(line);
        CHECK(catch_error([&] { t.snap({dump}); }).kind() == Kind::io);
    }
}

TEST_CASE("snap: a Delta table whose log names a file that is not there is a warning") {
    TestRepository t;
    const char* const log =
        R"({"add":{"path":"part-1.parquet","size":3,"modificationTime":1,"dataChange":true,"partitionValues":{}}})";
    t.dir.write("lake/t/_delta_log/00000000000000000000.json", std::string(log) + "\n");
    t.dir.write("lake/t/part-1.parquet", "abc");
    const auto lake = t.source("lake", SourceKind::tree, (t.dir / "lake").string());
    CHECK(t.snap({lake}).manifest.state() == "complete");
    fs::remove(t.dir / "lake/t/part-1.parquet");
    const Manifest m = t.snap({lake}).manifest;
    CHECK(m.state() == "partial");
    CHECK(contains(m.components[0].warnings.at(0), "part-1.parquet"));
    CHECK(t.snap({lake}).manifest.state() == "partial");  // also when nothing changed since
}

TEST_CASE("snap: two components of one name are a configuration error before anything is read") {
    TestRepository t;
    t.dir.write("x/same", "1");
    t.dir.write("y/same", "2");
    SourceConfig tree = t.source("s", SourceKind::tree, (t.dir / "x/same").string());
    tree.paths.push_back((t.dir / "y/same").string());
    CHECK(catch_error([&] { t.snap({tree}); }).kind() == Kind::config);
}

TEST_CASE("snap: a file as a tree is restored as that file, under the component's name") {
    TestRepository t;
    t.dir.write("production.yaml", "a: 1\n");
    t.dir.write(".env", "SECRET=1\n");
    SourceConfig settings = t.source("settings", SourceKind::tree, (t.dir / "production.yaml").string());
    settings.paths.push_back((t.dir / ".env").string());
    prove(t, t.snap({settings}).manifest);
    CHECK(t.dir.read("restored/settings/production.yaml") == "a: 1\n");
    CHECK(t.dir.read("restored/settings/.env") == "SECRET=1\n");
}

TEST_CASE("snap: a repository that was rolled back since this host's last snapshot is suspect") {
    TestRepository t;
    t.dir.write("tree/a", "1");
    const auto tree = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    t.snap({tree});
    const fs::path old = t.dir / "old";
    fs::copy(t.repository.root(), old, fs::copy_options::recursive);
    t.snap({tree});
    fs::remove_all(t.repository.root());
    fs::rename(old, t.repository.root());
    const Manifest m = t.snap({tree}).manifest;
    CHECK(m.state() == "suspect");
    CHECK(m.number == 3);  // numbers go on from the host's memory
}

TEST_CASE("snap: a command that fails midway harms no other source, in this run or the next") {
    TestRepository t;
    const auto file = [&](const std::string& name, std::size_t size) {
        t.dir.write(name, std::string(as_text(noise(size, size))));
        return t.source(name, SourceKind::tree, (t.dir / name).string());
    };
    const auto first = file("first", 300'000), last = file("last", 400'000);
    SourceConfig dump = t.source("dump", SourceKind::command, "");
    dump.paths.clear();
    dump.shell = true;
    for (int i = 0; i < 6; ++i) {
        dump.command = {"head -c 9000000 /dev/urandom; exit 1"};
        const ops::SnapReport report = t.snap({first, dump, last});
        CHECK(report.exit_code() == static_cast<int>(Kind::partial));
        prove(t, report.manifest);
        dump.command = {"echo whole"};
        prove(t, t.snap({first, dump, last}).manifest);
        CHECK(t.dir.read("restored/last") == t.dir.read("last"));
        forget_cache(t);
        fs::remove(t.dir / "first");
        file("first", 300'000 + static_cast<std::size_t>(i));
    }
}

TEST_CASE("snap: a file that is a source of its own and part of a tree keeps its name in both") {
    TestRepository t;
    const fs::path big = t.dir.write("tree/big.bin", std::string(as_text(noise(2'000'000))));
    fs::last_write_time(big, fs::last_write_time(big) - std::chrono::hours{1});
    const std::vector<SourceConfig> sources = {t.source("x", SourceKind::tree, big.string()),
                                               t.source("all", SourceKind::tree, (t.dir / "tree").string())};
    ::sleep(3);  // inode times, too, must be old enough for a segment to be taken over
    for (int i = 0; i < 3; ++i) prove(t, t.snap(sources).manifest);
    CHECK(t.dir.read("restored/x") == t.dir.read("tree/big.bin"));
    CHECK(t.dir.read("restored/all/big.bin") == t.dir.read("tree/big.bin"));
    CHECK_FALSE(fs::exists(t.target() / "all/x"));
}

TEST_CASE("snap: a damaged cache costs a note, not the snapshot, and is made anew") {
    TestRepository t;
    t.dir.write("tree/big", std::string(as_text(noise(3'000'000))));
    const auto tree = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    t.snap({tree});
    const fs::path index = cache_folder(t.repository) / "index.db";
    std::string bytes = read_file(index, 1_GiB);
    std::fill(bytes.begin() + 4096, bytes.end(), 'x');
    publish_file(index, as_bytes(bytes));
    const ops::SnapReport report = t.snap({tree});
    CHECK(report.manifest.state() == "complete");
    CHECK_FALSE(report.notes.empty());
    prove(t, report.manifest);
    t.snap({tree});
    CHECK(t.snap({tree}).notes.empty());
}

TEST_CASE("snap: a cache that lacks tables, is older or is gone changes nothing of what is stored") {
    TestRepository t;
    t.dir.write("tree/big", std::string(as_text(noise(3'000'000))));
    run_sql(t.dir / "t.db", kRows);
    const std::vector<SourceConfig> sources = {
        t.source("tree", SourceKind::tree, (t.dir / "tree").string()),
        t.source("trades", SourceKind::sqlite, (t.dir / "t.db").string())};
    t.snap(sources);
    for (const char* damage :
         {"DROP TABLE object_use", "DROP TABLE unchanged", "DROP TABLE chunk", "PRAGMA user_version = 1",
          "DROP TABLE segment; PRAGMA user_version = 1", ""}) {
        CAPTURE(damage);
        const Manifest before = t.snap(sources).manifest;
        run_sql(cache_folder(t.repository) / "index.db", damage);
        if (*damage == '\0') forget_cache(t);
        const ops::SnapReport report = t.snap(sources);
        CHECK(report.notes.empty());
        CHECK(report.manifest.new_bytes() == 0);
        for (std::size_t i = 0; i < sources.size(); ++i)
            CHECK(report.manifest.components[i].recipe.digest == before.components[i].recipe.digest);
        prove(t, report.manifest);
    }
}

TEST_CASE("snap: a damaged recipe of the last image costs space, not the snapshot") {
    TestRepository t;
    run_sql(t.dir / "t.db", kRows);
    const auto source = t.source("trades", SourceKind::sqlite, (t.dir / "t.db").string());
    const Manifest first = t.snap({source}).manifest;
    const fs::path object = t.repository.object(first.components[0].recipe.extents.at(0).object);
    std::string bytes = read_file(object, kMaxStoredBytes);
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
    publish_file(object, as_bytes(bytes));
    run_sql(t.dir / "t.db", "UPDATE t SET b = 'x' WHERE a = 10000");
    const ops::SnapReport report = t.snap({source});
    CHECK(report.manifest.state() == "complete");
    prove(t, report.manifest);
    CHECK(t.dir.read("restored/trades") == t.dir.read("t.db"));
}

TEST_CASE("snap: a source that stays empty stays suspect") {
    TestRepository t;
    t.dir.write("tree/a", "1");
    const auto tree = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    t.snap({tree});
    fs::remove(t.dir / "tree/a");
    for (int i = 0; i < 3; ++i) CHECK(t.snap({tree}).manifest.state() == "suspect");
}

TEST_CASE("snap: the repository is not a source") {
    TestRepository t;
    CHECK(catch_error([&] {
              t.snap({t.source("r", SourceKind::tree, t.repository.root().string())});
          }).kind() == Kind::refused);
}

TEST_CASE("snap: an object that cannot be written ends the run, whatever else could be read") {
    TestRepository t;
    std::vector<SourceConfig> sources;
    for (const auto& [name, size] : {std::pair{"a", 300'000}, {"b", 40'000'000}, {"c", 400'000}}) {
        t.dir.write(
            name,
            std::string(as_text(noise(static_cast<std::size_t>(size), static_cast<std::uint64_t>(size)))));
        sources.push_back(t.source(name, SourceKind::tree, (t.dir / name).string()));
    }
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{4 << 20, before.rlim_max};  // a full object is larger, everything else smaller
    ::setrlimit(RLIMIT_FSIZE, &small);
    const Error e = catch_error([&] { t.snap(sources); });
    ::setrlimit(RLIMIT_FSIZE, &before);
    CHECK(e.kind() == Kind::io);
    CHECK(list_snapshot_ids(t.repository).empty());
    prove(t, t.snap(sources).manifest);
}

TEST_CASE("snap: what a Delta check could not see is noted") {
    TestRepository t;
    t.dir.write("lake/t/_delta_log/00000000000000000010.json", "{\"commitInfo\":{}}\n");
    const auto notes = t.snap({t.source("lake", SourceKind::tree, (t.dir / "lake").string())}).notes;
    REQUIRE(notes.size() == 1);
    CHECK(contains(notes[0], "starts at version 10"));
}
