#include "holdfast/source/tree_sqlite.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

const std::string kDatabase = std::string("SQLite format 3\0", 16) + std::string(5000, 'd');

class FakeImage final : public ImageSource {
public:
    explicit FakeImage(std::string content, std::size_t fails_at)
        : content_(std::move(content)), fails_at_(fails_at) {}
    std::uint64_t bytes() const override { return content_.size(); }
    void copy_to(const std::function<void(ByteSpan)>& out) override {
        for (std::size_t at = 0; at < content_.size(); at += 4096) {
            if (at >= fails_at_) throw Error(Kind::io, "disk error");
            out(as_bytes(std::string_view{content_}.substr(at, 4096)));
        }
    }

private:
    std::string content_;
    std::size_t fails_at_;
};

/// Captures dir/in with databases opened by `opener`.
Captured capture_with(const TempDir& dir, const ImageOpener& opener) {
    Captured c;
    TreeOptions options;
    options.path = (dir / "in").string();
    options.open_sqlite = opener;
    options.start += std::chrono::seconds{10};
    c.report = capture_tree(options, *c.sink);
    CHECK(verify_tree(pull_text(c.sink->tar), want_all(c.sink->entries())).finding_count == 0);
    return c;
}
ImageOpener failing(Kind kind) {
    return
        [kind](const std::string&) -> std::unique_ptr<ImageSource> { throw Error(kind, "as the test says"); };
}
void make_family(const TempDir& dir) {
    dir.write("in/t.db", kDatabase);
    dir.write("in/t.db-journal", "journal");
    dir.write("in/t.db-shm", "shm");
    dir.write("in/t.db-wal", "wal");
    dir.write("in/text-wal", "no database beside it");
    dir.write("in/text", "SQLite format 3");
}

}  // namespace

TEST_CASE("tree_sqlite: a database becomes its image and its sidecars stay out") {
    const TempDir dir;
    make_family(dir);
    std::vector<std::string> opened;
    const Captured c = capture_with(dir, [&](const std::string& path) {
        opened.push_back(path);
        for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
            std::error_code gone;
            CHECK(std::filesystem::read_symlink(fd, gone) != std::filesystem::path(path));
        }
        return std::make_unique<FakeImage>(std::string(8192, 'i'), 9999);
    });
    CHECK(opened == std::vector<std::string>{std::filesystem::canonical(dir / "in/t.db").string()});
    CHECK(c.report.problem_count == 0);
    CHECK(c.report.note_count == 3);
    const auto entries = c.sink->by_path();
    CHECK(entries.size() == 4);
    CHECK(entries.at("t.db").is_sqlite);
    CHECK(entries.at("t.db").size == 8192);
    CHECK(entries.at("t.db").sha256 == sha256(std::string(8192, 'i')));
    CHECK_FALSE(entries.at("text").is_sqlite);
    CHECK(entries.contains("text-wal"));
    CHECK(c.sink->known.size() == 1);
}

TEST_CASE("tree_sqlite: a write to the WAL alone is a new key") {
    const TempDir dir;
    make_family(dir);
    const auto opener = [](const std::string&) {
        return std::make_unique<FakeImage>(std::string(4096, 'i'), 9999);
    };
    Captured c = capture_with(dir, opener);
    const auto first = c.sink->known;
    REQUIRE(first.size() == 1);
    dir.write("in/t.db-shm", "another shm");
    CHECK(capture_with(dir, opener).sink->known.begin()->first == first.begin()->first);
    dir.write("in/t.db-wal", "more wal");
    CHECK(capture_with(dir, opener).sink->known.begin()->first != first.begin()->first);
}

TEST_CASE("tree_sqlite: a busy database is left out, a damaged one is saved raw with its sidecars") {
    const TempDir dir;
    make_family(dir);
    const Captured busy = capture_with(dir, failing(Kind::busy));
    REQUIRE(busy.report.problem_count == 1);
    CHECK(busy.report.problems[0].issue == TreeIssue::busy);
    CHECK_FALSE(busy.sink->by_path().contains("t.db"));
    CHECK(busy.sink->known.empty());

    const Captured raw = capture_with(dir, failing(Kind::corrupt));
    REQUIRE(raw.report.problem_count == 1);
    CHECK(raw.report.problems[0].issue == TreeIssue::damaged);
    const auto entries = raw.sink->by_path();
    CHECK(entries.at("t.db").sha256 == sha256(kDatabase));
    CHECK_FALSE(entries.at("t.db").is_sqlite);
    CHECK(entries.at("t.db-wal").sha256 == sha256("wal"));
    CHECK(entries.at("t.db-journal").sha256 == sha256("journal"));
    CHECK(raw.sink->known.empty());
}

TEST_CASE("tree_sqlite: an image that breaks off is saved raw if small and cut short if large") {
    const TempDir dir;
    dir.write("in/t.db", kDatabase);
    const Captured small = capture_with(
        dir, [](const std::string&) { return std::make_unique<FakeImage>(std::string(8192, 'i'), 4096); });
    CHECK(small.sink->by_path().at("t.db").sha256 == sha256(kDatabase));
    CHECK(small.report.problem_count == 1);
    const Captured large = capture_with(dir, [](const std::string&) {
        return std::make_unique<FakeImage>(std::string(8 << 20, 'i'), 1 << 20);
    });
    CHECK(large.report.problem_count == 1);
    const IndexEntry entry = large.sink->by_path().at("t.db");
    CHECK(entry.truncated.value_or(0) == 1 << 20);
    CHECK(entry.sha256 == sha256(std::string(1 << 20, 'i')));
}

TEST_CASE("tree_sqlite: a live WAL database in a tree restores with its last commit") {
    const TempDir dir;
    std::filesystem::create_directory(dir / "in");
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open((dir / "in/t.db").c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, "PRAGMA journal_mode=wal; CREATE TABLE t(x); INSERT INTO t VALUES(42);", nullptr,
                         nullptr, nullptr) == SQLITE_OK);
    const Captured c = capture(dir / "in");  // through SqliteImage
    sqlite3_close(db);
    CHECK(c.report.problem_count == 0);
    CHECK(c.sink->by_path().size() == 2);
    extract_all(*c.sink, dir / "out");
    REQUIRE(sqlite3_open((dir / "out/t.db").c_str(), &db) == SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(db, "SELECT x FROM t", -1, &statement, nullptr) == SQLITE_OK);
    CHECK(sqlite3_step(statement) == SQLITE_ROW);
    CHECK(sqlite3_column_int(statement, 0) == 42);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

TEST_CASE("tree_sqlite: of a database of several names only the one with the WAL is ever opened") {
    const TempDir dir;
    make_family(dir);
    std::filesystem::create_hard_link(dir / "in/t.db", dir / "in/a.db");
    std::vector<std::string> opened;
    const Captured busy = capture_with(dir, [&](const std::string& path) -> std::unique_ptr<ImageSource> {
        opened.push_back(std::filesystem::path(path).filename().string());
        throw Error(Kind::busy, "as the test says");
    });
    CHECK(opened == std::vector<std::string>{"t.db", "t.db"});
    CHECK(busy.report.problem_count == 2);
    CHECK_FALSE(busy.sink->by_path().contains("a.db"));
    const Captured raw = capture_with(dir, failing(Kind::corrupt));
    const auto entries = raw.sink->by_path();
    CHECK(entries.at("t.db").link == "a.db");
    CHECK(entries.contains("t.db-wal"));
    CHECK(entries.contains("t.db-journal"));
}
