#include "holdfast/base/directory_chain.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

DirectoryChain chain_at(const std::filesystem::path& path) {
    return DirectoryChain(open_fd(path.string(), O_PATH | O_DIRECTORY));
}
/// The content of `name` in the innermost directory.
std::string look(const DirectoryChain& chain, const char* name) {
    const UniqueFd fd{::openat(chain.fd(), name, O_RDONLY | O_NOFOLLOW)};
    std::array<std::byte, 100> text{};
    return fd ? std::string{as_text(ByteSpan(text).first(read_full(fd.get(), text, "read")))} : "none";
}

}  // namespace

TEST_CASE("directory_chain: goes to any directory by the shortest way and knows where it is") {
    const TempDir dir;
    dir.write("f", "top");
    dir.write("a/f", "a");
    dir.write("a/b/f", "ab");
    dir.write("ab/f", "not a");
    DirectoryChain chain = chain_at(dir.path());
    CHECK(chain.path() == ".");
    for (const auto& [path, text] :
         {std::pair{"a/b", "ab"}, {"ab", "not a"}, {"a", "a"}, {".", "top"}, {"a/b", "ab"}, {"a", "a"}}) {
        chain.go(path);
        CHECK(chain.path() == path);
        CHECK(look(chain, "f") == text);
    }
    CHECK(catch_error([&] { chain.go("a/none"); }).kind() == Kind::io);
    CHECK(chain.path() == "a");
}

TEST_CASE("directory_chain: a link is not a step") {
    const TempDir dir;
    dir.write("a/f", "a");
    std::filesystem::create_symlink("a", dir / "link");
    DirectoryChain chain = chain_at(dir.path());
    CHECK(catch_error([&] { chain.go("link"); }).kind() == Kind::io);
    CHECK(catch_error([&] { chain.go("a/f"); }).kind() == Kind::io);
}

TEST_CASE("directory_chain: comes back from the deep, also when a directory was moved meanwhile") {
    const TempDir dir;
    DirectoryChain chain = chain_at(dir.path());
    std::string deep;
    for (int level = 0; level < 200; ++level) {
        REQUIRE(::mkdirat(chain.fd(), "d", 0700) == 0);
        chain.enter("d");
    }
    CHECK(chain.depth() == 200);
    while (chain.depth() > 150) chain.leave();
    CHECK(chain.path().size() == 150 * 2 - 1);
    const std::string there{chain.path()};
    // The directory at depth 150 moves away: its ".." is no longer the one at 149, the way from the top is.
    REQUIRE(::renameat(chain.fd(), ".", AT_FDCWD, (dir / "x").c_str()) != 0);  // "." cannot be renamed
    const UniqueFd parent{::openat(chain.fd(), "..", O_PATH | O_DIRECTORY)};
    REQUIRE(::renameat(parent.get(), "d", AT_FDCWD, (dir / "moved").c_str()) == 0);
    chain.leave();
    CHECK(chain.depth() == 149);
    CHECK(::faccessat(chain.fd(), "d", F_OK, 0) != 0);
    chain.go(".");
    CHECK(::faccessat(chain.fd(), "moved", F_OK, 0) == 0);
}

TEST_CASE("directory_chain: paths are joined and taken apart") {
    CHECK(join_tree_path(".", "a") == "a");
    CHECK(join_tree_path("a", "b") == "a/b");
    CHECK(tree_parent("a/b") == "a");
    CHECK(tree_parent("a") == ".");
    CHECK(tree_name("a/b") == "b");
    CHECK(tree_name("a") == "a");
}
