// source/parquet_footer.hpp - which columns a Parquet file has and where their chunks lie.
//
// The footer is untrusted: it is read whole if it is not over kMaxParquetFooter, and every chunk it names
// lies inside the file. Row groups are looked at one by one, because each is as long as there are columns.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/source/parquet_schema.hpp"

namespace holdfast {

/// What a row group holds of one column.
struct ParquetChunk {
    std::uint64_t rows = 0;
    std::uint64_t offset = 0;  // of its first page in the file
    std::uint64_t stored_bytes = 0;
    ParquetCodec codec{};
};

class ParquetFile {
public:
    /// Reads the footer. Throws: corrupt, refused (encrypted, or over a limit), what `read` throws.
    ParquetFile(ReadAt read, std::uint64_t file_bytes) : read_(std::move(read)) {
        std::array<std::byte, kParquetTail> tail{};
        if (file_bytes < kParquetMagic.size() + tail.size()) corrupt("is too short");
        read_(file_bytes - tail.size(), tail);
        ByteCursor in(tail, "parquet footer");
        const std::uint64_t length = in.little_endian<std::uint32_t>();
        if (as_text(in.rest()) == "PARE") refuse_parquet("file with an encrypted footer");
        if (as_text(in.rest()) != kParquetMagic) corrupt("does not end like one");
        if (length > file_bytes - tail.size() - kParquetMagic.size()) corrupt("has an impossible footer");
        if (length > kMaxParquetFooter) refuse_parquet("footer of " + format_bytes(length));
        chunks_end_ = file_bytes - tail.size() - length;
        footer_.resize(static_cast<std::size_t>(length));
        read_(chunks_end_, footer_);
        ThriftReader reader = thrift();
        reader.read_struct([&](int id, ThriftType type) {
            switch (id) {
                case 2:
                    reader.read_list(type,
                                     [&](ThriftType element) { schema_.read_element(reader, element); });
                    break;
                case 3: rows_ = reader.count(type); break;
                case 4:
                    reader.read_list(type, [&](ThriftType element) { find_row_group(reader, element); });
                    break;
                case 5:
                    reader.read_list(type, [&](ThriftType element) { read_key_value(reader, element); });
                    break;
                default: reader.skip(type);
            }
        });
        if (schema_.elements().empty()) corrupt("has no schema");
    }

    const ReadAt& read() const noexcept { return read_; }

    const ParquetSchema& schema() const noexcept { return schema_; }
    /// The column at a dotted path such as "add.path". Throws: corrupt, refused (repeated).
    std::optional<ParquetLeaf> find(std::string_view dotted) const { return schema_.find(dotted); }

    std::uint64_t rows() const noexcept { return rows_; }
    /// What the writer had to say beyond the format; both lie in the file's footer.
    const std::vector<std::pair<std::string_view, std::string_view>>& key_values() const noexcept {
        return key_values_;
    }

    std::size_t row_groups() const noexcept { return groups_.size(); }
    /// The chunks of a row group in the order of `leaves`, which ascend. Throws: corrupt, refused.
    std::vector<ParquetChunk> row_group(std::size_t i, std::span<const ParquetLeaf> leaves) const {
        std::vector<std::optional<ColumnMeta>> metas(leaves.size());
        std::uint64_t rows = 0;
        ThriftReader reader(ByteSpan(footer_).subspan(groups_.at(i)), "parquet footer");
        reader.read_struct([&](int id, ThriftType type) {
            if (id == 1)
                read_columns(reader, type, leaves, metas);
            else if (id == 3)
                rows = reader.count(type);
            else
                reader.skip(type);
        });
        std::vector<ParquetChunk> chunks;
        for (std::size_t k = 0; k < leaves.size(); ++k) {
            if (!metas[k]) corrupt("has a row group without a column that its schema names");
            chunks.push_back(checked_chunk(*metas[k], rows, leaves[k]));
        }
        return chunks;
    }

    /// The column's chunks in row order. Throws: corrupt, refused.
    std::vector<ParquetChunk> chunks(const ParquetLeaf& leaf) const {
        std::vector<ParquetChunk> chunks;
        std::uint64_t rows = 0;
        for (std::size_t i = 0; i < row_groups(); ++i) {
            const ParquetChunk chunk = row_group(i, std::span(&leaf, 1))[0];
            if (chunk.rows > kMaxParquetRows - rows) refuse_parquet("file of so many rows");
            rows += chunk.rows;
            chunks.push_back(chunk);
        }
        return chunks;
    }

private:
    struct ColumnMeta {
        std::uint64_t type = 0, codec = 0, values = 0, stored_bytes = 0, data_offset = 0,
                      dictionary_offset = 0;
    };

