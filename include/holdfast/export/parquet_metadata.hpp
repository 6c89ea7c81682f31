// export/parquet_metadata.hpp - the footer of a Parquet file that we write.
//
// Format: parquet.thrift of github.com/apache/parquet-format, FileMetaData and what it holds. The numbers of fields stand
// there; source/parquet_footer.hpp reads those that a reader of ours needs.
#pragma once

#include <string>
#include <vector>

#include "holdfast/base/version.hpp"
#include "holdfast/export/parquet_chunk.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

using ParquetKeyValues = std::vector<std::pair<std::string, std::string>>;

/// Key of a JSON list: the type of each column in CREATE TABLE.
inline constexpr const char* kDeclaredTypesKey = "holdfast.declared_types";

/// Collects what the footer says of each row group, as bytes, and writes it behind them.
class ParquetFooter {
public:
    ParquetFooter(std::vector<ExportColumn> columns, ParquetCodec codec)
        : columns_(std::move(columns)), codec_(codec) {}

    /// One chunk per column; the first starts at `offset`, and they lie back to back.
    void add_group(const std::vector<EncodedChunk>& chunks, std::uint64_t offset) {
        std::uint64_t plain = 0, stored = 0;
        for (const EncodedChunk& chunk : chunks) {
            plain += chunk.plain_bytes;
            stored += chunk.bytes.size();
        }
        const std::uint64_t start = offset, rows = chunks.at(0).rows;
        ThriftWriter thrift(groups_);
        thrift.write_struct([&] {
            thrift.write_list(1, ThriftType::structure, chunks.size(), [&] {
                for (std::size_t i = 0; i < chunks.size(); ++i) {
                    add_chunk(thrift, columns_[i], chunks[i], offset);
                    offset += chunks[i].bytes.size();
                }
            });
            thrift.write_i64(2, plain);
            thrift.write_i64(3, rows);
            thrift.write_i64(5, start);
            thrift.write_i64(6, stored);
        });
        ++group_count_;
        rows_ += rows;
    }

    /// Footer, its length, and the magic.
    Bytes finish(const ParquetKeyValues& key_values) const {
        Bytes out;
        ThriftWriter thrift(out);
        thrift.write_struct([&] {
            thrift.write_i32(1, 1);  // version: the values of it are told apart by nobody
            add_schema(thrift);
            thrift.write_i64(3, rows_);
            thrift.write_list(4, ThriftType::structure, group_count_, [&] { append(out, groups_); });
            thrift.write_list(5, ThriftType::structure, key_values.size(), [&] {
                for (const auto& pair : key_values)  // clang 14 captures no structured binding
                    thrift.write_struct([&] {
                        thrift.write_text(1, pair.first);
                        thrift.write_text(2, pair.second);
                    });
            });
            thrift.write_text(6, std::string("holdfast version ") + kVersion);
            thrift.write_list(7, ThriftType::structure, columns_.size(),
                              [&] {  // bounds follow the types' own order
                                  for (std::size_t i = 0; i < columns_.size(); ++i)
                                      thrift.write_struct([&] { thrift.write_struct(1, [] {}); });
                              });
        });
        holdfast::append_little_endian(out, static_cast<std::uint32_t>(out.size()));
        append(out, as_bytes(kParquetMagic));
        return out;
    }

private:
    void add_schema(ThriftWriter& thrift) const {
        thrift.write_list(2, ThriftType::structure, columns_.size() + 1, [&] {
            thrift.write_struct([&] {
                thrift.write_text(4, "schema");
                thrift.write_i32(5, static_cast<std::int32_t>(columns_.size()));
            });
            for (const ExportColumn& column : columns_) add_column(thrift, column);
        });
    }
    static void add_column(ThriftWriter& thrift, const ExportColumn& column) {
        const auto repetition =
            column.may_be_null ? ParquetRepetition::optional : ParquetRepetition::required;
        thrift.write_struct([&] {
            thrift.write_i32(1, static_cast<std::int32_t>(parquet_type(column.type)));
            thrift.write_i32(3, static_cast<std::int32_t>(repetition));
            thrift.write_text(4, column.name);
            if (column.type == ColumnType::text) {
                thrift.write_i32(6, kConvertedUtf8);  // for readers older than logical types
                thrift.write_struct(10, [&] { thrift.write_struct(kLogicalString, [] {}); });
            } else if (column.type == ColumnType::timestamp) {
                thrift.write_i32(6, kConvertedTimestampMicros);
                thrift.write_struct(10, [&] {
                    thrift.write_struct(kLogicalTimestamp, [&] {
                        thrift.write_flag(1, true);  // adjusted to UTC
                        thrift.write_struct(2, [&] { thrift.write_struct(kUnitMicros, [] {}); });
                    });
                });
            }
        });
    }
    void add_chunk(ThriftWriter& thrift, const ExportColumn& column, const EncodedChunk& chunk,
                   std::uint64_t offset) const {
        thrift.write_struct([&] {
            thrift.write_i64(2, 0);  // where a copy of the metadata lies: nowhere
            thrift.write_struct(3, [&] {
                const bool has_dictionary = chunk.dictionary_bytes > 0;
                thrift.write_i32(1, static_cast<std::int32_t>(parquet_type(column.type)));
                thrift.write_list(2, ThriftType::i32, has_dictionary ? 3 : 2, [&] {
                    thrift.write_i32(static_cast<std::int32_t>(ParquetEncoding::rle));  // levels
                    thrift.write_i32(static_cast<std::int32_t>(chunk.encoding));
                    if (has_dictionary) thrift.write_i32(static_cast<std::int32_t>(ParquetEncoding::plain));
                });
                thrift.write_list(3, ThriftType::binary, 1, [&] { thrift.write_text(column.name); });
                thrift.write_i32(4, static_cast<std::int32_t>(codec_));
                thrift.write_i64(5, chunk.rows);
                thrift.write_i64(6, chunk.plain_bytes);
                thrift.write_i64(7, chunk.bytes.size());
                thrift.write_i64(9, offset + chunk.dictionary_bytes);
                if (has_dictionary) thrift.write_i64(11, offset);
                add_statistics(thrift, chunk.statistics);
            });
        });
    }
    static void add_statistics(ThriftWriter& thrift, const ParquetStatistics& s) {
        thrift.write_struct(12, [&] {
            thrift.write_i64(3, s.nulls);
            if (s.greatest) thrift.write_text(5, as_text(*s.greatest));
            if (s.least) thrift.write_text(6, as_text(*s.least));
            if (s.greatest) thrift.write_flag(7, true);  // exact, not shortened
            if (s.least) thrift.write_flag(8, true);
        });
    }

    std::vector<ExportColumn> columns_;
    ParquetCodec codec_;
    Bytes groups_;  // structs of the list of row groups
    std::uint64_t group_count_ = 0, rows_ = 0;
};

}  // namespace holdfast
