#include "holdfast/base/byte_cursor.hpp"

#include <limits>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using namespace std::string_view_literals;

namespace {

ByteCursor cursor(std::string_view text) { return {as_bytes(text), "test"}; }

}  // namespace

TEST_CASE("byte_cursor: reads little-endian numbers and what follows them") {
    ByteCursor in = cursor("\x01\x02\x03\xff\x04rest"sv);
    CHECK(in.little_endian<std::uint32_t>() == 0xff030201U);
    CHECK(in.byte() == 4);
    CHECK(as_text(in.take(2)) == "re");
    CHECK(as_text(in.rest()) == "st");
    CHECK(in.left() == 2);
}

TEST_CASE("byte_cursor: reads varints up to 64 bits, with and without a sign") {
    CHECK(cursor("\x00"sv).varint() == 0);
    CHECK(cursor("\xac\x02"sv).varint() == 300);
    CHECK(cursor("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv).varint() == 0xffffffffffffffffU);
    CHECK(cursor("\x00"sv).zigzag() == 0);
    CHECK(cursor("\x01"sv).zigzag() == -1);
    CHECK(cursor("\x04"sv).zigzag() == 2);
    CHECK(cursor("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv).zigzag() ==
          std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("byte_cursor: refuses what is not there and numbers of more than 64 bits") {
    CHECK(catch_error([] { cursor("abc").take(4); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { cursor("abc").take(~std::uint64_t{0}); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { cursor("abc").little_endian<std::uint32_t>(); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { cursor("\x80\x80"sv).varint(); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { cursor("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv).varint(); }).kind() ==
          Kind::corrupt);
    CHECK(catch_error([] { cursor("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"sv).varint(); }).kind() ==
          Kind::corrupt);
}
