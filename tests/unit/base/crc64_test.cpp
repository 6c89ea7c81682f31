#include "holdfast/base/crc64.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;

TEST_CASE("crc64: the check value is that of Redis (crc64.c, its own self-test)") {
    CHECK(crc64(0, as_bytes("123456789")) == 0xe9c6d914c4b8d9caULL);
    CHECK(crc64(0, {}) == 0);
}

TEST_CASE("crc64: a stream has the same sum in whatever pieces it comes") {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 37);
    const std::uint64_t whole = crc64(0, as_bytes(text));
    for (std::size_t cut = 0; cut < text.size(); cut += 7)
        CHECK(crc64(crc64(0, as_bytes(text.substr(0, cut))), as_bytes(text.substr(cut))) == whole);
}
