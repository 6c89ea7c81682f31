#include "holdfast/ops/check_restored.hpp"

#include "holdfast/ops/restore.hpp"
#include "support/catch_error.hpp"
#include "support/fixture.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using holdfast::testing::run_sql;
using holdfast::testing::TestRepository;
using ops::CheckResult;
using State = ops::CheckResult::State;
using namespace std::chrono_literals;

namespace {

/// A database or tree that was captured and restored by the real code.
struct Restored : TestRepository {
    SourceConfig config;
    Manifest manifest;

    void database(const char* sql, const char* name = "t.db") {
        run_sql(dir / name, sql);
        restore(source("trades", SourceKind::sqlite, (dir / name).string()));
    }
    void tree() { restore(source("lake", SourceKind::tree, (dir / "lake").string())); }
    void restore(const SourceConfig& from) {
        config = from;
        manifest = snap({from}).manifest;
        ops::RestoreOptions options;
        options.target = target();
        ops::restore(repository, manifest, options);
    }
    const Component& component() const { return manifest.components.at(0); }
    fs::path path() const { return target() / component().name; }

    std::vector<CheckResult> check() const {
        return ops::check_restored(component(), path(), &config, manifest.started, manifest.id);
    }
    CheckResult find(const std::string& name) const {
        for (const CheckResult& r : check())
            if (r.name == name) return r;
        FAIL("there is no check ", name);
        return {};
    }
    /// The result of a query as the only configured check.
    CheckResult query(const std::string& sql, const std::string& expect) {
        config.checks = {{"q", sql, expect, {}, {}, false, 60s}};
        return find("q");
    }
    CheckResult age(const std::string& sql, std::chrono::seconds max_age) {
        config.checks = {{"q", sql, {}, max_age, {}, false, 60s}};
        return find("q");
    }
    CheckResult command(const std::string& line, std::chrono::seconds timeout = 60s) {
        config.checks = {{"c", "", {}, {}, {line}, true, timeout}};
        return find("c");
    }
};

const char* const kTrades =
    "CREATE TABLE trades(id INTEGER PRIMARY KEY, at TEXT);"
    "INSERT INTO trades(at) VALUES('2026-11-20 14:00:00'),('2026-11-20T15:00:00Z'),('2026-11-19')";

}  // namespace

TEST_CASE("check_restored: a sound database passes with its rows counted, and nothing appears beside it") {
    Restored r;
    r.database((std::string("PRAGMA journal_mode=WAL;") + kTrades).c_str());
    const auto results = r.check();
    REQUIRE(results.size() == 3);
    for (const CheckResult& result : results) CHECK(result.state == State::passed);
    CHECK(results[2].name == "row counts");
    CHECK(results[2].detail == "3 rows in 1 tables");
    CHECK(results[2].component == "trades");
    CHECK(list_directory(r.target()) == std::vector<std::string>{"trades"});
}

TEST_CASE("check_restored: a damaged page fails the integrity check") {
    Restored r;
    r.database(
        "CREATE TABLE t(x); CREATE INDEX i ON t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
        "FROM n "
        "LIMIT 5000) INSERT INTO t SELECT 'value ' || i FROM n");
    const Bytes garbage(4096, std::byte{0x5A});
    const UniqueFd fd = open_fd(r.path().string(), O_WRONLY);
    REQUIRE(::pwrite(fd.get(), garbage.data(), garbage.size(), 4096 * 5) == 4096);
    const CheckResult result = r.find("integrity_check");
    CHECK(result.state == State::failed);
    CHECK(contains(result.detail, "integrity_check: "));
}

TEST_CASE(
    "check_restored: rows that foreign keys forbid are no proof, and no failure of the restore either") {
    Restored r;
    r.database(
        "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(a REFERENCES a(id)); INSERT INTO b "
        "VALUES(7)");
    const CheckResult result = r.find("foreign_key_check");
    CHECK(result.state == State::unchecked);
    CHECK(contains(result.detail, "a row of 'b' refers to a row of 'a' that does not exist"));
}

TEST_CASE("check_restored: a collation that only the application has leaves the database unchecked") {
    Restored r;
    r.database(kTrades);
    // An index whose collation is unknown here, as an application with its own would have made it.
    run_sql(r.path(),
            "PRAGMA writable_schema=ON; CREATE INDEX i ON trades(at); UPDATE sqlite_schema SET sql = 'CREATE "
            "INDEX i "
            "ON trades(at COLLATE house)' WHERE name='i'; PRAGMA writable_schema=OFF");
    CHECK(r.find("integrity_check").state == State::unchecked);
}

