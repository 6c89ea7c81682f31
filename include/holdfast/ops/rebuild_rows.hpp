// ops/rebuild_rows.hpp - the rows of one file whose columns are known, in any of the formats.
#pragma once

#include "holdfast/export/csv_reader.hpp"
#include "holdfast/export/json_rows.hpp"
#include "holdfast/export/parquet_rows.hpp"
#include "holdfast/export/time_shape.hpp"
#include "holdfast/ops/rebuild_file.hpp"

namespace holdfast::ops {

namespace detail {

inline void check_header(const CsvReader& reader, const std::vector<CsvCell>& header,
                         const std::vector<ExportColumn>& columns) {
    bool is_same = header.size() == columns.size();
    for (std::size_t i = 0; is_same && i < columns.size(); ++i)
        is_same =
            header[i].text == (is_utf8_text(columns[i].name) ? columns[i].name : printable(columns[i].name));
    if (!is_same) reader.refuse_record("the header does not name the table's columns");
}

using OnRow = std::function<void(std::span<const ExportValue>)>;

/// Of another program: quotes say nothing about types, and an empty cell is no number.
inline ExportValue value_of_foreign_cell(const CsvCell& cell, CellRule rule) {
    if (cell.is_null() || (rule == CellRule::number && cell.text.empty())) return {};
    const ExportValue number = rule == CellRule::number ? number_of_cell(cell.text) : ExportValue{};
    return number.index() == 0 ? ExportValue{cell.text} : number;
}

inline void read_csv_rows(CsvReader& reader, const std::vector<ExportColumn>& columns, bool is_foreign,
                          const OnRow& row) {
    std::vector<CsvCell> cells;
    std::vector<ExportValue> values(columns.size());
    std::vector<std::string> rooms(columns.size());
    while (reader.next(cells)) {
        if (cells.size() != columns.size()) {
            if (cells.size() == 1 && cells[0].is_null()) continue;  // a blank line
            reader.refuse_record(std::to_string(cells.size()) + " cells where the header has " +
                                 std::to_string(columns.size()));
        }
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (is_foreign || cells[i].is_null()) {
                values[i] = value_of_foreign_cell(cells[i], columns[i].cells);
                continue;
            }
            const auto value = value_of_cell(cells[i].text, columns[i].cells, cells[i].is_quoted, rooms[i]);
            if (!value)
                reader.refuse(cells[i], "column " + in_quotes(columns[i].name) +
                                            ": the cell is not what its mark or column says");
            values[i] = *value;
        }
        row(values);
    }
}

inline std::string_view time_text(const ProvenFile& bytes, const ExportColumn& column, std::int64_t micros,
                                  std::string& room) {
    std::optional<std::string> text = text_of_micros(micros, column.time_shape);
    if (!text)
        throw Error(Kind::corrupt, bytes.name() + ", column " + in_quotes(column.name) +
                                       ": a time is not of the form " + in_quotes(column.time_shape));
    return room = *std::move(text);
}

/// The file was proven whole before: Parquet is not read from front to back.
inline void read_parquet_rows(ProvenFile& bytes, const std::vector<ExportColumn>& columns, const OnRow& row) {
    ParquetRows rows(bytes.read_at(), bytes.stored_bytes());
    bool is_same = rows.columns().size() == columns.size();
    for (std::size_t i = 0; is_same && i < columns.size(); ++i)
        is_same =
            rows.columns()[i].name == json_text(columns[i].name) && rows.columns()[i].type == columns[i].type;
    if (!is_same) throw Error(Kind::corrupt, bytes.name() + " has other columns than the table");
    std::vector<ExportValue> values(columns.size());
    std::vector<std::string> rooms(columns.size());
    while (const auto next = rows.next()) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = (*next)[i];
            if (!columns[i].time_shape.empty() && values[i].index() == 1)
                values[i] = time_text(bytes, columns[i], std::get<std::int64_t>(values[i]), rooms[i]);
            if (!columns[i].time_shape.empty()) continue;
            const auto* cell = std::get_if<std::string_view>(&values[i]);
            if (cell == nullptr) continue;
            const auto value = value_of_cell(*cell, columns[i].cells, false, rooms[i]);
            if (!value)
                throw Error(Kind::corrupt, bytes.name() + ", column " + in_quotes(columns[i].name) +
                                               ": the cell " + in_quotes(cell->substr(0, 40)) +
                                               " is not what its mark says");
            values[i] = *value;
        }
        row(values);
    }
}

}  // namespace detail

/// Every row of a file whose columns are known. Throws: corrupt, io, and what `row` throws.
inline void read_rows(const RowFile& file, ProvenFile& bytes, const std::vector<ExportColumn>& columns,
                      const detail::OnRow& row) {
    if (file.format == "parquet") {
        bytes.drain();
        return detail::read_parquet_rows(bytes, columns, row);
    }
    try {
        if (file.format == "csv") {
            CsvReader reader(bytes.pull(), bytes.name());
            std::vector<CsvCell> header;
            reader.next(header);
            detail::check_header(reader, header, columns);
            detail::read_csv_rows(reader, columns, file.is_foreign, row);
        } else {
            std::vector<ExportColumn> keys = columns;
            for (ExportColumn& c : keys) c.name = json_text(c.name);
            JsonStream stream(bytes.pull(), bytes.name());
            JsonRows(stream, file.format == "json" ? JsonShape::document : JsonShape::lines, keys, row)
                .read();
        }
    } catch (const Error& e) {
        if (e.kind() == Kind::corrupt) bytes.drain();
        throw;
    }
    bytes.drain();
}

}  // namespace holdfast::ops
