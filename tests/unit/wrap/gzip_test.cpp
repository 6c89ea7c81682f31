#include "holdfast/wrap/gzip.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support/fixture.hpp"

using namespace holdfast;
using namespace std::string_view_literals;

namespace {

// printf abc | gzip -n
constexpr std::string_view kAbc =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35\x03\x00\x00\x00"sv;

bool decodes(std::string_view gzip, std::size_t size, std::string_view expected) {
    Bytes plain(size);
    return decompress_gzip(as_bytes(gzip), plain) && as_text(plain) == expected;
}

}  // namespace

TEST_CASE("gzip: decodes one member or several into exactly their size") {
    CHECK(decodes(kAbc, 3, "abc"));
    CHECK(decodes(std::string(kAbc) + std::string(kAbc), 6, "abcabc"));
    CHECK_FALSE(decodes(kAbc, 2, ""));
    CHECK_FALSE(decodes(kAbc, 4, ""));
    CHECK_FALSE(decodes(std::string(kAbc) + "x", 3, ""));
    CHECK_FALSE(decodes("", 0, ""));
}

TEST_CASE("gzip: a damaged stream is refused or decoded, never more") {
    Bytes plain(3);
    testing::damage_every_byte(std::string(kAbc),
                               [&](const std::string& gzip) { decompress_gzip(as_bytes(gzip), plain); });
    std::string wrong_sum(kAbc);
    wrong_sum[15] ^= 1;
    CHECK_FALSE(decodes(wrong_sum, 3, ""));
}

TEST_CASE("gzip: what is compressed is decoded, nothing and a megabyte too") {
    for (const std::size_t size : {0, 1, 1'000'000})
        for (const int level : {1, 9}) {
            const std::string text(size, 'x');
            const Bytes gzip = compress_gzip(as_bytes(text), level);
            CHECK(decodes(as_text(gzip), size, text));
            CHECK(gzip.size() < size + 100);
        }
}