TEST_CASE("check_restored: a database with other rows than the manifest counted fails") {
    Restored r;
    r.database(kTrades);
    run_sql(r.path(), "DELETE FROM trades WHERE id = 2");
    const CheckResult result = r.find("row counts");
    CHECK(result.state == State::failed);
    CHECK(result.detail == "table 'trades' has 2 rows, the manifest says 3");
    run_sql(r.path(), "DROP TABLE trades");
    CHECK(contains(r.find("row counts").detail, "no rows that can be counted"));
}

TEST_CASE("check_restored: without tables there is nothing to count, and an empty file is a sound database") {
    Restored r;
    r.dir.write("empty.db", "");
    r.database("", "empty.db");
    for (const CheckResult& result : r.check()) {
        CAPTURE(result.name);
        CHECK(result.state == State::passed);
    }
}

TEST_CASE("check_restored: a query passes if its first column is as expected") {
    Restored r;
    r.database(kTrades);
    CHECK(r.query("SELECT count(*), 'more' FROM trades", "3").state == State::passed);
    CHECK(r.query("SELECT 'a';  -- a comment", "a").state == State::passed);
    CHECK(r.query("PRAGMA user_version", "0").state == State::passed);
    const CheckResult other = r.query("SELECT count(*) FROM trades", "4");
    CHECK(other.state == State::failed);
    CHECK(other.detail == "the answer is '3', expected '4'");
    CHECK(r.query("SELECT id FROM trades WHERE id > 9", "0").detail == "the query has no row");
    CHECK(r.query("SELECT NULL", "").detail == "the answer is NULL");
    const CheckResult wrong = r.query("SELECT x FROM nowhere", "0");
    CHECK(wrong.state == State::failed);
    CHECK(contains(wrong.detail, "no such table: nowhere"));
}

TEST_CASE("check_restored: a query can neither change the data, nor open another file, nor be two") {
    Restored r;
    r.database(kTrades);
    const std::string before = r.dir.read("restored/trades");
    const std::string other = (r.dir / "other.db").string();
    for (const std::string& sql :
         {std::string("DELETE FROM trades RETURNING id"), "VACUUM INTO '" + other + "'",
          "ATTACH '" + other + "' AS o", std::string("SELECT 1; SELECT 2"),
          std::string("PRAGMA journal_mode=WAL"), std::string("-- nothing"),
          std::string("SELECT load_extension('x.so')"), std::string("CREATE TEMP TABLE x(y)")}) {
        CAPTURE(sql);
        CHECK(r.query(sql, "1").state == State::failed);
    }
    CHECK(r.dir.read("restored/trades") == before);
    CHECK_FALSE(fs::exists(other));
    CHECK(list_directory(r.target()) == std::vector<std::string>{"trades"});
}

TEST_CASE("check_restored: a query that runs too long fails at its timeout") {
    Restored r;
    r.database(kTrades);
    r.config.checks = {
        {"q",
         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n",
         "1",
         {},
         {},
         false,
         1s}};
    const CheckResult result = r.find("q");
    CHECK(result.state == State::failed);
    CHECK(result.detail == "it ran longer than 1 s");
}

TEST_CASE("check_restored: an age counts from the start of the snapshot, not from today") {
    Restored r;
    r.database(kTrades);
    r.manifest.started = *parse_utc("2026-11-21T02:00:00Z");
    const CheckResult fresh = r.age("SELECT max(at) FROM trades", 11h);
    CHECK(fresh.state == State::passed);
    CHECK(fresh.newest == parse_utc("2026-11-20T15:00:00Z"));
    CHECK(fresh.detail == "newest 2026-11-20T15:00:00Z, 11 h before the snapshot began; allowed 11 h");
    CHECK(r.age("SELECT max(at) FROM trades", 10h).state == State::failed);
    CHECK(r.age("SELECT 'soon'", 11h).detail == "the answer 'soon' is no time");
    CHECK(r.age("SELECT max(at) FROM trades WHERE id > 9", 11h).detail == "the answer is NULL");
}

TEST_CASE("check_restored: a newest row from the future proves nothing and fails") {
    Restored r;
    r.database(kTrades);
    r.manifest.started = *parse_utc("2026-11-20T14:59:00Z");
    CHECK(r.age("SELECT max(at) FROM trades", 1h).state == State::passed);  // written while it was captured
    r.manifest.started = *parse_utc("2026-11-18T14:59:00Z");
    CHECK(r.age("SELECT max(at) FROM trades", 1h).state == State::failed);
}

