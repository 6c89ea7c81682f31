// source/parquet_footer.hpp - which columns a Parquet file has and where their chunks lie.
//
// The footer is untrusted: it is read whole if it is not over kMaxParquetFooter, and every chunk it names
// lies inside the file. Only leaf columns that are not repeated can be found, by the path of names to them.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/base/thrift_compact.hpp"
#include "holdfast/source/parquet_format.hpp"

namespace holdfast {

/// A column that holds values.
struct ParquetLeaf {
    std::size_t index = 0;  // among the leaves
    ParquetType type{};
    std::uint32_t max_definition = 0;  // optional fields on the way; a value is there if all of them are
};

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
            if (id == 2)
                reader.read_list(type, [&](ThriftType element) { read_schema_element(reader, element); });
            else
                reader.skip(type);
        });
        if (schema_.empty()) corrupt("has no schema");
    }

    const ReadAt& read() const noexcept { return read_; }

    /// The column at a dotted path such as "add.path". Throws: corrupt, refused (repeated).
    std::optional<ParquetLeaf> find(std::string_view dotted) const {
        struct Group {
            std::uint64_t children;  // still to come
            bool is_on_path;
            std::uint32_t max_definition;
            bool is_repeated;
        };
        const std::vector<std::string_view> path = split(dotted, '.');
        std::vector<Group> open = {{schema_[0].children, true, 0, false}};
        std::size_t leaves = 0;
        for (std::size_t i = 1; i < schema_.size(); ++i) {
            while (!open.empty() && open.back().children == 0) open.pop_back();
            if (open.empty()) corrupt("has a malformed schema");
            const Element& e = schema_[i];
            Group& parent = open.back();
            --parent.children;
            const std::size_t depth = open.size() - 1;
            const bool is_on_path = parent.is_on_path && depth < path.size() && path[depth] == e.name;
            const bool is_optional = e.repetition == ParquetRepetition::optional;
            const Group here{e.children, is_on_path, parent.max_definition + (is_optional ? 1U : 0U),
                             parent.is_repeated || e.repetition == ParquetRepetition::repeated};
            if (!e.type) {
                open.push_back(here);
                continue;
            }
            if (is_on_path && depth + 1 == path.size()) {
                if (here.is_repeated) refuse_parquet("column " + in_quotes(dotted) + ", repeated,");
                return ParquetLeaf{leaves, *e.type, here.max_definition};
            }
            ++leaves;
        }
        return std::nullopt;
    }

    /// The column's chunks in row order. Throws: corrupt, refused.
    std::vector<ParquetChunk> chunks(const ParquetLeaf& leaf) const {
        std::vector<ParquetChunk> chunks;
        std::uint64_t rows = 0;
        ThriftReader reader = thrift();
        reader.read_struct([&](int id, ThriftType type) {
            if (id != 4) return reader.skip(type);
            reader.read_list(type, [&](ThriftType element) {
                const ParquetChunk chunk = read_row_group(reader, element, leaf);
                if (chunk.rows > kMaxParquetRows - rows || chunks.size() == kMaxParquetRowGroups)
                    refuse_parquet("file of so many rows");
                rows += chunk.rows;
                chunks.push_back(chunk);
            });
        });
        return chunks;
    }

private:
    struct Element {
        std::string_view name;            // in footer_
        std::optional<ParquetType> type;  // nothing: a group
        ParquetRepetition repetition = ParquetRepetition::required;
        std::uint64_t children = 0;
    };
    struct ColumnMeta {
        std::uint64_t type = 0, codec = 0, values = 0, stored_bytes = 0, data_offset = 0,
                      dictionary_offset = 0;
    };

    [[noreturn]] static void corrupt(const std::string& why) {
        throw Error(Kind::corrupt, "parquet file " + why);
    }
    ThriftReader thrift() const { return {footer_, "parquet footer"}; }

    void read_schema_element(ThriftReader& reader, ThriftType element) {
        if (schema_.size() == kMaxParquetSchema) refuse_parquet("file of so many columns");
        Element e;
        reader.read_struct(element, [&](int id, ThriftType type) {
            switch (id) {
                case 1:
                    e.type = static_cast<ParquetType>(std::min<std::uint64_t>(reader.count(type), 255));
                    break;
                case 3: e.repetition = repetition(reader.count(type)); break;
                case 4: e.name = reader.text(type); break;
                case 5: e.children = reader.count(type); break;
                default: reader.skip(type);
            }
        });
        schema_.push_back(e);
    }
    static ParquetRepetition repetition(std::uint64_t code) {
        if (code > 2) refuse_parquet("repetition " + std::to_string(code));
        return static_cast<ParquetRepetition>(code);
    }

    ParquetChunk read_row_group(ThriftReader& reader, ThriftType element, const ParquetLeaf& leaf) const {
        std::optional<ColumnMeta> meta;
        std::uint64_t rows = 0;
        reader.read_struct(element, [&](int id, ThriftType type) {
            std::size_t column = 0;
            if (id == 1)
                reader.read_list(type, [&](ThriftType chunk) {
                    if (column++ == leaf.index)
                        meta = read_column_chunk(reader, chunk);
                    else
                        reader.skip_element(chunk);
                });
            else if (id == 3)
                rows = reader.count(type);
            else
                reader.skip(type);
        });
        if (!meta) corrupt("has a row group without a column that its schema names");
        return checked_chunk(*meta, rows, leaf);
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
    std::vector<Element> schema_;  // a tree in preorder; the first is its root
};

}  // namespace holdfast
