#include "holdfast/store/tree_select.hpp"

#include <doctest/doctest.h>

#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// The stream reduced to what the globs choose, extracted into dir/out.
ExtractReport extract_some(const MemorySink& sink, const TempDir& dir, std::vector<std::string> globs) {
    TreeSelection selection(std::move(globs));
    selection.learn(sink.entries());
    std::string part;
    for (const ByteRange& r : ranges_of(selection.wanted(sink.entries())))
        part += sink.tar.substr(r.offset, r.bytes);
    std::filesystem::create_directory(dir / "out");
    return extract_tree(pull_text(part), selection.wanted(sink.entries()), dir / "out");
}
std::string paths_under(const std::filesystem::path& top) {
    std::string all;
    for (const auto& [path, text] : describe(top)) all += path + " ";
    return all;
}

}  // namespace

TEST_CASE("tree_select: nothing chosen means everything, in one range") {
    const TempDir dir;
    dir.write("in/a/b", "1");
    dir.write("in/c", "2");
    const Captured c = capture(dir / "in");
    const TreeSelection everything({});
    const auto ranges = ranges_of(everything.wanted(c.sink->entries()));
    REQUIRE(ranges.size() == 1);
    CHECK(ranges[0] == ByteRange{0, c.sink->tar.size() - 1024});
}

TEST_CASE("tree_select: a chosen file comes with the directories on its way, and with their modes") {
    const TempDir dir;
    dir.write("in/a/b/wanted.txt", "1");
    dir.write("in/a/b/other", "2");
    dir.write("in/x/y", "3");
    ::chmod((dir / "in/a").c_str(), 0711);
    const Captured c = capture(dir / "in");
    CHECK(extract_some(*c.sink, dir, {"*.txt"}).files == 1);
    CHECK(paths_under(dir / "out") == ". ./a ./a/b ./a/b/wanted.txt ");
    CHECK(describe(dir / "out")["./a"] == describe(dir / "in")["./a"]);
}

TEST_CASE("tree_select: a chosen folder comes with all that is in it") {
    const TempDir dir;
    dir.write("in/a/b/c/d", "1");
    dir.write("in/a/e", "2");
    const Captured c = capture(dir / "in");
    extract_some(*c.sink, dir, {"a/b"});
    CHECK(paths_under(dir / "out") == ". ./a ./a/b ./a/b/c ./a/b/c/d ");
}

TEST_CASE("tree_select: chosen hard links get the content whose first name was not chosen") {
    const TempDir dir;
    dir.write("in/a/first", "shared");
    std::filesystem::create_directories(dir / "in/b/c");
    std::filesystem::create_hard_link(dir / "in/a/first", dir / "in/b/c/one.want");
    std::filesystem::create_hard_link(dir / "in/a/first", dir / "in/b/two.want");
    std::filesystem::create_hard_link(dir / "in/a/first", dir / "in/z");
    const Captured c = capture(dir / "in");
    CHECK(extract_some(*c.sink, dir, {"*.want"}).files == 2);
    CHECK(paths_under(dir / "out") == ". ./b ./b/c ./b/c/one.want ./b/two.want ");
    CHECK(dir.read("out/b/two.want") == "shared");
    CHECK(std::filesystem::equivalent(dir / "out/b/two.want", dir / "out/b/c/one.want"));
    CHECK(describe(dir / "out")["./b"] == describe(dir / "in")["./b"]);
}

TEST_CASE("tree_select: globs that fit nothing choose nothing") {
    const TempDir dir;
    dir.write("in/a", "1");
    const Captured c = capture(dir / "in");
    TreeSelection selection({"nothing/here"});
    selection.learn(c.sink->entries());
    CHECK(selection.matched() == 0);
    CHECK(ranges_of(selection.wanted(c.sink->entries())).empty());
}
