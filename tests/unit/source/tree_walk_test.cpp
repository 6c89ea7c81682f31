#include "holdfast/source/tree_walk.hpp"

#include <doctest/doctest.h>

#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Walked {
    std::vector<WalkEntry> entries;
    std::vector<TreeProblem> told;
    std::string paths() const {
        std::string all;
        for (const WalkEntry& e : entries) all += e.path + " ";
        return all;
    }
};
Walked walk(
    const TempDir& dir, const std::function<void(const WalkEntry&)>& at_each = [](const WalkEntry&) {}) {
    Walked w;
    TreeWalk walk(open_fd(dir.path().string(), O_PATH | O_DIRECTORY), {}, {},
                  [&](TreeIssue issue, const std::string& path, const std::string& why) {
                      w.told.push_back({issue, path, why});
                  });
    while (auto entry = walk.next()) {
        at_each(*entry);
        w.entries.push_back(*std::move(entry));
    }
    return w;
}

}  // namespace

TEST_CASE("tree_walk: a directory comes before its content, names in byte order") {
    const TempDir dir;
    for (const char* name : {"b/z", "b/a", "a", "b.c", "\xff", "Z"}) dir.write(name, "");
    CHECK(walk(dir).paths() == ". Z a b b/a b/z b.c \xff ");
}

TEST_CASE("tree_walk: a directory that is moved away while it is walked does not lead astray") {
    const TempDir dir;
    std::string path = "d";
    for (int i = 0; i < 100; ++i) path += "/d";
    dir.write(path + "/deep", "1");
    dir.write(path + "/zz", "1");
    dir.write("z/after", "1");
    std::filesystem::create_directory(dir / "z/to");
    std::string up = "d";
    for (int i = 0; i < 80; ++i) up += "/d";
    const Walked w = walk(dir, [&](const WalkEntry& e) {
        if (e.path != path + "/deep") return;
        // Neither ".." nor the way down from the top leads to the parent any more.
        std::filesystem::rename(dir / path, dir / "z/to/here");
        std::filesystem::rename(dir / up, dir / "z/to/there");
    });
    CHECK(w.paths().find("zz") != std::string::npos);
    CHECK(w.paths().find("z/after") != std::string::npos);
}

TEST_CASE("tree_walk: further names of a file are links to the first, unless it was written to between") {
    const TempDir dir;
    dir.write("a", "1");
    std::filesystem::create_hard_link(dir / "a", dir / "b");
    std::filesystem::create_hard_link(dir / "a", dir / "c");
    const Walked w = walk(dir);
    CHECK(w.entries[1].type == EntryType::file);
    CHECK(w.entries[2].type == EntryType::hardlink);
    CHECK(w.entries[3].link == "a");
    const Walked written = walk(dir, [&](const WalkEntry& e) {
        if (e.path == "b") dir.write("c", "22");
    });
    CHECK(written.entries[2].type == EntryType::hardlink);
    CHECK(written.entries[3].type == EntryType::file);
    REQUIRE(written.told.size() == 1);
    CHECK(written.told[0].issue == TreeIssue::detached_link);
}

TEST_CASE("tree_walk: only what lies beside a real database is a sidecar") {
    const TempDir dir;
    dir.write("t.db", std::string("SQLite format 3\0", 16) + std::string(100, 'x'));
    dir.write("t.db-wal", "1");
    dir.write("short", std::string("SQLite format 3\0", 16));
    dir.write("short-wal", "2");
    dir.write("alone-shm", "3");
    const Walked w = walk(dir);
    CHECK(w.paths() == ". alone-shm short short-wal t.db ");
    CHECK(w.entries[4].owns_sidecars);
    CHECK(w.entries[4].sidecars.size() == 1);
    CHECK_FALSE(w.entries[2].owns_sidecars);
}

TEST_CASE("tree_walk: a database of several names is read by the one with the WAL") {
    const TempDir dir;
    dir.write("a.db", std::string("SQLite format 3\0", 16) + std::string(100, 'x'));
    dir.write("a.db-wal", "");
    for (const char* name : {"d/m.db", "z.db"}) {
        std::filesystem::create_directories((dir / name).parent_path());
        std::filesystem::create_hard_link(dir / "a.db", dir / name);
    }
    dir.write("d/m.db-wal", "1");
    const Walked w = walk(dir);
    REQUIRE(w.paths() == ". a.db d d/m.db z.db ");
    CHECK(w.entries[1].type == EntryType::file);
    CHECK(w.entries[1].read_as == "d/m.db");
    CHECK(w.entries[1].sidecars.size() == 1);
    CHECK(w.entries[1].names == 3);
    CHECK(w.entries[3].type == EntryType::hardlink);
    CHECK(w.entries[3].read_as.empty());
    CHECK(w.entries[3].owns_sidecars);
    CHECK(w.entries[4].link == "a.db");
    dir.write("z.db-journal", "22");  // then nobody knows
    const Walked both = walk(dir);
    CHECK(both.entries[1].read_as == "z.db");
    CHECK(both.entries[3].type == EntryType::file);
    CHECK(std::any_of(both.told.begin(), both.told.end(), [](const TreeProblem& p) {
        return p.issue == TreeIssue::other_name && p.path == "d/m.db";
    }));
    CHECK(both.entries[4].link == "a.db");
}
