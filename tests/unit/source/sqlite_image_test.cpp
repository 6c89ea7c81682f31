#include "holdfast/source/sqlite_image.hpp"

#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::run_sql;
using holdfast::testing::TempDir;

namespace {

const char* const kRows =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 "
    "FROM n WHERE x<2000)"
    " INSERT INTO t SELECT x, hex(randomblob(50)) FROM n;";

std::string image_of(const TempDir& dir, const std::string& name) {
    SqliteImage image((dir / name).string(), {std::chrono::milliseconds{200}, dir.path()});
    std::string out;
    image.copy_to([&](ByteSpan bytes) { out += as_text(bytes); });
    CHECK(out.size() == image.bytes());
    return out;
}

}  // namespace

TEST_CASE("sqlite_image: the image is the file byte for byte, for every page size") {
    for (const char* page_size : {"512", "1024", "2048", "4096", "8192", "16384", "32768", "65536"}) {
        TempDir dir;
        run_sql(dir / "t.db", (std::string("PRAGMA page_size=") + page_size + ";" + kRows).c_str());
        CHECK(image_of(dir, "t.db") == dir.read("t.db"));
    }
}

TEST_CASE("sqlite_image: commits that are only in the WAL are in the image, and no sidecar is left or lost") {
    TempDir dir;
    Database writer = Database::open_cache((dir / "t.db").string());
    writer.execute("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;");
    writer.execute(kRows);
    writer.execute("CREATE TABLE late(x); INSERT INTO late VALUES(1);");
    const std::string image = image_of(dir, "t.db");
    CHECK(fs::exists(dir / "t.db-wal"));
    dir.write("copy.db", image);
    CHECK(Database::open_readonly(dir / "copy.db", Database::Source::immutable, {})
              .query_integer("SELECT count(*) FROM late") == 1);
    writer.execute("INSERT INTO late VALUES(2);");  // the writer goes on
}

TEST_CASE("sqlite_image: a closed WAL database is read without leaving -wal or -shm behind") {
    TempDir dir;
    run_sql(dir / "t.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(x);");
    REQUIRE_FALSE(fs::exists(dir / "t.db-wal"));
    CHECK(image_of(dir, "t.db") == dir.read("t.db"));
    CHECK_FALSE(fs::exists(dir / "t.db-wal"));
    CHECK_FALSE(fs::exists(dir / "t.db-shm"));
}

TEST_CASE("sqlite_image: the image stays as it was when a writer commits while it is read") {
    TempDir dir;
    Database writer = Database::open_cache((dir / "t.db").string());
    writer.execute("PRAGMA journal_mode=WAL;");
    writer.execute(kRows);
    SqliteImage image((dir / "t.db").string(), {std::chrono::milliseconds{200}, dir.path()});
    writer.execute("INSERT INTO t(b) VALUES('late'); CREATE TABLE more(x);");
    std::string out;
    image.copy_to([&](ByteSpan bytes) { out += as_text(bytes); });
    dir.write("copy.db", out);
    const Database copy = Database::open_readonly(dir / "copy.db", Database::Source::immutable, {});
    CHECK(copy.query_integer("SELECT count(*) FROM t") == 2000);
    CHECK(copy.query_text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("sqlite_image: an empty file is an empty database") {
    TempDir dir;
    dir.write("t.db", "");
    CHECK(image_of(dir, "t.db").empty());
}

TEST_CASE(
    "sqlite_image: a database locked past the budget is busy, a foreign file corrupt, a missing one not "
    "found and not made") {
    TempDir dir;
    run_sql(dir / "t.db", kRows);
    Database writer = Database::open_cache((dir / "t.db").string());
    writer.execute("BEGIN EXCLUSIVE");
    CHECK(catch_error([&] { image_of(dir, "t.db"); }).kind() == Kind::busy);
    writer.execute("ROLLBACK");
    dir.write("junk.db", std::string(5000, 'x'));
    CHECK(catch_error([&] { image_of(dir, "junk.db"); }).kind() == Kind::corrupt);
    CHECK(catch_error([&] { image_of(dir, "none.db"); }).kind() == Kind::not_found);
    CHECK_FALSE(fs::exists(dir / "none.db"));
}

TEST_CASE("sqlite_image: what the receiver throws comes through SQLite unharmed") {
    TempDir dir;
    run_sql(dir / "t.db", kRows);
    SqliteImage image((dir / "t.db").string(), {std::chrono::milliseconds{200}, dir.path()});
    std::size_t pages = 0;
    const Error e = catch_error([&] {
        image.copy_to([&](ByteSpan) {
            if (++pages == 5) throw Error(Kind::io, "disk full");
        });
    });
    CHECK(std::string(e.what()) == "disk full");
}
