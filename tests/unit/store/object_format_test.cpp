#include "holdfast/store/object_format.hpp"

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

TEST_CASE("object_format: a seek table reads back as it was written") {
    const Bytes table = encode_seek_table({{500, kFrameBytes}, {20, 7}});
    const auto frames = decode_seek_table(table, 520 + table.size());
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].stored_bytes == 500);
    CHECK(frames[1].plain_bytes == 7);
}

TEST_CASE("object_format: frames that do not add up to the object are refused") {
    const Bytes table = encode_seek_table({{500, 9}});
    CHECK(catch_error([&] { decode_seek_table(table, 499 + table.size()); }).kind() == Kind::corrupt);
}

TEST_CASE("object_format: every single flipped bit of a table is refused or changes nothing that is used") {
    const Bytes table = encode_seek_table({{500, kFrameBytes}, {20, 7}});
    for (std::size_t bit = 0; bit < table.size() * 8; ++bit) {
        Bytes bad = table;
        bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        try {
            for (const FrameSize& frame : decode_seek_table(bad, 520 + bad.size()))
                CHECK(frame.plain_bytes <= kFrameBytes);
        } catch (const Error& e) {
            CHECK(e.kind() == Kind::corrupt);
        }
    }
}

TEST_CASE("object_format: a table of no frames or of too many is refused before memory is taken") {
    CHECK(catch_error([] { decode_seek_table(encode_seek_table({}), 17); }).kind() == Kind::corrupt);
    const Bytes many = encode_seek_table(std::vector<FrameSize>(kMaxFrames + 1, {1, kFrameBytes}));
    CHECK(catch_error([&] { decode_seek_table(many, kMaxFrames + 1 + many.size()); }).kind() ==
          Kind::corrupt);
}
