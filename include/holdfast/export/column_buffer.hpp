// export/column_buffer.hpp - the values of one column, kept until a row group of them is encoded.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/export/row.hpp"
#include "holdfast/source/parquet_format.hpp"

namespace holdfast {

/// The type that holds a column on disk.
inline ParquetType parquet_type(ColumnType type) {
    switch (type) {
        case ColumnType::integer:
        case ColumnType::timestamp: return ParquetType::int64;
        case ColumnType::real: return ParquetType::real64;
        case ColumnType::text:
        case ColumnType::blob: break;
    }
    return ParquetType::bytes;
}

class ColumnBuffer {
public:
    explicit ColumnBuffer(ExportColumn column) : column_(std::move(column)) {}

    /// Returns how many bytes the value takes in PLAIN encoding. Throws: refused (too long), internal (of another type).
    std::uint64_t add(const ExportValue& value) {
        ++rows_;
        const bool is_null = std::holds_alternative<std::monostate>(value);
        if (column_.may_be_null)
            present_.push_back(is_null ? 0 : 1);
        else if (is_null)
            fail("null");
        if (is_null) return 0;
        switch (column_.type) {
            case ColumnType::integer:
            case ColumnType::timestamp:
                return add_number(
                    static_cast<std::uint64_t>(get<std::int64_t>(value, "something else than an integer")));
            case ColumnType::real:
                return add_number(
                    std::bit_cast<std::uint64_t>(get<double>(value, "something else than a real")));
            case ColumnType::text:
                return add_text(as_bytes(get<std::string_view>(value, "something else than a text")));
            case ColumnType::blob: break;
        }
        return add_text(get<ByteSpan>(value, "something else than a blob"));
    }
    void clear() {
        rows_ = 0;
        present_.clear();
        numbers_.clear();
        bytes_.clear();
        if (bytes_.capacity() > kKeptBytes) bytes_.shrink_to_fit();  // after a huge value
        ends_.clear();
    }

    const ExportColumn& column() const noexcept { return column_; }
    bool is_text() const noexcept { return parquet_type(column_.type) == ParquetType::bytes; }
    std::size_t rows() const noexcept { return rows_; }
    /// Values that are not null.
    std::size_t size() const noexcept { return is_text() ? ends_.size() : numbers_.size(); }
    /// For each row 0 (null) or 1; empty if the column may not be null.
    std::span<const std::uint8_t> present() const noexcept { return present_; }
    /// Of integers, timestamps and reals: the bits.
    std::span<const std::uint64_t> numbers() const noexcept { return numbers_; }
    ByteSpan text(std::size_t i) const noexcept {
        const std::size_t start = i == 0 ? 0 : ends_[i - 1];
        return ByteSpan(bytes_).subspan(start, ends_[i] - start);
    }

private:
    static constexpr std::size_t kKeptBytes = 64_MiB;

    [[noreturn]] void fail(const char* what) const {
        throw Error(Kind::internal,
                    "column " + in_quotes(column_.name) + " holds " + what + ", which was ruled out");
    }
    template <class T>
    const T& get(const ExportValue& value, const char* otherwise) const {
        const T* held = std::get_if<T>(&value);
        if (held == nullptr) fail(otherwise);
        return *held;
    }
    std::uint64_t add_number(std::uint64_t number) {
        numbers_.push_back(number);
        return sizeof number;
    }
    std::uint64_t add_text(ByteSpan text) {
        if (text.size() > kMaxParquetValue)
            throw Error(Kind::refused,
                        "column " + in_quotes(column_.name) + " holds a value of " +
                            format_bytes(text.size()) + ", more than a Parquet page may have",
                        "export it as CSV or JSON");
        bytes_.insert(bytes_.end(), text.begin(), text.end());
        ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
        return 4 + text.size();
    }

    ExportColumn column_;
    std::size_t rows_ = 0;
    std::vector<std::uint8_t> present_;
    std::vector<std::uint64_t> numbers_;
    Bytes bytes_;  // of texts and blobs, back to back
    std::vector<std::uint32_t> ends_;
};

}  // namespace holdfast
