// ops/infer_schema.hpp - which columns of which types a CSV or JSON file of another program has.
//
// Looks at every row. INTEGER if all values are integers, REAL if all are numbers, TEXT otherwise ("007" is no number); in a
// column of numbers an empty cell is NULL, however it is quoted. Columns without any value are TEXT.
#pragma once

#include "holdfast/export/column_types.hpp"
#include "holdfast/ops/rebuild_rows.hpp"

namespace holdfast::ops {

struct InferredTable {
    RowFile file;
    std::vector<ExportColumn> columns;  // as in the file
};

namespace detail {

inline void settle_inferred(ExportColumn& column, const ValueKinds& kinds) {
    const bool is_number = (kinds.has_integer || kinds.has_real) && !kinds.has_text && !kinds.has_blob;
    column.declared = !is_number       ? (kinds.has_blob && !kinds.has_text ? "BLOB" : "TEXT")
                      : kinds.has_real ? "REAL"
                                       : "INTEGER";
    if (kinds.has_real && kinds.has_wide_integer && is_number)
        column.declared = "NUMERIC";  // a double would round them
    column.cells = is_number ? CellRule::number : CellRule::text;
}

inline std::vector<ExportColumn> infer_csv(ProvenFile& bytes) {
    CsvReader reader(bytes.pull(), bytes.name());
    std::vector<CsvCell> cells;
    std::vector<ExportColumn> columns;
    if (!reader.next(cells)) return columns;
    for (const CsvCell& cell : cells) {
        if (!is_utf8_text(cell.text))
            reader.refuse(cell,
                          "the header is not UTF-8 but perhaps Windows-1252; convert it, as by "
                          "iconv -f WINDOWS-1252 -t UTF-8");
        for (const ExportColumn& c : columns)
            if (c.name == cell.text)
                reader.refuse(cell, "the header names " + in_quotes(cell.text) + " twice");
        columns.push_back({std::string(cell.text), ColumnType::text, "", true, CellRule::text});
    }
    std::vector<ValueKinds> kinds(columns.size());
    while (reader.next(cells)) {
        if (cells.size() == 1 && cells[0].is_null() && columns.size() > 1) continue;
        if (cells.size() != columns.size())
            reader.refuse_record(std::to_string(cells.size()) + " cells where the header has " +
                                 std::to_string(columns.size()));
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (cells[i].text.empty()) continue;
            const ExportValue number = number_of_cell(cells[i].text);
            kinds[i].add(number.index() == 0 ? ExportValue{cells[i].text} : number);
        }
    }
    for (std::size_t i = 0; i < columns.size(); ++i) settle_inferred(columns[i], kinds[i]);
    return columns;
}

inline std::vector<ExportColumn> infer_json(const RowFile& file, ProvenFile& bytes) {
    JsonStream stream(bytes.pull(), bytes.name());
    std::vector<ValueKinds> kinds;
    JsonRows rows(stream, file.format == "json" ? JsonShape::document : JsonShape::lines, {},
                  [&](std::span<const ExportValue> values) {
                      kinds.resize(values.size());
                      for (std::size_t i = 0; i < values.size(); ++i) kinds[i].add(values[i]);
                  });
    rows.read();
    std::vector<ExportColumn> columns = rows.columns();
    kinds.resize(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) settle_inferred(columns[i], kinds[i]);
    return columns;
}

/// A Parquet file says what its columns are; ours also say how their cells are read.
inline std::vector<ExportColumn> read_parquet_columns(ProvenFile& bytes) {
    ParquetRows rows(bytes.read_at(), bytes.stored_bytes());
    std::vector<ExportColumn> columns = rows.columns();
    const auto text = rows.key_value(kCellsKey);
    const Json cells = text ? parse_json(*text, bytes.name() + ", key " + kCellsKey) : Json::array();
    for (std::size_t i = 0; i < columns.size(); ++i) {
        ExportColumn& c = columns[i];
        const bool is_number = i < cells.size() && cells[i] == "number";
        c.cells = is_number                    ? CellRule::number
                  : c.type == ColumnType::blob ? CellRule::base64
                                               : CellRule::text;
        const std::string word = i < cells.size() && cells[i].is_string() ? cells[i].get<std::string>() : "";
        if (c.type == ColumnType::timestamp && word.starts_with(kTimeCells))
            c.time_shape = word.substr(kTimeCells.size());
        if (!c.time_shape.empty() && !time_shape_of(c.time_shape)) c.time_shape.clear();
        if (text) continue;
        c.declared = c.type == ColumnType::text   ? "TEXT"
                     : c.type == ColumnType::blob ? "BLOB"
                     : c.type == ColumnType::real ? "REAL"
                                                  : "INTEGER";
    }
    return columns;
}

}  // namespace detail

/// Throws: corrupt (malformed, or without columns), io.
inline InferredTable infer_table(const RowFile& file, Progress& progress) {
    ProvenFile bytes(file, std::nullopt, progress);
    InferredTable table{file, file.format == "csv"       ? detail::infer_csv(bytes)
                              : file.format == "parquet" ? detail::read_parquet_columns(bytes)
                                                         : detail::infer_json(file, bytes)};
    if (table.columns.empty())
        throw Error(Kind::corrupt, bytes.name() + " names no columns", "a CSV file begins with a header");
    return table;
}

inline std::string create_table_sql(const InferredTable& table) {
    std::string sql;
    for (const ExportColumn& c : table.columns)
        sql += (sql.empty() ? "" : ", ") + sql_name(c.name) + (c.declared.empty() ? "" : " " + c.declared);
    return "CREATE TABLE " + sql_name(table.file.table) + "(" + sql + ")";
}

}  // namespace holdfast::ops
