#include "holdfast/base/glob.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("glob: a star and a question mark stop at a slash") {
    CHECK(glob_match("*.db", "trades.db"));
    CHECK(glob_match("data/*.db", "data/a.db"));
    CHECK_FALSE(glob_match("*.db", "data/a.db"));
    CHECK_FALSE(glob_match("data?a.db", "data/a.db"));
    CHECK(glob_match("a?c", "abc"));
    CHECK(glob_match("*", ""));
    CHECK(glob_match("a*b*c", "a123b456c"));
    CHECK_FALSE(glob_match("a*b*c", "a123b456"));
}

TEST_CASE("glob: two stars cross slashes, and as a part of a path stand for any number of parts") {
    CHECK(glob_match("**", "a/b/c"));
    CHECK(glob_match("option_legs/**", "option_legs/date=1/x.parquet"));
    CHECK(glob_match("**/x", "x"));
    CHECK(glob_match("**/x", "a/b/x"));
    CHECK_FALSE(glob_match("**/x", "a/bx"));
    CHECK(glob_match("a/**/z", "a/z"));
    CHECK(glob_match("a/**/z", "a/b/c/z"));
}

TEST_CASE("glob: sets, ranges, negation and quoting") {
    CHECK(glob_match("[a-c]x", "bx"));
    CHECK_FALSE(glob_match("[a-c]x", "dx"));
    CHECK(glob_match("[!a-c]x", "dx"));
    CHECK(glob_match("[]]", "]"));
    CHECK_FALSE(glob_match("a[/]b", "a/b"));
    CHECK_FALSE(glob_match("a[!x]b", "a/b"));
    CHECK(glob_match("[abc", "[abc"));
    CHECK(glob_match("\\*", "*"));
    CHECK_FALSE(glob_match("\\*", "x"));
    CHECK(glob_match("\\", "\\"));
}

TEST_CASE("glob: quoted text matches itself alone") {
    for (const char* name : {"a*b", "[x]", "a?", "back\\slash", "plain", ""}) {
        CHECK(glob_match(quote_glob(name), name));
        CHECK_FALSE(glob_match(quote_glob(name), std::string(name) + "x"));
    }
    CHECK_FALSE(glob_match(quote_glob("a*b"), "axb"));
}

TEST_CASE("glob: a hostile pattern takes no more than its size times the text") {
    std::string pattern;
    for (int i = 0; i < 200; ++i) pattern += "a*";
    CHECK_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
    CHECK_FALSE(glob_match("**/**/**/**/**/x", std::string(5000, '/')));
}

TEST_CASE("glob: a pattern without a slash is held against names, one with a slash against the path") {
    CHECK(glob_covers("*.tmp", "a/b/c.tmp"));
    CHECK_FALSE(glob_covers("b/*.tmp", "a/b/c.tmp"));
    CHECK(glob_covers("a/b/*.tmp", "a/b/c.tmp"));
    CHECK(glob_covers("./a", "a"));
    CHECK(any_glob_covers({"x", "*.log"}, "d/y.log"));
    CHECK_FALSE(any_glob_covers({}, "anything"));
}

TEST_CASE("glob: a pattern that names a folder covers what lies in it") {
    CHECK(glob_covers("cache/", "a/cache/x/y"));
    CHECK(glob_covers("a/b", "a/b/c/d"));
    CHECK_FALSE(glob_covers("a/b", "a/bc"));
}
