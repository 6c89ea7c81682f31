#include "holdfast/policy/words.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("words: every enum value has a word that reads back as itself") {
    for (const auto& [word, value] : Words<SourceKind>::kAll)
        CHECK(parse_word<SourceKind>(word_for(value)) == value);
    for (const auto& [word, value] : Words<SourceClass>::kAll) CHECK(parse_word<SourceClass>(word) == value);
    for (const auto& [word, value] : Words<VerifyAfter>::kAll) CHECK(word_for(value) == std::string(word));
    CHECK(words_of<SourceKind>() ==
          std::vector<std::string>{"sqlite", "tree", "command", "postgres", "redis"});
}

TEST_CASE("words: anything else is no value") {
    for (const char* text : {"", "SQLite", "sqlite ", "?"}) CHECK_FALSE(parse_word<SourceKind>(text));
}
