// source/parquet_format.hpp - the numbers of the Parquet file format, and the limits we set.
//
// A file is "PAR1", column chunks made of pages, the footer (Thrift), its length, "PAR1". Format: README.md,
// Encodings.md and parquet.thrift of github.com/apache/parquet-format, where the numbers come from.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "holdfast/base/error.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

inline constexpr std::string_view kParquetMagic = "PAR1";
inline constexpr std::uint64_t kParquetTail = 8;  // the footer's length in 4 bytes, the magic

enum class ParquetType {
    boolean = 0,
    int32 = 1,
    int64 = 2,
    int96 = 3,
    real32 = 4,
    real64 = 5,
    bytes = 6,
    fixed_bytes = 7
};
enum class ParquetRepetition { required = 0, optional = 1, repeated = 2 };
enum class ParquetCodec {
    plain = 0,
    snappy = 1,
    gzip = 2,
    lzo = 3,
    brotli = 4,
    lz4 = 5,
    zstd = 6,
    lz4_raw = 7
};
enum class ParquetPageType { data = 0, index = 1, dictionary = 2, data_v2 = 3 };
enum class ParquetEncoding {
    plain = 0,
    plain_dictionary = 2,  // the old name of rle_dictionary
    rle = 3,
    bit_packed = 4,
    delta_binary_packed = 5,
    delta_length_bytes = 6,
    delta_bytes = 7,
    rle_dictionary = 8,
    byte_stream_split = 9,
};

// What a value means beyond its type: the old numbers (ConvertedType), and fields of the unions that replaced them.
inline constexpr int kConvertedUtf8 = 0, kConvertedTimestampMicros = 10;
inline constexpr int kLogicalString = 1, kLogicalTimestamp = 8, kUnitMicros = 2;

inline constexpr std::uint64_t kMaxParquetFooter = 64_MiB;     // held in memory
inline constexpr std::uint64_t kMaxParquetPage = 64_MiB;       // held in memory; writers aim at 1 MiB
inline constexpr std::uint64_t kMaxParquetPageHeader = 1_MiB;  // statistics make it long
inline constexpr std::uint64_t kMaxParquetColumn = 4_GiB;      // decoded in all, a few seconds of work
inline constexpr std::uint64_t kMaxParquetRows = 100'000'000;  // as much again: a run of nulls has no bytes
inline constexpr std::size_t kMaxParquetSchema = 100'000;      // columns and groups
inline constexpr std::size_t kMaxParquetRowGroups = 100'000;   // 64 bytes each
inline constexpr std::size_t kMaxParquetKeyValues = 10'000;    // Arrow and Spark write one or two
inline constexpr std::uint64_t kMaxParquetValue =
    1'000'000'000;  // SQLite's own limit of a text or a blob; pages count their bytes in 31 bits

/// Fills the span from that offset, which lies in the file. Throws: io.
using ReadAt = std::function<void(std::uint64_t offset, std::span<std::byte> out)>;

/// For a feature that is not implemented and a limit that is passed: the file may well be whole.
[[noreturn]] inline void refuse_parquet(const std::string& why) {
    throw Error(Kind::refused, "parquet " + why + " is not supported");
}

}  // namespace holdfast