TEST_CASE("check_restored: a command is told where the data is, and passes with exit code 0") {
    Restored r;
    r.database(kTrades);
    const std::string line =
        "test \"$HOLDFAST_RESTORED\" = '" + r.path().string() +
        "' && test \"$HOLDFAST_COMPONENT\" = trades && test \"$HOLDFAST_SNAPSHOT\" = " + r.manifest.id +
        " && test -n \"$PATH\" && echo all is well";
    const CheckResult passed = r.command(line);
    CHECK(passed.state == State::passed);
    CHECK(passed.detail == "it said: all is well");
    const CheckResult failed = r.command("echo out; echo why >&2; exit 3");
    CHECK(failed.state == State::failed);
    CHECK(contains(failed.detail, "exit code 3: why; it said: out"));
    CHECK(contains(r.command("sleep 30", 1s).detail, "ran longer than 1 s"));
    r.config.checks = {{"c", "", {}, {}, {"/nowhere/program"}, false, 60s}};
    CHECK(r.find("c").state == State::failed);
}

TEST_CASE("check_restored: an inherited variable of the same name does not reach a command twice") {
    Restored r;
    r.database(kTrades);
    ::setenv("HOLDFAST_COMPONENT", "other", 1);
    const CheckResult result =
        r.command("env | grep -c '^HOLDFAST_COMPONENT=' | grep -qx 1 && test $HOLDFAST_COMPONENT = trades");
    ::unsetenv("HOLDFAST_COMPONENT");
    CHECK(result.state == State::passed);
}

TEST_CASE("check_restored: without a configuration the data is checked all the same") {
    Restored r;
    r.database(kTrades);
    CHECK(ops::check_restored(r.component(), r.path(), nullptr, r.manifest.started).size() == 3);
}

TEST_CASE("check_restored: databases inside a tree are checked, wherever they lie") {
    Restored r;
    fs::create_directories(r.dir / "lake/deep");
    run_sql(r.dir / "lake/deep/x.db", kTrades);
    r.dir.write("lake/a.txt", std::string(512, 'x'));
    r.tree();
    const CheckResult whole = r.find("integrity_check of 'deep/x.db'");
    CHECK(whole.state == State::passed);
    fs::resize_file(r.path() / "deep/x.db", 4096);
    CHECK(r.find("integrity_check of 'deep/x.db'").state == State::failed);
}

TEST_CASE("check_restored: a restored Delta table has the files that its log names") {
    Restored r;
    r.dir.write("lake/t/_delta_log/00000000000000000000.json",
                "{\"add\":{\"path\":\"a.parquet\",\"size\":3}}\n");
    r.dir.write("lake/t/a.parquet", "abc");
    r.tree();
    const CheckResult whole = r.find("delta log");
    CHECK(whole.state == State::passed);
    CHECK(whole.detail == "1 tables");
    fs::resize_file(r.path() / "t/a.parquet", 2);
    CHECK(contains(r.find("delta log").detail, "'a.parquet' has 2 bytes, the log says 3"));
    fs::remove(r.path() / "t/a.parquet");
    const CheckResult missing = r.find("delta log");
    CHECK(missing.state == State::failed);
    CHECK(contains(missing.detail, "'a.parquet' is named by the log and missing"));
}

TEST_CASE("check_restored: a Delta table whose log begins with a checkpoint is read from the disk") {
    Restored r;
    const std::string log = "lake/t/_delta_log/";
    r.dir.write(log + "00000000000000000010.checkpoint.parquet",
                testing::read_fixture("delta/snappy.parquet"));
    r.dir.write(log + "00000000000000000011.json", "{\"add\":{\"path\":\"new.parquet\",\"size\":1}}\n");
    r.dir.write("lake/t/new.parquet", "x");
    r.dir.write("lake/t/a name.parquet", "12345");
    for (int i = 1; i <= 8; ++i) {
        const std::string n = std::to_string(i);
        r.dir.write("lake/t/day=" + n + "/part-" + n + ".parquet",
                    std::string(static_cast<std::size_t>(10 * i), 'x'));
    }
    r.tree();
    CHECK(r.find("delta log").state == State::passed);
    fs::remove(r.path() / "t/day=3/part-3.parquet");
    CHECK(contains(r.find("delta log").detail, "'day=3/part-3.parquet' is named by the log and missing"));
    CHECK(list_directory(r.target()) == std::vector<std::string>{"lake"});
}
