#include "holdfast/store/verified_memory.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using holdfast::testing::TempDir;

namespace {

const SystemSeconds kNow{std::chrono::seconds{1'800'000'000}};
const Digest kA = sha256(std::string_view("a")), kB = sha256(std::string_view("b"));

}  // namespace

TEST_CASE("verified_memory: what was saved is there for the next run, the newest time of each") {
    const TempDir dir;
    {
        VerifiedMemory memory(dir / "state/x.verified.db", kNow);
        CHECK(memory.is_fresh());
        memory.set(kA, kNow - std::chrono::hours{2});
        memory.save();
        memory.set(kA, kNow - std::chrono::hours{1});
        memory.save();
        memory.set(kB, kNow);  // never saved
    }
    const VerifiedMemory memory(dir / "state/x.verified.db", kNow);
    CHECK_FALSE(memory.is_fresh());
    CHECK(memory.find(kA) == kNow - std::chrono::hours{1});
    CHECK_FALSE(memory.find(kB));
    CHECK(memory.trouble().empty());
}

TEST_CASE("verified_memory: what is forgotten is gone for the next run, too") {
    const TempDir dir;
    const Digest c = sha256(std::string_view("c"));
    {
        VerifiedMemory memory(dir / "x.db", kNow);
        for (const Digest& key : {kA, kB, c}) memory.set(key, kNow);
        memory.save();
        memory.forget(kA);
        memory.forget_all_but({kB});
        CHECK_FALSE(memory.find(c));
        memory.save();
    }
    const VerifiedMemory memory(dir / "x.db", kNow);
    CHECK_FALSE(memory.find(kA));
    CHECK(memory.find(kB) == kNow);
    CHECK_FALSE(memory.find(c));
    CHECK(Database::open_cache((dir / "x.db").string()).query_integer("SELECT count(*) FROM unit") == 1);
}

TEST_CASE(
    "verified_memory: a time in the future counts as never, so a clock that jumped back hides nothing") {
    const TempDir dir;
    {
        VerifiedMemory memory(dir / "x.db", kNow);
        memory.set(kA, kNow);
        memory.save();
    }
    CHECK_FALSE(VerifiedMemory(dir / "x.db", kNow - std::chrono::seconds{1}).find(kA));
    CHECK(VerifiedMemory(dir / "x.db", kNow).find(kA));
}

TEST_CASE("verified_memory: a damaged file is made anew, and trouble says what it was") {
    const TempDir dir;
    dir.write("x.db", std::string(5000, 'x'));
    {
        VerifiedMemory memory(dir / "x.db", kNow);
        CHECK(memory.is_fresh());
        CHECK(contains(memory.trouble(), "not a database"));
        memory.set(kA, kNow);
        memory.save();
    }
    CHECK(VerifiedMemory(dir / "x.db", kNow).find(kA));
}

TEST_CASE("verified_memory: where nothing can be kept it remembers for this run only, and fails nothing") {
    const TempDir dir;
    dir.write("file", "");
    VerifiedMemory memory(dir / "file/x.db", kNow);
    CHECK_FALSE(memory.trouble().empty());
    memory.set(kA, kNow);
    memory.save();
    CHECK(memory.find(kA) == kNow);
}
