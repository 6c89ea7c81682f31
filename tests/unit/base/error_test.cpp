#include "holdfast/base/error.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("error: the number of a kind is its exit code, and each has its word") {
    const std::pair<Kind, const char*> kinds[] = {
        {Kind{1}, "internal"}, {Kind{2}, "usage"},     {Kind{3}, "config"}, {Kind{4}, "partial"},
        {Kind{5}, "corrupt"},  {Kind{6}, "not_found"}, {Kind{7}, "busy"},   {Kind{8}, "io"},
        {Kind{9}, "crypto"},   {Kind{10}, "refused"}};
    for (const auto& [kind, word] : kinds) CHECK(kind_name(kind) == std::string(word));
}

TEST_CASE("error: a failed system call keeps its number and says what to do") {
    const OsError e(ENOSPC, "write '/x'");
    CHECK(e.kind() == Kind::io);
    CHECK(e.number() == ENOSPC);
    CHECK(e.what() == std::string("write '/x': No space left on device"));
    CHECK_FALSE(e.hint().empty());
    CHECK(OsError(ENOSPC, "x", "own hint").hint() == "own hint");
    CHECK(OsError(EINVAL, "x").hint().empty());
}
