#include "holdfast/ops/init.hpp"

#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::TempDir;
using holdfast::testing::TestRepository;

TEST_CASE("init: makes a repository with private modes, whatever the umask") {
    for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
        TempDir dir;
        const mode_t before = ::umask(mask);
        ops::init(dir / "repo");
        ::umask(before);
        for (const auto& entry : fs::recursive_directory_iterator(dir / "repo")) {
            struct stat st {};
            REQUIRE(::lstat(entry.path().c_str(), &st) == 0);
            CHECK((st.st_mode & 0077) == 0);
            CHECK((st.st_mode & 0600) == 0600);
        }
    }
}

TEST_CASE(
    "init: finishes a repository whose making was cut short, refuses a finished one and foreign folders") {
    TempDir dir;
    ops::init(dir / "repo");
    CHECK(catch_error([&] { ops::init(dir / "repo"); }).kind() == Kind::refused);
    fs::remove(dir / "repo/format.json");
    fs::remove_all(dir / "repo/objects/ab");
    CHECK(Repository::open(ops::init(dir / "repo").root()).id().size() == 36);
    dir.write("other/file", "x");
    CHECK(catch_error([&] { ops::init(dir / "other"); }).kind() == Kind::refused);
}

TEST_CASE("init: a repository that lost its format.json is not made anew over its snapshots") {
    TestRepository t;
    t.dir.write("tree/a", "1");
    t.snap({t.source("tree", SourceKind::tree, (t.dir / "tree").string())});
    fs::remove(t.repository.root() / "format.json");
    CHECK(catch_error([&] { ops::init(t.repository.root()); }).kind() == Kind::refused);
    CHECK(list_directory(t.repository.root() / "snapshots").size() == 1);
}
