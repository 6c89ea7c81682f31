// source/segment.hpp - groups of neighbouring entries that are taken over together when nothing changed.
//
// The key of a segment is the SHA-256 of everything that stat says about its entries; equal keys mean
// equal content, provided the times were old enough when it was captured (is_settled). Where a segment
// ends depends on its entries alone: a new file moves one boundary, not all that follow.
#pragma once

#include <sys/sysmacros.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/source/walk_entry.hpp"
#include "holdfast/wrap/digest.hpp"

namespace holdfast {

inline constexpr std::uint64_t kSegmentTarget = 4 * 1024 * 1024;  // average weight of a segment
inline constexpr std::uint64_t kSegmentMin = kSegmentTarget / 4;
inline constexpr std::uint64_t kSegmentMax = kSegmentTarget * 4;
inline constexpr std::uint64_t kEntryWeight = 4096;            // so 1000 empty entries weigh 4 MiB
inline constexpr std::int64_t kOwnSegmentBytes = 1024 * 1024;  // a larger file is a segment of its own

/// A time stamp within two seconds of the start proves nothing: FAT stamps have a grain of 2 s, ext3 and
/// some network file systems one of 1 s, Linux's own ticks up to 10 ms.
inline constexpr std::int64_t kRacyNs = 2'000'000'000;

inline bool is_own_segment(const WalkEntry& e) {
    return e.type == EntryType::file && e.st.st_size > kOwnSegmentBytes;
}
inline std::uint64_t segment_weight(const WalkEntry& e) {
    const bool has_data = e.type == EntryType::file && e.st.st_size > 0;
    return kEntryWeight + (has_data ? static_cast<std::uint64_t>(e.st.st_size) : 0);
}

/// Evenly spread 64 bits of a path: FNV-1a, then the finaliser of splitmix64. Part of no format: another
/// rule only costs one capture without reuse.
inline std::uint64_t path_hash(std::string_view path) {
    std::uint64_t h = 0xCBF29CE484222325ULL;
    for (const char c : path) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9ULL;
    h = (h ^ h >> 27) * 0x94D049BB133111EBULL;
    return h ^ h >> 31;
}

/// May the segment end after `e`, `weight` being that of all its entries? An entry ends a segment with a
/// chance of its own weight in kSegmentTarget, so segments weigh that much on average whatever the sizes.
inline bool ends_segment(const WalkEntry& e, std::uint64_t weight) {
    if (weight >= kSegmentMax) return true;
    const double chance =
        static_cast<double>(segment_weight(e)) / static_cast<double>(kSegmentTarget - kSegmentMin);
    return weight >= kSegmentMin && static_cast<double>(path_hash(e.path) >> 11) * 0x1p-53 < chance;
}

namespace detail {
inline void append_number(std::string& out, std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift & 0xFFU);
}
inline void append_text(std::string& out, std::string_view text) {
    append_number(out, text.size());
    out += text;
}
inline void append_stat(std::string& out, const struct stat& st) {
    for (const auto value :
         {static_cast<std::uint64_t>(st.st_mode), static_cast<std::uint64_t>(st.st_ino),
          static_cast<std::uint64_t>(st.st_dev), static_cast<std::uint64_t>(st.st_uid),
          static_cast<std::uint64_t>(st.st_gid), static_cast<std::uint64_t>(st.st_rdev),
          static_cast<std::uint64_t>(S_ISDIR(st.st_mode) ? 0 : st.st_size),
          static_cast<std::uint64_t>(to_ns(st.st_mtim)), static_cast<std::uint64_t>(to_ns(st.st_ctim))})
        append_number(out, value);
}
}  // namespace detail

/// `variant` holds what else shapes the content: the format, whether SQLite files become images.
inline Digest segment_key(const std::vector<WalkEntry>& entries, std::string_view variant) {
    std::string tuples;
    detail::append_text(tuples, variant);
    for (const WalkEntry& e : entries) {
        detail::append_text(tuples, e.path);
        detail::append_number(tuples, static_cast<std::uint64_t>(e.type));
        detail::append_stat(tuples, e.st);
        detail::append_text(tuples, e.link);
        detail::append_number(tuples, e.sidecars.size());
        for (const struct stat& sidecar : e.sidecars) detail::append_stat(tuples, sidecar);
        if (e.names != 0) {
            detail::append_number(tuples, e.names);
            detail::append_text(tuples, e.read_as);
        }
    }
    return sha256(tuples);
}

/// Are all times older than `start_ns` by more than the grain of any clock? Only then a later write is sure
/// to leave another time.
inline bool is_settled(const std::vector<WalkEntry>& entries, std::int64_t start_ns) {
    const auto is_old = [&](const struct stat& st) {
        return to_ns(st.st_mtim) < start_ns - kRacyNs && to_ns(st.st_ctim) < start_ns - kRacyNs;
    };
    for (const WalkEntry& e : entries) {
        if (!is_old(e.st)) return false;
        for (const struct stat& sidecar : e.sidecars)
            if (!is_old(sidecar)) return false;
    }
    return true;
}

}  // namespace holdfast
