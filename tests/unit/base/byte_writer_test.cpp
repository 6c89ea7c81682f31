#include "holdfast/base/byte_writer.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "holdfast/base/byte_cursor.hpp"

using namespace holdfast;

TEST_CASE("byte_writer: numbers are read as they were written, up to the greatest and down to the least") {
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
    Bytes bytes;
    for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, kMost})
        append_varint(bytes, n);
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, kLeast, ~kLeast})
        append_zigzag(bytes, n);
    append_little_endian(bytes, std::uint16_t{0x1234});
    append_little_endian(bytes, kMost - 1);
    ByteCursor in(bytes, "test");
    for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, kMost})
        CHECK(in.varint() == n);
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, kLeast, ~kLeast})
        CHECK(in.zigzag() == n);
    CHECK(in.little_endian<std::uint16_t>() == 0x1234);
    CHECK(in.little_endian<std::uint64_t>() == kMost - 1);
    CHECK(in.left() == 0);
}

TEST_CASE("byte_writer: numbers take the bytes that the formats say") {
    Bytes bytes;
    append_varint(bytes, 300);
    append_zigzag(bytes, -1);
    append_zigzag(bytes, 64);
    append_little_endian(bytes, std::uint32_t{0x01020304});
    append(bytes, as_bytes("x"));
    CHECK(to_hex(bytes) ==
          "ac02"
          "01"
          "8001"
          "04030201"
          "78");
}
