#include "holdfast/base/moves.hpp"

#include <doctest/doctest.h>

#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;

namespace {

struct OldAndNew {
    TempDir dir;
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
    std::vector<Move> plan() {
        return {plan_move(dir / "old-wal", dir / "staged/wal"),
                plan_exchange(dir / "staged/new", dir / "old")};
    }
    unsigned mode_of(const char* name) { return static_cast<unsigned>(fs::status(dir / name).permissions()); }
    void check_old() {
        CHECK(dir.read("old/inner") == "old");
        CHECK(dir.read("staged/new/inner") == "new");
        CHECK(dir.read("old-wal") == "belongs to old");
        CHECK(mode_of("old") == 0500);
        CHECK(mode_of("staged/new") == 0500);
    }
    void check_new() {
        CHECK(dir.read("old/inner") == "new");
        CHECK(dir.read("staged/new/inner") == "old");
        CHECK_FALSE(fs::exists(dir / "old-wal"));
        CHECK(mode_of("old") == 0500);
        CHECK(mode_of("staged/new") == 0500);
    }
};

}  // namespace

TEST_CASE("moves: all are carried out, and locked folders are locked again") {
    OldAndNew t;
    const auto moves = t.plan();
    CHECK_FALSE(has_happened(moves[0]));
    carry_out(moves);
    t.check_new();
    CHECK(has_happened(moves[0]));
    CHECK(has_happened(moves[1]));
}

TEST_CASE("moves: carried out a second time, nothing happens") {
    OldAndNew t;
    const auto moves = t.plan();
    carry_out(moves);
    carry_out(moves);
    t.check_new();
}

TEST_CASE("moves: what was interrupted after any of them is finished or taken back by the plan alone") {
    for (std::size_t done = 0; done <= 2; ++done) {
        CAPTURE(done);
        {
            OldAndNew t;
            const auto moves = t.plan();
            for (std::size_t i = 0; i < done; ++i) carry_out(moves[i]);
            take_back(moves);
            t.check_old();
        }
        OldAndNew t;
        const auto moves = t.plan();
        for (std::size_t i = 0; i < done; ++i) carry_out(moves[i]);
        carry_out(moves);
        t.check_new();
    }
}

TEST_CASE("moves: if one fails, those before it are taken back") {
    OldAndNew t;
    auto moves = t.plan();
    t.dir.write("taken", "precious");
    t.dir.write("other", "other");
    moves.push_back(plan_move(t.dir / "other", t.dir / "taken"));
    CHECK_THROWS_AS(carry_out(moves), OsError);
    t.check_old();
    CHECK(t.dir.read("taken") == "precious");
}

TEST_CASE("moves: a thing that somebody else replaced meanwhile is not moved") {
    OldAndNew t;
    const auto moves = t.plan();
    t.dir.write("mine", "mine");
    fs::rename(t.dir / "mine", t.dir / "old-wal");
    try {
        carry_out(moves);
        FAIL("it moved what it did not know");
    } catch (const Error& e) {
        CHECK(e.kind() == Kind::refused);
    }
    CHECK(t.dir.read("old-wal") == "mine");
}
