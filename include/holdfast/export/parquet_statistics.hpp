// export/parquet_statistics.hpp - the least and the greatest value of a column chunk, for readers that skip whole chunks.
//
// Bounds are written only where every reader orders values alike: none where there is a NaN, zeros as -0.0 below and
// +0.0 above, texts and blobs by their bytes. A long text is left out rather than shortened.
// Format: parquet.thrift of github.com/apache/parquet-format, Statistics and TypeDefinedOrder.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "holdfast/base/byte_writer.hpp"
#include "holdfast/export/column_buffer.hpp"

namespace holdfast {

struct ParquetStatistics {
    std::uint64_t nulls = 0;
    std::optional<Bytes> least, greatest;  // PLAIN, without a length
};

inline constexpr std::size_t kMaxParquetBound = 64;  // bytes of a text; they lie in the footer

namespace detail {

inline void bound_texts(const ColumnBuffer& values, ParquetStatistics& out) {
    std::string_view least = as_text(values.text(0)), greatest = least;  // compared as unsigned bytes
    for (std::size_t i = 1; i < values.size(); ++i) {
        const std::string_view text = as_text(values.text(i));
        if (text < least) least = text;
        if (text > greatest) greatest = text;
    }
    const auto bound = [](std::string_view text) {
        const ByteSpan bytes = as_bytes(text);
        return text.size() > kMaxParquetBound ? std::nullopt
                                              : std::optional(Bytes(bytes.begin(), bytes.end()));
    };
    out.least = bound(least);
    out.greatest = bound(greatest);
}

template <class Number>
void set_bounds(Number least, Number greatest, ParquetStatistics& out) {
    holdfast::append_little_endian(out.least.emplace(), std::bit_cast<std::uint64_t>(least));
    holdfast::append_little_endian(out.greatest.emplace(), std::bit_cast<std::uint64_t>(greatest));
}

inline void bound_integers(std::span<const std::uint64_t> numbers, ParquetStatistics& out) {
    auto least = static_cast<std::int64_t>(numbers[0]), greatest = least;
    for (const std::uint64_t number : numbers) {
        least = std::min(least, static_cast<std::int64_t>(number));
        greatest = std::max(greatest, static_cast<std::int64_t>(number));
    }
    set_bounds(least, greatest, out);
}

inline void bound_reals(std::span<const std::uint64_t> numbers, ParquetStatistics& out) {
    auto least = std::bit_cast<double>(numbers[0]), greatest = least;
    for (const std::uint64_t number : numbers) {
        const auto real = std::bit_cast<double>(number);
        if (std::isnan(real)) return;
        least = std::min(least, real);
        greatest = std::max(greatest, real);
    }
    set_bounds(least == 0 ? -0.0 : least, greatest == 0 ? 0.0 : greatest, out);
}

}  // namespace detail

inline ParquetStatistics parquet_statistics(const ColumnBuffer& values) {
    ParquetStatistics out;
    out.nulls = values.rows() - values.size();
    if (values.size() == 0) return out;
    if (values.is_text())
        detail::bound_texts(values, out);
    else if (values.column().type == ColumnType::real)
        detail::bound_reals(values.numbers(), out);
    else
        detail::bound_integers(values.numbers(), out);
    return out;
}

}  // namespace holdfast