    [[noreturn]] static void corrupt(const std::string& why) {
        throw Error(Kind::corrupt, "parquet file " + why);
    }
    ThriftReader thrift() const { return {footer_, "parquet footer"}; }

    /// Where it starts; it is read when it is asked for.
    void find_row_group(ThriftReader& reader, ThriftType element) {
        if (groups_.size() == kMaxParquetRowGroups) refuse_parquet("file of so many row groups");
        if (element != ThriftType::structure) corrupt("has a row group that is none");
        groups_.push_back(footer_.size() - reader.left());
        reader.skip(element);
    }
    void read_key_value(ThriftReader& reader, ThriftType element) {
        std::string_view key, value;
        reader.read_struct(element, [&](int id, ThriftType type) {
            if (id == 1)
                key = reader.text(type);
            else if (id == 2)
                value = reader.text(type);
            else
                reader.skip(type);
        });
        if (key_values_.size() == kMaxParquetKeyValues) refuse_parquet("file of so many keys");
        key_values_.emplace_back(key, value);
    }
    static void read_columns(ThriftReader& reader, ThriftType list, std::span<const ParquetLeaf> leaves,
                             std::vector<std::optional<ColumnMeta>>& metas) {
        std::size_t column = 0, wanted = 0;
        reader.read_list(list, [&](ThriftType chunk) {
            if (wanted == leaves.size() || column++ != leaves[wanted].index)
                return reader.skip_element(chunk);
            metas[wanted++] = read_column_chunk(reader, chunk);
        });
    }
    static ColumnMeta read_column_chunk(ThriftReader& reader, ThriftType element) {
        std::optional<ColumnMeta> meta;
        reader.read_struct(element, [&](int id, ThriftType type) {
            if (id == 1) refuse_parquet("column in another file");
            if (id == 3)
                meta = read_column_meta(reader, type);
            else
                reader.skip(type);
        });
        if (!meta) refuse_parquet("column without metadata, as encrypted ones are,");
        return *meta;
    }
    static ColumnMeta read_column_meta(ThriftReader& reader, ThriftType element) {
        ColumnMeta meta;
        reader.read_struct(element, [&](int id, ThriftType type) {
            switch (id) {
                case 1: meta.type = reader.count(type); break;
                case 4: meta.codec = reader.count(type); break;
                case 5: meta.values = reader.count(type); break;
                case 7: meta.stored_bytes = reader.count(type); break;
                case 9: meta.data_offset = reader.count(type); break;
                case 11: meta.dictionary_offset = reader.count(type); break;
                default: reader.skip(type);
            }
        });
        return meta;
    }
    ParquetChunk checked_chunk(const ColumnMeta& meta, std::uint64_t rows, const ParquetLeaf& leaf) const {
        if (meta.type != static_cast<std::uint64_t>(leaf.type))
            corrupt("has a column of another type than its schema says");
        if (meta.values != rows) corrupt("has a column with another number of rows than its row group");
        const bool has_dictionary = meta.dictionary_offset != 0;  // 0: some writers mean none
        const std::uint64_t start =
            has_dictionary ? std::min(meta.dictionary_offset, meta.data_offset) : meta.data_offset;
        if (start < kParquetMagic.size() || start > chunks_end_ || meta.stored_bytes > chunks_end_ - start)
            corrupt("has a column that lies outside of it");
        if (meta.codec > static_cast<std::uint64_t>(ParquetCodec::lz4_raw))
            refuse_parquet("codec " + std::to_string(meta.codec));
        return {rows, start, meta.stored_bytes, static_cast<ParquetCodec>(meta.codec)};
    }

    ReadAt read_;
    std::uint64_t chunks_end_ = 0;
    Bytes footer_;
    ParquetSchema schema_;
    std::uint64_t rows_ = 0;
    std::vector<std::size_t> groups_;  // where each starts in footer_
    std::vector<std::pair<std::string_view, std::string_view>> key_values_;
};

}  // namespace holdfast
