// export/parquet_encode.hpp - numbers in the encodings that the Parquet writer uses; source/parquet_encoding.hpp reads them.
//
// Format: Encodings.md of github.com/apache/parquet-format: "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)" and
// "Delta Encoding (DELTA_BINARY_PACKED = 5)", "Delta-length byte array", "Delta Strings".
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "holdfast/base/byte_writer.hpp"

namespace holdfast {

/// Appends the lowest `width` bits, at most 64, of each value; nothing else may be set. The lowest bit comes first, and the
/// last byte is filled up with zeros.
template <class Number>
void append_packed(Bytes& out, std::span<const Number> values, unsigned width) {
    if (width == 0) return;
    out.reserve(out.size() + (values.size() * width + 7) / 8);
    std::uint64_t gathered = 0;
    unsigned bits = 0;  // of `gathered`
    for (const Number number : values) {
        const std::uint64_t value = number;
        gathered |= value << bits;
        bits += width;
        if (bits < 64) continue;
        holdfast::append_little_endian(out, gathered);
        bits -= 64;
        gathered = bits == 0 ? 0 : value >> (width - bits);
    }
    for (unsigned done = 0; done < bits; done += 8)
        out.push_back(static_cast<std::byte>(gathered >> done & 0xFFU));
}

/// Levels and dictionary indexes of `width` bits, 1 to 32: eight equal values or more in a row are a run.
template <class Number>
void append_runs(Bytes& out, std::span<const Number> values, unsigned width) {
    const auto append_groups = [&](std::size_t first, std::size_t end) {
        if (first == end) return;
        const std::size_t groups = (end - first + 7) / 8;
        append_varint(out, groups << 1 | 1U);
        const std::size_t whole = out.size() + groups * width;
        append_packed(out, values.subspan(first, end - first), width);
        out.resize(whole);  // only the last group of all is cut off
    };
    std::size_t packed = 0;  // up to here everything is written
    for (std::size_t i = 0, end = 0; i < values.size(); i = end) {
        for (end = i + 1; end < values.size() && values[end] == values[i];) ++end;
        const std::size_t fill = (8 - (i - packed) % 8) % 8;  // groups of 8 are whole
        if (end - i < fill + 8) continue;
        append_groups(packed, i + fill);
        append_varint(out, static_cast<std::uint64_t>(end - i - fill) << 1);
        for (unsigned done = 0; done < width; done += 8)
            out.push_back(static_cast<std::byte>(values[i] >> done & 0xFFU));
        packed = end;
    }
    append_groups(packed, values.size());
}

/// Two's complement numbers of 64 bits as differences from one to the next; sums and differences wrap.
inline void append_deltas(Bytes& out, std::span<const std::uint64_t> values) {
    constexpr std::size_t kBlock = 128, kMiniblock = 32;  // what other writers use
    append_varint(out, kBlock);
    append_varint(out, kBlock / kMiniblock);
    append_varint(out, values.size());
    append_zigzag(out, values.empty() ? 0 : static_cast<std::int64_t>(values[0]));
    std::array<std::uint64_t, kBlock> deltas{};
    for (std::size_t at = 1; at < values.size(); at += kBlock) {
        const std::size_t n = std::min(kBlock, values.size() - at);
        for (std::size_t i = 0; i < n; ++i) deltas[i] = values[at + i] - values[at + i - 1];
        const auto least = *std::min_element(deltas.begin(), deltas.begin() + n, [](auto a, auto b) {
            return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
        });
        for (std::size_t i = 0; i < n; ++i) deltas[i] -= least;
        std::fill(deltas.begin() + static_cast<std::ptrdiff_t>(n), deltas.end(), 0);
        append_zigzag(out, static_cast<std::int64_t>(least));
        std::array<unsigned, kBlock / kMiniblock> widths{};
        for (std::size_t m = 0; m < widths.size(); ++m) {
            std::uint64_t bits = 0;
            for (std::size_t i = 0; i < kMiniblock; ++i) bits |= deltas[m * kMiniblock + i];
            widths[m] = static_cast<unsigned>(std::bit_width(bits));
            out.push_back(static_cast<std::byte>(widths[m]));
        }
        for (std::size_t m = 0; m < widths.size() && m * kMiniblock < n; ++m)
            append_packed(out, std::span<const std::uint64_t>(deltas).subspan(m * kMiniblock, kMiniblock),
                          widths[m]);
    }
}

/// Texts as all their lengths, then all their bytes. `text_at(i)` is a ByteSpan.
template <class TextAt>
void append_texts(Bytes& out, std::size_t count, TextAt text_at) {
    std::vector<std::uint64_t> lengths(count);
    for (std::size_t i = 0; i < count; ++i) lengths[i] = text_at(i).size();
    append_deltas(out, lengths);
    for (std::size_t i = 0; i < count; ++i) append(out, text_at(i));
}

/// Texts without what each has in common with the beginning of the one before it.
template <class TextAt>
void append_text_deltas(Bytes& out, std::size_t count, TextAt text_at) {
    std::vector<std::uint64_t> shared(count);
    for (std::size_t i = 1; i < count; ++i) {
        const ByteSpan before = text_at(i - 1), text = text_at(i);
        const auto parting = std::mismatch(before.begin(), before.end(), text.begin(), text.end());
        shared[i] = static_cast<std::uint64_t>(parting.second - text.begin());
    }
    append_deltas(out, shared);
    append_texts(out, count,
                 [&](std::size_t i) { return text_at(i).subspan(static_cast<std::size_t>(shared[i])); });
}

}  // namespace holdfast
