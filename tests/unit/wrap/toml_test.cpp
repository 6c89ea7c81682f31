#include "holdfast/wrap/toml.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {
std::string parse_failure(const std::string& text) {
    return catch_error([&] { TomlDocument::parse(text, "f.toml"); }).what();
}
}  // namespace

TEST_CASE("toml: a syntax error says file, line and column") {
    const Error e = catch_error([] { TomlDocument::parse("a = 1\nb = [1,\n", "f.toml"); });
    CHECK(e.kind() == Kind::config);
    CHECK(std::string(e.what()).starts_with("f.toml:2:"));
}

TEST_CASE("toml: text over the size limit is refused before it is parsed") {
    const std::string big = "# " + std::string(kMaxTomlBytes, 'x');
    CHECK(testing::contains(parse_failure(big), "larger than 1.0 MiB"));
}

TEST_CASE("toml: deep nesting is refused before the recursive parser sees it") {
    const std::string deep(100000, '[');
    std::string dotted = "a";
    std::string tables;
    for (int i = 0; i < 10000; ++i) dotted += ".a";
    for (int i = 0; i < 100; ++i) tables += "{a=";
    for (const std::string& text :
         {"x = " + deep, dotted + " = 1", "[" + dotted + "]", "x = " + tables,
          "x = [\"\"\"y\"\"\"\"\", {" + dotted + " = 1}]", "x = ['''y'''', {" + dotted + " = 1}]"})
        CHECK(testing::contains(parse_failure(text), "nested too deeply"));
}

TEST_CASE("toml: brackets and dots inside strings and comments do not nest") {
    const std::string many(200, '[');
    const std::string dots(200, '.');
    const std::string text = "# " + many + "\na = \"" + many + "\\\"" + dots + "\"\nb = '" + many +
                             "'\nc = \"\"\"\n" + many + "\"\"\"\nd = '''" + dots + "'''\n\"" + dots +
                             "\" = \"\"\n";
    const TomlDocument document = TomlDocument::parse(text, "f.toml");
    CHECK(document.root().text("b") == many);
}

TEST_CASE("toml: many flat lines, numbers and lists are fine") {
    std::string text = "floats = [";
    for (int i = 0; i < 1000; ++i) text += "1.5, ";
    text += "]\n";
    for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + " = 2.5\n";
    CHECK_NOTHROW(TomlDocument::parse(text, "f.toml"));
}

TEST_CASE("toml: invalid UTF-8 and control bytes are config errors with a printable message") {
    CHECK(is_utf8(parse_failure("a = \"\xff\xfe\"\n")));
    CHECK(parse_failure("a = \"x\x01\"\n").find('\x01') == std::string::npos);
}

TEST_CASE("toml: a wrong type names place, key and what is wanted") {
    const TomlDocument document =
        TomlDocument::parse("n = \"x\"\nt = 5\nl = [\"a\", 7]\nb = 1\ns = 1\n[m]\n", "f.toml");
    TomlTable root = document.root();
    CHECK(catch_error([&] { root.whole_number("n"); }).what() ==
          std::string("f.toml:1:5: 'n' must be a whole number"));
    CHECK(testing::contains(catch_error([&] { root.text("t"); }).what(), "f.toml:2:5: 't' must be text"));
    CHECK(testing::contains(catch_error([&] { root.texts("l"); }).what(), "f.toml:3:11: 'l' must be"));
    CHECK(testing::contains(catch_error([&] { root.flag("b"); }).what(), "true or false"));
    CHECK(testing::contains(catch_error([&] { root.table("s"); }).what(), "[s]"));
    CHECK(testing::contains(catch_error([&] { root.tables("m"); }).what(), "[[m]]"));
}

TEST_CASE("toml: the first unknown key in the file is reported with the nearest known one") {
    const TomlDocument document = TomlDocument::parse("path = \"x\"\nzeta = 1\npaht = 2\n", "f.toml");
    TomlTable root = document.root();
    CHECK(root.text("path") == "x");
    const Error first = catch_error([&] { root.finish(); });
    CHECK(first.what() == std::string("f.toml:2:1: unknown key 'zeta'"));
    CHECK(first.hint() == "known here: path");
    root.has("zeta");
    const Error second = catch_error([&] { root.finish(); });
    CHECK(second.what() == std::string("f.toml:3:1: unknown key 'paht'"));
    CHECK(second.hint() == "did you mean 'path'?");
}

TEST_CASE("toml: absent keys are empty values, and one text reads as a list of one") {
    const TomlDocument document = TomlDocument::parse("one = \"a\"\nmany = [\"a\", \"b\"]\n", "f.toml");
    TomlTable root = document.root();
    CHECK_FALSE(root.text("none").has_value());
    CHECK(root.texts("none").empty());
    CHECK(root.tables("none").empty());
    CHECK(root.text_or_texts("one") == std::vector<std::string>{"a"});
    CHECK(root.text_or_texts("many") == std::vector<std::string>{"a", "b"});
}
