// ops/export_plan.hpp - what an export is asked for, and the query that reads each table.
//
// Everything that somebody wrote, --query, --where, a view, is compiled before anything is written, under an authorizer that
// lets nothing but reading through.
#pragma once

#include "holdfast/export/table_list.hpp"
#include "holdfast/ops/export_output.hpp"

namespace holdfast::ops {

enum class ExportFormat { json, ndjson, csv, parquet };

struct ExportOptions {
    std::vector<std::string> tables, columns;
    std::string query, where;
    std::optional<std::uint64_t> limit;
    bool views = false, salvage = false;
    bool timestamps = false;  // Parquet: texts that are times, in columns declared so, as timestamps
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
    if (format == ExportFormat::parquet) return "parquet";
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
    bool is_plain = false;     // a stored table, in the order of its rows
    std::string definition{};  // CREATE statement, for files that can carry it
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
        if (std::any_of(chosen.begin(), chosen.end(),
                        [&](const TableColumn& c) { return c.name == at->name; }))
            throw Error(Kind::usage, "--columns names " + in_quotes(name) + " twice; nothing was written",
                        "name each column once");
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
    plan.is_plain = is_stored && options.where.empty() && !options.limit;
    if (!options.where.empty()) plan.sql += " WHERE (" + options.where + "\n)";
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    if (options.limit) plan.sql += " LIMIT " + std::to_string(std::min(*options.limit, kMost));
    db.prepare_query(plan.sql);  // what somebody wrote for --where may be anything
}

}  // namespace holdfast::ops
