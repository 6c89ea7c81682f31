// store/object_format.hpp - the bytes of an object, written once for reader and writer.
//
// An object is 1 to 16 zstd frames of 1 MiB of plain data each (the last may be shorter), then a skippable frame
// with the seek table of the zstd seekable format (facebook/zstd, contrib/seekable_format). All
// numbers are little-endian. `zstd -dc` reads it whole. docs/format.md, "Object".
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

inline constexpr std::size_t kFrameBytes = 1_MiB;    // one random read decodes at most this
inline constexpr std::size_t kObjectBytes = 16_MiB;  // plain bytes; held in memory a few times
inline constexpr std::size_t kMaxFrames = kObjectBytes / kFrameBytes;
inline constexpr std::size_t kMaxStoredBytes =
    kObjectBytes + 128_KiB;  // incompressible data grows by < 0.4 %

struct FrameSize {
    std::uint32_t stored_bytes;
    std::uint32_t plain_bytes;
};

namespace detail {
inline constexpr std::uint32_t kSkippableMagic = 0x184D2A5E;
inline constexpr std::uint32_t kSeekableMagic = 0x8F92EAB1;
inline constexpr std::size_t kSeekHeader = 8, kSeekEntry = 8, kSeekFooter = 9;

inline void put_u32(Bytes& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(value >> shift));
}
inline std::uint32_t get_u32(ByteSpan in, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(in[at + i]) << (8 * i);
    return value;
}
}  // namespace detail

inline Bytes encode_seek_table(const std::vector<FrameSize>& frames) {
    using namespace detail;
    Bytes out;
    put_u32(out, kSkippableMagic);
    put_u32(out, static_cast<std::uint32_t>(frames.size() * kSeekEntry + kSeekFooter));
    for (const FrameSize& frame : frames) {
        put_u32(out, frame.stored_bytes);
        put_u32(out, frame.plain_bytes);
    }
    put_u32(out, static_cast<std::uint32_t>(frames.size()));
    out.push_back(std::byte{0});  // no checksums here: the frames carry their own
    put_u32(out, kSeekableMagic);
    return out;
}

inline constexpr std::size_t kMaxSeekTable =
    detail::kSeekHeader + kMaxFrames * detail::kSeekEntry + detail::kSeekFooter;

/// `tail` is the end of the object (at most kMaxSeekTable bytes are looked at), `stored_bytes` its whole size.
/// Refuses anything whose frames do not add up to the object. Throws: corrupt.
inline std::vector<FrameSize> decode_seek_table(ByteSpan tail, std::uint64_t stored_bytes) {
    using namespace detail;
    const auto refuse = [](const char* why) {
        throw Error(Kind::corrupt, std::string("seek table: ") + why);
    };
    if (tail.size() < kSeekHeader + kSeekFooter) refuse("too short");
    const std::size_t end = tail.size();
    if (get_u32(tail, end - 4) != kSeekableMagic) refuse("not a holdfast object");
    if (tail[end - 5] != std::byte{0}) refuse("unknown flags");
    const std::size_t count = get_u32(tail, end - kSeekFooter);
    if (count == 0 || count > kMaxFrames) refuse("frame count out of range");
    const std::size_t table = kSeekHeader + count * kSeekEntry + kSeekFooter;
    if (table > end) refuse("too short");
    if (get_u32(tail, end - table) != kSkippableMagic ||
        get_u32(tail, end - table + 4) != table - kSeekHeader)
        refuse("header damaged");
    std::vector<FrameSize> frames(count);
    std::uint64_t total = table;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = end - table + kSeekHeader + i * kSeekEntry;
        frames[i] = {get_u32(tail, at), get_u32(tail, at + 4)};
        const bool is_last = i + 1 == count;
        if (frames[i].plain_bytes == 0 || frames[i].plain_bytes > kFrameBytes ||
            (!is_last && frames[i].plain_bytes != kFrameBytes))
            refuse("frame length out of range");
        total += frames[i].stored_bytes;
    }
    if (total != stored_bytes) refuse("frames do not add up to the object");
    return frames;
}

}  // namespace holdfast
