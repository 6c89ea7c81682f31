// export/parquet_rows.hpp - the rows of a Parquet file that parquet_sink.hpp wrote, one after the other.
//
// The file is untrusted: whatever it says, memory stays below kMaxParquetHeld and a footer, and what does not fit together
// is refused with Kind::corrupt. Other writers' files are read if their columns are of our types, and refused otherwise.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "holdfast/export/column_buffer.hpp"
#include "holdfast/export/parquet_metadata.hpp"
#include "holdfast/source/parquet_column.hpp"

namespace holdfast {

/// A value of the greatest size as it is stored and decoded, and the pages of other columns.
inline constexpr std::uint64_t kMaxParquetHeld = 2 * kMaxParquetValue + 256_MiB;

class ParquetRows {
public:
    /// Reads the footer. Throws: corrupt, refused, what `read` throws.
    ParquetRows(ReadAt read, std::uint64_t file_bytes) : file_(std::move(read), file_bytes) {
        memory_.most_bytes = kMaxParquetHeld;
        memory_.most_for_one = kMaxParquetValue + 4;  // with its length
        const std::vector<ParquetElement>& elements = file_.schema().elements();
        if (elements[0].children != elements.size() - 1 || elements.size() == 1)
            refuse_parquet("file whose columns are nested");
        for (std::size_t i = 1; i < elements.size(); ++i) add_column(elements[i]);
        read_declared_types();
        values_.resize(columns_.size());
    }

    const std::vector<ExportColumn>& columns() const noexcept { return columns_; }
    /// As the footer says; next() throws if there are more or fewer.
    std::uint64_t rows() const noexcept { return file_.rows(); }
    /// What was given to the writer under that key.
    std::optional<std::string_view> key_value(std::string_view key) const {
        for (const auto& [name, value] : file_.key_values())
            if (name == key) return value;
        return std::nullopt;
    }

    /// The next row, valid until the next call; nothing after the last. Throws: corrupt, refused, what `read` throws.
    std::optional<std::span<const ExportValue>> next() {
        while (rows_left_ == 0) {
            if (next_group_ == file_.row_groups()) {
                if (rows_seen_ != file_.rows()) corrupt("has another number of rows than it says");
                return std::nullopt;
            }
            begin_group();
        }
        --rows_left_;
        ++rows_seen_;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            readers_[i].next();
            values_[i] = export_value(columns_[i], readers_[i].value());
        }
        return values_;
    }

private:
    [[noreturn]] static void corrupt(const std::string& why) {
        throw Error(Kind::corrupt, "parquet file " + why);
    }
    void add_column(const ParquetElement& e) {
        const std::string name(e.name);
        if (!is_utf8(name)) corrupt("has a column whose name is not UTF-8");
        if (!e.type) refuse_parquet("column " + in_quotes(name) + ", a group,");
        if (e.repetition == ParquetRepetition::repeated)
            refuse_parquet("column " + in_quotes(name) + ", repeated,");
        const bool may_be_null = e.repetition == ParquetRepetition::optional;
        ExportColumn& column = columns_.emplace_back();
        column.name = name;
        column.type = column_type(e);
        column.may_be_null = may_be_null;
        leaves_.push_back({leaves_.size(), *e.type, may_be_null ? 1U : 0U});
    }
    static ColumnType column_type(const ParquetElement& e) {
        if (*e.type == ParquetType::int64 && e.logical == 0) return ColumnType::integer;
        if (*e.type == ParquetType::int64 && e.logical == kLogicalTimestamp && e.is_utc &&
            e.unit == kUnitMicros)
            return ColumnType::timestamp;
        if (*e.type == ParquetType::real64) return ColumnType::real;
        if (*e.type == ParquetType::bytes && e.logical == kLogicalString) return ColumnType::text;
        if (*e.type == ParquetType::bytes && e.logical == 0) return ColumnType::blob;
        refuse_parquet("column " + in_quotes(e.name) + ", of a type that we do not write,");
    }
    void read_declared_types() {
        const auto text = key_value(kDeclaredTypesKey);
        if (!text) return;
        const Json types = parse_json(*text, "parquet key " + in_quotes(kDeclaredTypesKey));
        if (!types.is_array() || types.size() != columns_.size())
            corrupt("declares other columns than it has");
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (!types[i].is_string()) corrupt("declares a type that is no text");
            columns_[i].declared = types[i].get<std::string>();
        }
    }
    void begin_group() {
        readers_.clear();
        const std::vector<ParquetChunk> chunks = file_.row_group(next_group_++, leaves_);
        rows_left_ = chunks[0].rows;  // those of the others are the same, or the footer had been refused
        for (std::size_t i = 0; i < leaves_.size(); ++i)
            readers_.emplace_back(file_, leaves_[i], chunks[i], memory_);
    }
    ExportValue export_value(const ExportColumn& column, const std::optional<ParquetValue>& value) const {
        if (!value) return {};
        switch (column.type) {
            case ColumnType::integer:
            case ColumnType::timestamp: return value->number;
            case ColumnType::real: return std::bit_cast<double>(value->number);
            case ColumnType::blob: return as_bytes(value->text);
            case ColumnType::text: break;
        }
        if (!is_utf8(value->text))
            corrupt("holds a text that is not UTF-8 in column " + in_quotes(column.name));
        return value->text;
    }

    ParquetFile file_;
    std::vector<ExportColumn> columns_;
    std::vector<ParquetLeaf> leaves_;
    ParquetMemory memory_;
    std::deque<ParquetColumn> readers_;  // one per column, of this row group
    std::size_t next_group_ = 0;
    std::uint64_t rows_left_ = 0, rows_seen_ = 0;
    std::vector<ExportValue> values_;
};

}  // namespace holdfast
