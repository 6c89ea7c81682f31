// source/chunker.hpp - cuts a byte stream where its content says so.
//
// FastCDC with normalised chunking (Xia et al., USENIX ATC 2016): 64 KiB to 1 MiB, 256 KiB on average. Inserting bytes
// moves the cuts near them and no others, so the rest of the stream is found again. The same bytes are cut
// the same way in every run: the table below is part of how well runs share data, not of the format.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

inline constexpr std::size_t kMinChunk = 64_KiB;
inline constexpr std::size_t kAverageChunk = 256_KiB;
inline constexpr std::size_t kMaxChunk = 1_MiB;

namespace detail {
constexpr std::array<std::uint64_t, 256> make_gear() {
    std::array<std::uint64_t, 256> gear{};
    std::uint64_t state = 0x686f6c6466617374;  // splitmix64 from "holdfast"
    for (std::uint64_t& value : gear) {
        state += 0x9E3779B97F4A7C15;
        std::uint64_t z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        value = z ^ (z >> 31);
    }
    return gear;
}
inline constexpr std::array<std::uint64_t, 256> kGear = make_gear();
// 2 bits more than log2(256 KiB) before the average, 2 fewer after it; the high bits see the last 64 bytes best.
inline constexpr std::uint64_t kStrictMask = 0xFFFFF00000000000;
inline constexpr std::uint64_t kLooseMask = 0xFFFF000000000000;
}  // namespace detail

/// Finds cuts in a chunk that arrives piece by piece.
class Chunker {
public:
    /// `chunk` is everything since the last cut, longer than at the last call. Returns the length to cut off, if any,
    /// and is then ready for the next chunk.
    std::optional<std::size_t> find_cut(ByteSpan chunk) {
        const std::size_t end = std::min(chunk.size(), kMaxChunk);
        std::size_t at = std::max(scanned_, kMinChunk);
        for (const auto& [limit, mask] :
             {std::pair{kAverageChunk, detail::kStrictMask}, {kMaxChunk, detail::kLooseMask}}) {
            for (const std::size_t stop = std::min(end, limit); at < stop; ++at) {
                hash_ = (hash_ << 1) + detail::kGear[std::to_integer<unsigned>(chunk[at])];
                if ((hash_ & mask) == 0) return cut(at + 1);
            }
        }
        scanned_ = at;
        if (end == kMaxChunk) return cut(kMaxChunk);
        return std::nullopt;
    }
    /// Forgets the open chunk: its owner ended it.
    void reset() { cut(0); }

private:
    std::size_t cut(std::size_t length) {
        scanned_ = 0;
        hash_ = 0;
        return length;
    }
    std::size_t scanned_ = 0;
    std::uint64_t hash_ = 0;
};

}  // namespace holdfast
