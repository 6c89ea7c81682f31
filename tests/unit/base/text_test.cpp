#include "holdfast/base/text.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("text: valid UTF-8 is known from invalid") {
    for (const char* good : {"", "a", "ü", "€", "\xF0\x9F\x98\x80", "\xEF\xBF\xBF"}) CHECK(is_utf8(good));
    for (const char* bad : {"\xFF", "\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                            "\xF4\x90\x80\x80", "\xC3", "a\xE2\x82"})
        CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("text: control characters and broken bytes become visible") {
    CHECK(printable("plain ü") == "plain ü");
    CHECK(printable("a\nb\033[0m\x7F") == "a\\x0ab\\x1b[0m\\x7f");
    CHECK(printable("\xFFx") == "\\xffx");
    CHECK(printable("\xC2\x9B") == "\\xc2\\x9b");  // C1: a terminal reads it as ESC [
    CHECK(printable(std::string_view("\0", 1)) == "\\x00");
    CHECK(printable("a\u202Eb") == "a\\xe2\\x80\\xaeb");  // what follows would be shown backwards
    for (const char* mark : {"\u061C", "\u200E", "\u200F", "\u202A", "\u2066", "\u2069"})
        CHECK(printable(mark) != mark);
    for (const char* letter : {"\u2010", "\u2026", "\u2065", "\u05D0", "\u20AC"})
        CHECK(printable(letter) == letter);
}

TEST_CASE("text: quoting takes any kind of string") {
    std::string variable = "a";
    const std::string constant = "b\n";
    CHECK(in_quotes(variable) == "'a'");
    CHECK(in_quotes(constant) == "'b\\x0a'");
    CHECK(in_quotes("c") == "'c'");
    CHECK(in_quotes(std::string("d")) == "'d'");
    CHECK(in_quotes(std::string_view("e")) == "'e'");
}

TEST_CASE("text: splitting keeps empty parts") {
    CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
    CHECK(split("", ',') == std::vector<std::string_view>{""});
    CHECK(split("a,", ',') == std::vector<std::string_view>{"a", ""});
}

TEST_CASE("text: width counts characters, not bytes") {
    CHECK(display_width("abc") == 3);
    CHECK(display_width("äö€") == 3);
}

TEST_CASE("text: the distance of two words is the number of edits between them") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("path", "path") == 0);
    CHECK(edit_distance("paht", "path") == 2);
    CHECK(edit_distance("pathh", "path") == 1);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("text: a near word is suggested, otherwise all are listed") {
    CHECK(did_you_mean("pathh", {"path", "level"}) == "did you mean 'path'?");
    CHECK(did_you_mean("zzz", {"path", "level"}) == "known here: path, level");
    CHECK(did_you_mean("x", {"a"}) == "known here: a");
    CHECK(did_you_mean(std::string(100000, 'a'), {"path"}) == "known here: path");
}
