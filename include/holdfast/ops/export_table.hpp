// ops/export_table.hpp - one table, view or query of a database into one file.
#pragma once

#include "holdfast/export/csv_sink.hpp"
#include "holdfast/export/export_index.hpp"
#include "holdfast/export/file_name.hpp"
#include "holdfast/export/json_sink.hpp"
#include "holdfast/export/typed_rows.hpp"
#include "holdfast/ops/export_output.hpp"
#include "holdfast/ops/export_source.hpp"

namespace holdfast::ops {

enum class ExportFormat { json, ndjson, csv };

struct ExportOptions {
    std::vector<std::string> tables, columns;
    std::string query, where;
    std::optional<std::uint64_t> limit;
    bool views = false, salvage = false;
    ExportFormat format = ExportFormat::csv;
    Compression compression = Compression::none;
    fs::path out;  // a folder; empty: standard output
    enum class Existing { refuse, replace } existing = Existing::refuse;
    std::optional<std::chrono::seconds> time_limit;
    std::chrono::seconds lock_wait{600};
    std::chrono::milliseconds busy_timeout{30'000};
    Progress::Show show = Progress::Show::never;
};

inline const char* word_of(ExportFormat format) {
    return format == ExportFormat::json ? "json" : format == ExportFormat::ndjson ? "ndjson" : "csv";
}
inline const char* word_of(Compression compression) {
    return compression == Compression::gzip ? "gzip" : compression == Compression::zstd ? "zstd" : "none";
}

/// What is exported, and the query that reads it.
struct TablePlan {
    TableInfo table;
    std::string file;
    std::string sql;
    bool has_all_columns = true;
};

namespace detail {

inline std::vector<TableColumn> chosen_columns(const TableInfo& table,
                                               const std::vector<std::string>& names) {
    std::vector<TableColumn> chosen;
    for (const std::string& name : names) {
        const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const TableColumn& c) { return is_same_name(c.name, name); });
        if (at == table.columns.end())
            throw Error(Kind::not_found,
                        "table " + in_quotes(table.name) + " has no column " + in_quotes(name) +
                            "; nothing was written",
                        "choose the table with --table, its columns with --columns");
        chosen.push_back(*at);
    }
    return chosen;
}

/// Columns of a statement; names that occur twice are told apart.
inline std::vector<TableColumn> columns_of_statement(const Statement& query) {
    std::vector<TableColumn> columns;
    for (int i = 0; i < column_count(query); ++i) {
        const std::string plain = column_name(query, i);
        std::string name = plain;
        for (int n = 2; std::any_of(columns.begin(), columns.end(),
                                    [&](const TableColumn& c) { return c.name == name; });
             ++n)
            name = plain + "_" + std::to_string(n);
        columns.push_back({name, column_declared(query, i), false});
    }
    return columns;
}

}  // namespace detail

/// Fills in columns and SQL. The authorizer of `db` allows reading only. Throws: usage, not_found, SqliteError.
inline void plan_table(const Database& db, TablePlan& plan, const ExportOptions& options) {
    TableInfo& table = plan.table;
    if (!options.query.empty()) {
        plan.sql = options.query;
        table.columns = detail::columns_of_statement(db.prepare_query(plan.sql));
        return;
    }
    const std::string from = " FROM main." + sql_name(table.name);
    if (table.columns.empty())
        table.columns = detail::columns_of_statement(db.prepare(("SELECT *" + from).c_str()));
    if (!options.columns.empty()) {
        const std::size_t all = table.columns.size();
        table.columns = detail::chosen_columns(table, options.columns);
        plan.has_all_columns = table.columns.size() == all;
    }
    for (const TableColumn& c : table.columns)
        plan.sql += (plan.sql.empty() ? "SELECT " : ", ") + sql_name(c.name);
    plan.sql += from;
    // In the order of the rows, never in that of an index that happens to hold all columns.
    const bool is_stored = table.kind == "table" || table.kind == "shadow";
    if (is_stored && options.where.empty()) plan.sql += " NOT INDEXED";
    if (!options.where.empty()) plan.sql += " WHERE (" + options.where + "\n)";
    if (options.limit) plan.sql += " LIMIT " + std::to_string(*options.limit);
    db.prepare_query(plan.sql);  // what somebody wrote for --where may be anything
}

namespace detail {

inline std::unique_ptr<RowSink> make_sink(ByteSink out, const std::string& name, std::uint64_t rows,
                                          const std::string& timestamp, const ExportOptions& options,
                                          CellMarks& marks) {
    if (options.format == ExportFormat::csv) return std::make_unique<CsvSink>(std::move(out), marks);
    std::optional<JsonDocument> document;
    if (options.format == ExportFormat::json) document = JsonDocument{timestamp, name, rows};
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
    const bool is_plain =
        plan.sql.ends_with(" NOT INDEXED");  // then any index will do, and tells of a damaged one
    const std::string from = is_plain ? "main." + sql_name(plan.table.name) : "(" + plan.sql + "\n)";
    return static_cast<std::uint64_t>(db.query_integer(("SELECT count(*) FROM " + from).c_str()));
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
    for (const TableColumn& c : plan.table.columns) {
        columns.push_back(export_column(c.name, c.declared));
        done.columns.push_back({columns.back(), c.is_generated});
    }
    const std::uint64_t expected = options.format == ExportFormat::json ? detail::count_rows(db, plan) : 0;
    progress.start(plan.table.name);
    ExportOutput output(path, options.compression, progress);
    const auto sink = detail::make_sink([&](ByteSpan bytes) { output.write(bytes); }, plan.table.name,
                                        expected, timestamp, options, done.marks);
    sink->begin(columns);
    done.rows = detail::pump_rows(db, plan.sql, *sink, columns.size());
    sink->finish();
    const WrittenFile file = output.finish();
    done.bytes = file.bytes;
    done.digest = file.digest;
    return done;
}

}  // namespace holdfast::ops
