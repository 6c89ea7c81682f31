#include "holdfast/base/disk.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::TempDir;

namespace {

mode_t mode_of(const fs::path& path) {
    struct stat st {};
    REQUIRE(::stat(path.c_str(), &st) == 0);
    return st.st_mode & 07777;
}

class Umask {
public:
    explicit Umask(mode_t mask) : old_(::umask(mask)) {}
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;
    ~Umask() { ::umask(old_); }

private:
    mode_t old_;
};

}  // namespace

TEST_CASE("disk: publishing replaces a file whole and leaves nothing beside it") {
    const TempDir dir;
    publish_file(dir / "a", as_bytes("one"));
    publish_file(dir / "a", as_bytes("two"));
    CHECK(dir.read("a") == "two");
    CHECK(list_directory(dir.path()) == std::vector<std::string>{"a"});
}

TEST_CASE("disk: modes do not depend on the umask") {
    const TempDir dir;
    for (const mode_t mask : {0000U, 0777U}) {
        const Umask set(mask);
        const std::string name = std::to_string(mask);
        CHECK(make_directory(dir / name));
        publish_file(dir / name / "file", as_bytes("x"));
        CHECK(mode_of(dir / name) == 0700);
        CHECK(mode_of(dir / name / "file") == 0600);
        make_directories(dir / name / "x" / "y");
        CHECK(mode_of(dir / name / "x") == 0700);
    }
}

TEST_CASE("disk: a failed publication keeps the old file and removes the temporary") {
    const TempDir dir;
    fs::create_directories(dir / "taken" / "by a folder");
    const Error e = catch_error([&] { publish_file(dir / "taken", as_bytes("x")); });
    CHECK(e.kind() == Kind::io);
    CHECK(list_directory(dir.path()) == std::vector<std::string>{"taken"});
}

TEST_CASE("disk: an exchange swaps two names whatever they stand for, and needs both") {
    const TempDir dir;
    dir.write("file", "one");
    dir.write("folder/inner", "two");
    CHECK(exchange_paths(dir / "file", dir / "folder"));
    CHECK(dir.read("folder") == "one");
    CHECK(dir.read("file/inner") == "two");
    CHECK_THROWS_AS((void)exchange_paths(dir / "file", dir / "none"), OsError);
    CHECK(list_directory(dir.path()) == std::vector<std::string>{"file", "folder"});
}

TEST_CASE("disk: a new file never follows a link and never overwrites") {
    const TempDir dir;
    dir.write("victim", "precious");
    fs::create_symlink(dir / "victim", dir / "link");
    CHECK_THROWS_AS(write_new_file(dir / "link", as_bytes("x")), Error);
    CHECK_THROWS_AS(write_new_file(dir / "victim", as_bytes("x")), Error);
    CHECK(dir.read("victim") == "precious");
}

TEST_CASE("disk: a folder that exists is no error, a file in its place is") {
    const TempDir dir;
    CHECK(make_directory(dir / "d"));
    CHECK_FALSE(make_directory(dir / "d"));
    dir.write("f", "");
    CHECK_THROWS_AS(make_directory(dir / "f"), Error);
}

TEST_CASE("disk: reading is bounded before memory is taken") {
    const TempDir dir;
    dir.write("f", "12345");
    CHECK(read_file(dir / "f", 5) == "12345");
    CHECK(catch_error([&] { read_file(dir / "f", 4); }).kind() == Kind::corrupt);
    CHECK_FALSE(read_file_if_any(dir / "none", 5));
    CHECK_THROWS_AS(read_file(dir / "none", 5), OsError);
    CHECK_THROWS_AS(read_file(dir.path(), 5), Error);
}

TEST_CASE("disk: a temporary goes unless it is kept") {
    const TempDir dir;
    { const TempName tmp{dir.write("gone/deep/file", "x").parent_path().parent_path()}; }
    CHECK_FALSE(fs::exists(dir / "gone"));
    {
        TempName tmp{dir.write("kept", "x")};
        const TempName moved{std::move(tmp)};
        CHECK(fs::exists(dir / "kept"));
    }
    CHECK_FALSE(fs::exists(dir / "kept"));
    {
        TempName tmp{dir.write("kept", "x")};
        tmp.keep();
    }
    CHECK(fs::exists(dir / "kept"));
}

TEST_CASE("disk: what cannot be removed is an error, what is not there is none") {
    const TempDir dir;
    dir.write("tree/sub/file", "x");
    CHECK_FALSE(remove_tree(dir / "tree"));
    CHECK_FALSE(fs::exists(dir / "tree"));
    CHECK_FALSE(remove_tree(dir / "tree"));
    CHECK(remove_tree("/proc/self"));
}

TEST_CASE("disk: a listing is sorted by bytes") {
    const TempDir dir;
    for (const char* name : {"b", "B", "a", ".x"}) dir.write(name, "");
    CHECK(list_directory(dir.path()) == std::vector<std::string>{".x", "B", "a", "b"});
    CHECK_THROWS_AS(list_directory(dir / "none"), OsError);
}
