// ops/rebuild_table.hpp - what a rebuild is asked for and reports, and the rows of one file into one table.
#pragma once

#include "holdfast/ops/rebuild_rows.hpp"
#include "holdfast/ops/rebuild_schema.hpp"
#include "holdfast/ops/restore.hpp"

namespace holdfast::ops {

struct RebuildOptions {
    fs::path from;    // the folder of an export, or files of other programs; or one such file
    fs::path target;  // the new database
    fs::path schema;  // CREATE statements for files of other programs; may be empty
    RestoreOptions::Existing existing = RestoreOptions::Existing::refuse;
    Progress::Show show = Progress::Show::never;
};

struct RebuiltTable {
    std::string table, file;
    std::uint64_t rows = 0;
};

struct RebuildReport {
    std::vector<RebuiltTable> tables;
    std::vector<std::string> missing;  // what the database does not have
};

namespace detail {

/// Rows into one table; columns in the order of the file, generated ones skipped.
class RowInserter {
public:
    RowInserter(const Database& db, const std::string& table, const std::vector<IndexedColumn>& columns)
        : insert_(db.prepare(sql_of(table, columns).c_str())) {
        for (const IndexedColumn& c : columns) is_skipped_.push_back(c.is_generated);
    }
    void row(std::span<const ExportValue> values) {
        int at = 0;
        for (std::size_t i = 0; i < values.size(); ++i)
            if (!is_skipped_[i]) bind_value(insert_, ++at, values[i]);
        insert_.step();
        insert_.reset();
        ++rows_;
    }
    std::uint64_t rows() const { return rows_; }

private:
    static std::string sql_of(const std::string& table, const std::vector<IndexedColumn>& columns) {
        std::string names, marks;
        for (const IndexedColumn& c : columns) {
            if (c.is_generated) continue;
            names += (names.empty() ? "" : ", ") + sql_name(c.column.name);
            marks += marks.empty() ? "?" : ", ?";
        }
        if (names.empty())
            throw Error(Kind::corrupt, "table " + in_quotes(table) + " has no columns to fill");
        // ABORT overrides what the table says: a row that its constraints would drop or replace must not vanish.
        return "INSERT OR ABORT INTO main." + sql_name(table) + "(" + names + ") VALUES(" + marks + ")";
    }
    Statement insert_;
    std::vector<bool> is_skipped_;
    std::uint64_t rows_ = 0;
};

/// Throws: SqliteError, corrupt.
inline void check_count(const Database& db, const std::string& table, const std::string& file,
                        std::uint64_t rows) {
    const std::string count = "SELECT count(*) FROM main." + sql_name(table) + " NOT INDEXED";
    const auto there = static_cast<std::uint64_t>(db.query_integer(count.c_str()));
    if (there != rows)
        throw Error(Kind::corrupt,
                    "table " + in_quotes(table) + " has " + std::to_string(there) + " rows of the " +
                        std::to_string(rows) + " in " + file,
                    "nothing was changed; see the table's definition");
}

inline RebuiltTable fill_table(const Database& db, const std::string& table, const RowFile& file,
                               const std::vector<IndexedColumn>& columns,
                               const std::optional<FileProof>& proof, Progress& progress) {
    std::vector<ExportColumn> of_file;
    for (const IndexedColumn& c : columns) of_file.push_back(c.column);
    progress.start(table, proof ? std::optional(proof->bytes) : std::nullopt);
    ProvenFile bytes(file, proof, progress);
    try {
        RowInserter inserter(db, table, columns);
        read_rows(file, bytes, of_file, [&](std::span<const ExportValue> values) { inserter.row(values); });
        check_count(db, table, bytes.name(), inserter.rows());
        return {table, file.path.filename().string(), inserter.rows()};
    } catch (const SqliteError& e) {
        check_interrupted();
        throw Error(is_of_statement(e) ? Kind::corrupt : e.kind(),
                    "table " + in_quotes(table) + " was not filled from " + bytes.name() + ": " + e.what(),
                    "nothing was changed");
    }
}

}  // namespace detail

}  // namespace holdfast::ops
