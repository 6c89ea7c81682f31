// export/row.hpp - rows on their way from a database into a file of another format.
//
// Whoever reads a table decides the column types once and calls begin(); then every value is NULL or of its
// column's type, except for CSV and JSON, whose sinks take any value in any column and mark what does not fit.
// A sink writes one file and holds a bounded number of rows, whatever their count.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "holdfast/base/bytes.hpp"

namespace holdfast {

enum class ColumnType {
    integer,    // std::int64_t
    real,       // double
    text,       // std::string_view, valid UTF-8
    blob,       // ByteSpan
    timestamp,  // std::int64_t: microseconds since 1970-01-01T00:00:00Z
};

/// What a plain cell of a file without types, such as CSV, stands for; the others are marked. docs/export.md.
enum class CellRule {
    text,    // its text
    number,  // an integer or a real if it reads as one, else text
    base64,  // a blob
};

struct ExportColumn {
    std::string name;
    ColumnType type = ColumnType::text;
    std::string declared;  // the type in CREATE TABLE, as written there; may be empty
    bool may_be_null = true;
    CellRule cells = CellRule::text;
    std::string time_shape{};  // of a timestamp: how its text was written, time_shape.hpp
};

using ExportValue = std::variant<std::monostate, std::int64_t, double, std::string_view, ByteSpan>;

/// Takes the bytes of a file in order. Throws: io.
using ByteSink = std::function<void(ByteSpan)>;

class RowSink {
public:
    RowSink() = default;
    RowSink(const RowSink&) = delete;
    RowSink& operator=(const RowSink&) = delete;
    virtual ~RowSink() = default;

    virtual void begin(const std::vector<ExportColumn>& columns) = 0;

    /// One value per column; views are valid during the call only. Throws: io.
    virtual void row(std::span<const ExportValue> values) = 0;

    /// Everything is handed on when this returns; a sink that was not finished has written half a file. Throws: io.
    virtual void finish() = 0;
};

}  // namespace holdfast
