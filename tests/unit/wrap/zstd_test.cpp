#include "holdfast/wrap/zstd.hpp"

#include <doctest/doctest.h>

#include "holdfast/base/units.hpp"

using namespace holdfast;

namespace {
const Bytes kPlain(100'000, std::byte{'a'});
}

TEST_CASE("zstd: a frame decodes to what went in") {
    const Bytes frame = Compressor(3).compress(kPlain);
    Bytes out(kPlain.size());
    CHECK(decompress_frame(frame, out));
    CHECK(out == kPlain);
}

TEST_CASE("zstd: a frame is refused unless it has exactly the expected size, so a bomb never unfolds") {
    const Bytes bomb = Compressor(19).compress(Bytes(64_MiB));
    CHECK(bomb.size() < 8_KiB);
    Bytes out(1_MiB);
    CHECK_FALSE(decompress_frame(bomb, out));
    const Bytes frame = Compressor(3).compress(kPlain);
    for (const std::size_t size : {kPlain.size() - 1, kPlain.size() + 1}) {
        Bytes other(size);
        CHECK_FALSE(decompress_frame(frame, other));
    }
}

TEST_CASE("zstd: two frames in a row, a cut one and a damaged one are refused") {
    const Bytes frame = Compressor(3).compress(kPlain);
    Bytes two = frame;
    two.insert(two.end(), frame.begin(), frame.end());
    Bytes out(kPlain.size());
    CHECK_FALSE(decompress_frame(two, out));
    CHECK_FALSE(decompress_frame(ByteSpan(frame).first(frame.size() - 1), out));
    for (std::size_t at = 0; at < frame.size(); ++at) {
        Bytes bad = frame;
        bad[at] ^= std::byte{1};
        CHECK((!decompress_frame(bad, out) || out == kPlain));
    }
}

TEST_CASE("zstd: several frames are decoded where they are expected, into exactly their size") {
    const Bytes frame = Compressor(3).compress(kPlain);
    Bytes two = frame;
    two.insert(two.end(), frame.begin(), frame.end());
    Bytes out(2 * kPlain.size());
    CHECK(decompress_frames(two, out));
    CHECK(out == Bytes(2 * kPlain.size(), std::byte{'a'}));
    CHECK_FALSE(decompress_frames(frame, out));
    CHECK_FALSE(decompress_frames(two, std::span(out).first(kPlain.size())));
    CHECK_FALSE(decompress_frames(ByteSpan(two).first(two.size() - 1), out));
}
