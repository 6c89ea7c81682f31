// ops/export_table.hpp - one table, view or query of a database into one file.
#pragma once

#include "holdfast/export/csv_sink.hpp"
#include "holdfast/export/export_index.hpp"
#include "holdfast/export/json_sink.hpp"
#include "holdfast/export/parquet_sink.hpp"
#include "holdfast/export/typed_rows.hpp"
#include "holdfast/ops/export_plan.hpp"

namespace holdfast::ops {

namespace detail {

/// Rows with marked cells where a column cannot take them, as Parquet.
class ParquetFileSink final : public RowSink {
public:
    ParquetFileSink(ByteSink out, CellMarks& marks, ParquetOptions options)
        : file_(std::move(out), std::move(options)), rows_(file_, marks) {}
    void begin(const std::vector<ExportColumn>& columns) override { rows_.begin(columns); }
    void row(std::span<const ExportValue> values) override { rows_.row(values); }
    void finish() override { rows_.finish(); }

private:
    ParquetSink file_;
    TypedRows rows_;
};

inline ParquetOptions parquet_options(const TablePlan& plan, const std::vector<ExportColumn>& columns,
                                      Compression compression) {
    ParquetOptions options;
    options.codec = compression == Compression::gzip  ? ParquetCodec::gzip
                    : compression == Compression::off ? ParquetCodec::plain
                                                      : ParquetCodec::zstd;
    if (options.codec == ParquetCodec::gzip) options.level = 6;
    Json cells = Json::array();
    for (const ExportColumn& c : columns)
        cells.push_back(c.time_shape.empty() ? holdfast::detail::cells_word(c.cells)
                                             : kTimeCells + c.time_shape);
    options.key_values = {{"holdfast.table", json_text(plan.table.name)},
                          {"holdfast.schema", json_text(plan.definition)},
                          {kCellsKey, dump_json(cells)}};
    return options;
}

inline std::unique_ptr<RowSink> make_sink(ByteSink out, const TablePlan& plan, std::uint64_t rows,
                                          const std::vector<ExportColumn>& columns,
                                          const std::string& timestamp, const ExportOptions& options,
                                          CellMarks& marks) {
    if (options.format == ExportFormat::csv) return std::make_unique<CsvSink>(std::move(out), marks);
    if (options.format == ExportFormat::parquet)
        return std::make_unique<ParquetFileSink>(std::move(out), marks,
                                                 parquet_options(plan, columns, options.compression));
    std::optional<JsonDocument> document;
    if (options.format == ExportFormat::json)
        document = JsonDocument{timestamp, plan.table.name, rows, !plan.is_plain};
    return std::make_unique<JsonSink>(std::move(out), marks, document);
}

inline std::uint64_t pump_rows(const Database& db, const std::string& sql, RowSink& sink,
                               std::size_t columns) {
    Statement query = db.prepare(sql.c_str());
    std::vector<ExportValue> values(columns);
    std::uint64_t rows = 0;
    while (query.step()) {
        read_row(query, values);
        sink.row(values);
        ++rows;
    }
    return rows;
}

inline std::uint64_t count_rows(const Database& db, const TablePlan& plan) {
    // Never by an index: a damaged one is no reason to leave out the table, as CSV and Parquet do not look at it either.
    const std::string from =
        plan.is_plain ? "main." + sql_name(plan.table.name) + " NOT INDEXED" : "(" + plan.sql + "\n)";
    return static_cast<std::uint64_t>(db.query_integer(("SELECT count(*) FROM " + from).c_str()));
}

enum class Settle { undecided, all };

/// Looks at the values of columns whose type their declaration leaves open, or of all; in the same transaction.
inline void settle_columns(const Database& db, const TablePlan& plan, const ExportOptions& options,
                           std::vector<ExportColumn>& columns, Settle which) {
    std::vector<std::size_t> open;
    std::string names;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const bool may_be_time = options.timestamps && is_declared_time(columns[i].declared);
        if (which == Settle::undecided && !may_be_time && declared_type(columns[i].declared).is_decided)
            continue;
        open.push_back(i);
        names += (names.empty() ? "" : ", ") + sql_name(columns[i].name);
    }
    if (open.empty()) return;
    const bool has_own_names = plan.table.kind != "query";  // those of a query may have been told apart
    Statement query = db.prepare(has_own_names ? ("SELECT " + names + " FROM (" + plan.sql + "\n)").c_str()
                                               : plan.sql.c_str());
    std::vector<ExportValue> values(has_own_names ? open.size() : columns.size());
    std::vector<ValueKinds> kinds(open.size());
    std::vector<CommonShape> shapes(open.size());
    while (query.step()) {
        read_row(query, values);
        for (std::size_t i = 0; i < open.size(); ++i) {
            const ExportValue& value = values[has_own_names ? i : open[i]];
            kinds[i].add(value);
            if (const auto* text = std::get_if<std::string_view>(&value)) shapes[i].add(*text);
        }
    }
    for (std::size_t i = 0; i < open.size(); ++i) {
        ExportColumn& column = columns[open[i]];
        settle_type(column, kinds[i]);
        const bool is_text =
            kinds[i].has_text && !kinds[i].has_integer && !kinds[i].has_real && !kinds[i].has_blob;
        column.time_shape =
            options.timestamps && is_text && is_declared_time(column.declared) ? shapes[i].shape() : "";
        if (!column.time_shape.empty()) column.type = ColumnType::timestamp;
    }
}

/// One try at the file. Throws DoesNotFit, only for Parquet.
inline void write_table(const Database& db, const TablePlan& plan, const fs::path& path,
                        const std::vector<ExportColumn>& columns, const std::string& timestamp,
                        const ExportOptions& options, Progress& progress, IndexedTable& done) {
    done.marks = {};
    const std::uint64_t expected = options.format == ExportFormat::json ? count_rows(db, plan) : 0;
    progress.start(plan.table.name);
    const bool is_inside = options.format == ExportFormat::parquet;  // the compression
    ExportOutput output(path, is_inside ? Compression::none : options.compression, progress);
    const auto sink = make_sink([&](ByteSpan bytes) { output.write(bytes); }, plan, expected, columns,
                                timestamp, options, done.marks);
    sink->begin(columns);
    done.rows = pump_rows(db, plan.sql, *sink, columns.size());
    sink->finish();
    const WrittenFile file = output.finish();
    done.bytes = file.bytes;
    done.digest = file.digest;
    if (!is_inside && options.compression != Compression::none && options.compression != Compression::off)
        done.plain_bytes = file.plain_bytes;
}

inline void write_typed_table(const Database& db, const TablePlan& plan, const fs::path& path,
                              std::vector<ExportColumn>& columns, const std::string& timestamp,
                              const ExportOptions& options, Progress& progress, IndexedTable& done) {
    for (ExportColumn& c : columns) c.name = json_text(c.name);
    settle_columns(db, plan, options, columns, path.empty() ? Settle::all : Settle::undecided);
    try {
        write_table(db, plan, path, columns, timestamp, options, progress, done);
        return;
    } catch (const DoesNotFit&) {  // rare: a value of another type than its column declares
    }
    try {
        if (!path.empty()) {
            settle_columns(db, plan, options, columns, Settle::all);
            if (::unlink(path.c_str()) != 0) throw_os("remove " + in_quotes(path.string()));
            write_table(db, plan, path, columns, timestamp, options, progress, done);
            return;
        }
    } catch (const DoesNotFit&) {  // although all values were looked at
    }
    throw Error(Kind::refused,
                "the values of " + in_quotes(plan.table.name) +
                    " are of other types each time, and Parquet needs to know them before",
                "its SQL does not give the same rows twice; export it as csv or ndjson");
}

}  // namespace detail

/// Writes `path` (empty: standard output); what has failed leaves a file that is nobody's. Throws: SqliteError, corrupt, io.
inline IndexedTable export_table(const Database& db, const TablePlan& plan, const fs::path& path,
                                 const std::string& timestamp, const ExportOptions& options,
                                 Progress& progress) {
    IndexedTable done;
    done.table = plan.table.name;
    done.kind = plan.table.kind;
    done.file = plan.file;
    done.where = options.where;
    done.query = options.query;
    done.limit = options.limit;
    done.has_all_columns = plan.has_all_columns;
    std::vector<ExportColumn> columns;
    for (const TableColumn& c : plan.table.columns) columns.push_back(export_column(c.name, c.declared));
    if (options.format == ExportFormat::parquet)
        detail::write_typed_table(db, plan, path, columns, timestamp, options, progress, done);
    else
        detail::write_table(db, plan, path, columns, timestamp, options, progress, done);
    for (std::size_t i = 0; i < columns.size(); ++i) {
        columns[i].name = plan.table.columns[i].name;
        done.columns.push_back({columns[i], plan.table.columns[i].is_generated});
    }
    return done;
}

}  // namespace holdfast::ops
