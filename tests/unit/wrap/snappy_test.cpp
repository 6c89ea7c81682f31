#include "holdfast/wrap/snappy.hpp"

#include <doctest/doctest.h>

#include "support/fixture.hpp"

using namespace holdfast;
using namespace std::string_view_literals;

namespace {

// 20 bytes in all: a literal of 4, then a copy of 16 from 4 before.
constexpr std::string_view kBlock =
    "\x14\x0c"
    "abcd"
    "\x3e\x04\x00"sv;

bool decodes(std::string_view block, std::size_t size, std::string_view expected) {
    Bytes plain(size);
    return decompress_snappy(as_bytes(block), plain) && as_text(plain) == expected;
}

}  // namespace

TEST_CASE("snappy: decodes a block into exactly its size") {
    CHECK(decodes(kBlock, 20, "abcdabcdabcdabcdabcd"));
    CHECK(decodes("\x00"sv, 0, ""));
    CHECK_FALSE(decodes(kBlock, 19, ""));
    CHECK_FALSE(decodes(kBlock, 21, ""));
    CHECK_FALSE(decodes("", 0, ""));
}

TEST_CASE("snappy: a damaged block is refused or decoded, never more") {
    Bytes plain(20);
    testing::damage_every_byte(std::string(kBlock),
                               [&](const std::string& block) { decompress_snappy(as_bytes(block), plain); });
    CHECK_FALSE(
        decodes("\xff\xff\xff\xff\x0f"
                "abcd"sv,
                20, ""));
}
