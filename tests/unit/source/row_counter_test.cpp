#include "holdfast/source/row_counter.hpp"

#include <doctest/doctest.h>

#include "holdfast/source/sqlite_image.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::run_sql;
using holdfast::testing::TempDir;

namespace {

/// What SQLite counts, and what passing pages say.
struct Counts {
    std::map<std::string, std::int64_t> by_sqlite, by_pages;
};
Counts count(const fs::path& path, const fs::path& staging) {
    SqliteImage image(path.string(), {std::chrono::milliseconds{200}, staging});
    RowCounter counter(image.page_count());
    image.copy_to([&](ByteSpan page) { counter.add(page); });
    Counts out;
    std::vector<std::string> uncounted;
    out.by_pages = image.row_counts(counter, uncounted);
    CHECK(uncounted.empty());
    const Database db = Database::open_cache(path.string());
    Statement tables = db.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\'");
    while (tables.step()) {
        const std::string name{tables.text(0)};
        out.by_sqlite[name] = db.query_integer(("SELECT count(*) FROM \"" + name + "\"").c_str());
    }
    return out;
}

std::string rows(int n) {
    return "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < " + std::to_string(n) +
           ") ";
}

}  // namespace

TEST_CASE("row_counter: passing pages say what SQLite counts, for every page size and kind of table") {
    const TempDir dir;
    for (const int page : {512, 1024, 4096, 32768, 65536})
        for (const char* vacuum : {"NONE", "FULL"}) {
            CAPTURE(page);
            const fs::path path = dir / (std::to_string(page) + vacuum + ".db");
            run_sql(path,
                    ("PRAGMA page_size = " + std::to_string(page) + "; PRAGMA auto_vacuum = " + vacuum +
                     "; CREATE TABLE many(id INTEGER PRIMARY KEY, note TEXT);"
                     "CREATE TABLE keyed(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;"
                     "CREATE TABLE wide(blob); CREATE TABLE none(x); CREATE INDEX notes ON many(note);" +
                     "INSERT INTO many " + rows(20000) + "SELECT x, hex(randomblob(x % 40)) FROM n;" +
                     "INSERT INTO keyed " + rows(9000) + "SELECT hex(randomblob(12)), x FROM n;" +
                     "INSERT INTO wide " + rows(30) + "SELECT randomblob(5000 * x) FROM n;" +
                     "DELETE FROM many WHERE id % 3 = 0;")
                        .c_str());
            const Counts counts = count(path, dir.path());
            CHECK(counts.by_pages == counts.by_sqlite);
            CHECK(counts.by_pages.size() == 4);
            CHECK(counts.by_pages.at("many") == 13334);
        }
}

TEST_CASE("row_counter: a database in WAL mode is counted as of the image") {
    const TempDir dir;
    const Database writer = Database::open_cache((dir / "t.db").string());
    writer.execute("PRAGMA journal_mode = WAL; CREATE TABLE t(x);");
    writer.execute(("INSERT INTO t " + rows(5000) + "SELECT x FROM n;").c_str());
    CHECK(count(dir / "t.db", dir.path()).by_pages == std::map<std::string, std::int64_t>{{"t", 5000}});
}

TEST_CASE("row_counter: what is no tree is not counted, and a tree that bites its tail ends") {
    Bytes leaf(512), inner(512), index(512);
    leaf[0] = std::byte{0x0D};
    leaf[4] = std::byte{7};
    index[0] = std::byte{0x0A};
    inner[0] = std::byte{0x05};
    const auto tree = [&](std::byte right_child) {
        inner[11] = right_child;
        RowCounter counter(5);
        counter.add(Bytes(512));  // the first page
        for (const Bytes& page : {leaf, inner, Bytes(512), index}) counter.add(page);
        return counter;
    };
    CHECK(tree(std::byte{2}).rows(3) == 7);
    CHECK(tree(std::byte{2}).rows(2) == 7);
    RowCounter twice = tree(std::byte{2});
    CHECK(twice.rows(3) == 7);
    CHECK_FALSE(twice.rows(2));               // a page belongs to one tree
    CHECK_FALSE(tree(std::byte{3}).rows(3));  // itself
    CHECK_FALSE(tree(std::byte{4}).rows(3));  // no page of a tree
    CHECK_FALSE(tree(std::byte{9}).rows(3));  // past the end
    CHECK_FALSE(tree(std::byte{0}).rows(3));
    CHECK_FALSE(tree(std::byte{2}).rows(0));
    inner[4] = std::byte{1};  // one more child, whose cell lies past the page
    inner[12] = std::byte{0x7F};
    CHECK_FALSE(tree(std::byte{2}).rows(3));
    inner[12] = std::byte{1};  // at 256: page 5, of an index
    inner[256 + 3] = std::byte{5};
    CHECK_FALSE(tree(std::byte{2}).rows(3));
    CHECK_FALSE(RowCounter(kMaxCountedPages + 1).rows(1));
}

TEST_CASE("row_counter: pages that name more children than there are pages take no memory for it") {
    RowCounter counter(1000);
    Bytes page(65536);
    page[0] = page[100] = std::byte{0x05};
    page[3] = page[103] = std::byte{0x7F};  // 32,512 cells
    for (int i = 0; i < 1000; ++i) counter.add(page);
    CHECK_FALSE(counter.is_on());
    CHECK_FALSE(counter.rows(1));
}
