#include "holdfast/base/moves.hpp"

#include <doctest/doctest.h>

#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;

namespace {

struct OldAndNew {
    TempDir dir;
    std::vector<std::string> warnings;
    OldAndNew() {
        dir.write("old/inner", "old");
        dir.write("old-wal", "belongs to old");
        dir.write("staged/new/inner", "new");
        fs::permissions(dir / "old", fs::perms::owner_read | fs::perms::owner_exec);
        fs::permissions(dir / "staged/new", fs::perms::owner_read | fs::perms::owner_exec);
    }
    OldAndNew(const OldAndNew&) = delete;
    OldAndNew& operator=(const OldAndNew&) = delete;
    ~OldAndNew() { remove_tree(dir.path()); }  // also what nobody may write
    void make(Moves& moves) {
        moves.move(dir / "old-wal", dir / "staged/wal");
        moves.replace(dir / "staged/new", dir / "old", dir / "staged/aside");
    }
    unsigned mode_of(const char* name) { return static_cast<unsigned>(fs::status(dir / name).permissions()); }
};

}  // namespace

TEST_CASE("moves: what was committed stays, and locked folders are locked again") {
    OldAndNew t;
    {
        Moves moves;
        t.make(moves);
        moves.commit(t.warnings);
    }
    CHECK(t.warnings.empty());
    CHECK(t.dir.read("old/inner") == "new");
    CHECK(t.dir.read("staged/new/inner") == "old");
    CHECK_FALSE(fs::exists(t.dir / "old-wal"));
    CHECK(t.mode_of("old") == 0500);
}

TEST_CASE("moves: what was not committed is taken back, the last one first") {
    OldAndNew t;
    {
        Moves moves;
        t.make(moves);
        CHECK(t.dir.read("old/inner") == "new");
    }
    CHECK(t.dir.read("old/inner") == "old");
    CHECK(t.dir.read("staged/new/inner") == "new");
    CHECK(t.dir.read("old-wal") == "belongs to old");
    CHECK(t.mode_of("old") == 0500);
}

TEST_CASE("moves: a name that is taken is not moved over") {
    const TempDir dir;
    dir.write("a", "mine");
    dir.write("b", "precious");
    Moves moves;
    CHECK_THROWS_AS(moves.move(dir / "a", dir / "b"), OsError);
    CHECK(dir.read("b") == "precious");
}
