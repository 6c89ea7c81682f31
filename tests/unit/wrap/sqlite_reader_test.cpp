#include "holdfast/wrap/sqlite_reader.hpp"

#include "holdfast/wrap/sqlite_authorizer.hpp"
#include "holdfast/wrap/sqlite_values.hpp"
#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::run_sql;
using holdfast::testing::TempDir;

namespace {

SqliteReader reader_of(const std::string& bytes) {
    return SqliteReader(bytes.size(), [&bytes](std::uint64_t offset, std::span<std::byte> out) {
        std::copy_n(as_bytes(bytes).begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    });
}

}  // namespace

TEST_CASE(
    "sqlite_reader: queries over an image in memory, of a WAL database too, with sorts that spill to disk") {
    const TempDir dir;
    run_sql(dir / "t.db",
            "PRAGMA journal_mode=WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 60000)"
            " INSERT INTO t SELECT x, hex(randomblob(60)) FROM n; PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string bytes = dir.read("t.db");
    SqliteReader reader = reader_of(bytes);
    const Database db = reader.open();
    CHECK(db.query_integer("SELECT count(*) FROM t") == 60000);
    db.execute("PRAGMA cache_size=10; PRAGMA temp_store=FILE");
    CHECK(db.query_integer("SELECT count(*) FROM (SELECT b FROM t ORDER BY b LIMIT 60000 OFFSET 1)") ==
          59999);
    CHECK(catch_error([&] { db.execute("DELETE FROM t"); }).kind() == Kind::io);
}

TEST_CASE(
    "sqlite_reader: what the function throws comes out by rethrow(), once, and the connection goes on") {
    const TempDir dir;
    run_sql(dir / "t.db",
            "CREATE TABLE t(a); CREATE TABLE u(a); INSERT INTO t VALUES(1); INSERT INTO u VALUES(2)");
    const std::string bytes = dir.read("t.db");
    bool fails = false;
    SqliteReader reader(bytes.size(), [&](std::uint64_t offset, std::span<std::byte> out) {
        if (fails) throw Error(Kind::corrupt, "object is damaged");
        std::copy_n(as_bytes(bytes).begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    });
    const Database db = reader.open();
    CHECK(db.query_integer("SELECT a FROM t") == 1);
    fails = true;
    CHECK(catch_error([&] { db.query_integer("SELECT a FROM u"); }).kind() == Kind::io);
    CHECK(catch_error([&] { reader.rethrow(); }).kind() == Kind::corrupt);
    reader.rethrow();
    fails = false;
    CHECK(db.query_integer("SELECT a FROM u") == 2);
}

TEST_CASE("sqlite_reader: an image that is no database, or ends early, is corrupt and no crash") {
    const std::string nonsense(8192, 'x');
    SqliteReader reader = reader_of(nonsense);
    CHECK(catch_error([&] { reader.open().query_integer("SELECT 1 FROM sqlite_schema"); }).kind() ==
          Kind::corrupt);
    const TempDir dir;
    run_sql(dir / "t.db", "CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(20000))");
    const std::string half = dir.read("t.db").substr(0, 8192);
    SqliteReader cut = reader_of(half);
    CHECK(catch_error([&] { cut.open().query_integer("SELECT length(a) + hex(a) FROM t"); }).kind() ==
          Kind::corrupt);
}

TEST_CASE("sqlite_values: a row comes with the types that were stored, and goes back in with them") {
    const TempDir dir;
    const Database db = Database::open_cache((dir / "t.db").string());
    db.execute("CREATE TABLE t(a, b, c, d, e, f, g)");
    const std::string text("a\0b", 3);
    const std::vector<SqliteValue> values = {
        std::monostate{}, std::int64_t{-5},     1.5,       std::string_view(text),
        as_bytes(text),   std::string_view(""), ByteSpan{}};
    {
        Statement insert = db.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)");
        for (std::size_t i = 0; i < values.size(); ++i)
            bind_value(insert, static_cast<int>(i) + 1, values[i]);
        insert.step();
    }
    Statement query = db.prepare("SELECT * FROM t");
    REQUIRE(query.step());
    std::vector<SqliteValue> back(values.size());
    read_row(query, back);
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(back[i].index() == values[i].index());
    CHECK(std::get<std::string_view>(back[3]) == text);
    CHECK(as_text(std::get<ByteSpan>(back[4])) == text);
}

TEST_CASE(
    "sqlite_authorizer: reading lets queries through, definitions lets CREATE through, and nothing else") {
    using Allow = SqliteAuthorizer::Allow;
    const TempDir dir;
    const Database db = Database::open_cache((dir / "t.db").string());
    db.execute("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    const auto is_refused = [&](Allow allow, const char* sql) {
        const SqliteAuthorizer authorizer(db, allow);
        try {
            db.execute(sql);
            return false;
        } catch (const SqliteError&) {
            return true;
        }
    };
    CHECK_FALSE(is_refused(Allow::reading,
                           "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5) "
                           "SELECT max(x), upper('a') FROM n, t"));
    for (const char* sql : {"DELETE FROM t", "ATTACH ':memory:' AS x", "PRAGMA user_version",
                            "CREATE TABLE u(a)", "SELECT load_extension('x')", "BEGIN",
                            "CREATE TEMP TABLE u(a)", "SELECT * FROM pragma_user_version"})
        CHECK_MESSAGE(is_refused(Allow::reading, sql), sql);
    CHECK_FALSE(is_refused(
        Allow::definitions,
        "CREATE TABLE u(a INT CHECK (abs(a) > 0)); CREATE INDEX i ON t(a + 1); CREATE VIEW v AS SELECT a "
        "FROM t;"
        "CREATE TRIGGER g AFTER INSERT ON u BEGIN DELETE FROM t; END; CREATE UNIQUE INDEX j ON t(a)"));
    for (const char* sql : {"DELETE FROM t", "INSERT INTO t VALUES (1)", "CREATE TABLE w AS SELECT 1",
                            "DROP TABLE t", "PRAGMA user_version = 3", "ATTACH ':memory:' AS x",
                            "CREATE TEMP TABLE w(a)", "CREATE VIRTUAL TABLE w USING fts5(a)",
                            "ALTER TABLE t ADD COLUMN b", "INSERT INTO sqlite_sequence VALUES ('t', 1)"})
        CHECK_MESSAGE(is_refused(Allow::definitions, sql), sql);
    CHECK(db.query_integer("SELECT count(*) FROM t") == 1);
}
