// ops/rebuild_foreign.hpp - tables out of other programs' files: named like the files, with columns and types that are
// found in them or given as a schema.
#pragma once

#include "holdfast/ops/infer_schema.hpp"
#include "holdfast/ops/rebuild_table.hpp"

namespace holdfast::ops::detail {

/// Files of rows in a folder, or the one file; no two of one table. Throws: not_found, usage.
inline std::vector<RowFile> foreign_files(const fs::path& from) {
    std::vector<RowFile> files;
    if (!fs::is_directory(from)) {
        if (auto file = row_file_of(from)) {
            file->is_given = true;
            return {*file};
        }
        throw Error(Kind::usage, in_quotes(from.string()) + " is no file of rows by its name",
                    "names end in .csv, .json or .ndjson, and then perhaps .gz or .zst");
    }
    for (const std::string& name : list_directory(from)) {
        const auto file = row_file_of(from / name);
        if (!file) continue;
        for (const RowFile& other : files)
            if (is_same_name(other.table, file->table))
                throw Error(Kind::usage,
                            in_quotes(other.path.filename().string()) + " and " + in_quotes(name) +
                                " are the same table",
                            "take one of them out of the folder");
        files.push_back(*file);
    }
    if (files.empty())
        throw Error(Kind::not_found,
                    in_quotes(from.string()) + " holds no export.json and no .csv, .json or .ndjson file",
                    "give the folder of an export");
    return files;
}

/// The columns of a file in a table that exists: with its types. Throws: corrupt.
inline std::vector<IndexedColumn> match_columns(const Database& db, const InferredTable& table) {
    std::vector<IndexedColumn> out;
    Statement all = db.prepare("SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden = 0");
    for (const ExportColumn& c : table.columns) {
        out.push_back({c, false});
        bool is_known = false;
        all.reset();
        all.bind(1, std::string_view(table.file.table));
        while (all.step())
            if (is_same_name(all.text(0), c.name)) {
                const DeclaredType type = declared_type(all.text(1));
                is_known = true;
                if (table.file.format != "parquet")  // which says it itself
                    out.back().column.cells =
                        type.cells == CellRule::number ? CellRule::number : CellRule::text;
            }
        if (!is_known)
            throw Error(Kind::corrupt, in_quotes(table.file.path.filename().string()) + " has a column " +
                                           in_quotes(c.name) + ", which table " +
                                           in_quotes(table.file.table) + " of --schema lacks");
    }
    return out;
}

inline RebuildReport rebuild_foreign(const Database& db, const RebuildOptions& options, Progress& progress) {
    RebuildReport report;
    begin_database(db, {});
    std::vector<std::string> after_rows;
    if (!options.schema.empty()) after_rows = define_given_tables(db, read_file(options.schema, 16_MiB));
    for (RowFile file : foreign_files(options.from)) {
        file.is_foreign = true;
        progress.start(file.table);
        InferredTable table = infer_table(file, progress);
        Statement known = db.prepare("SELECT 1 FROM pragma_table_xinfo(?)");
        known.bind(1, std::string_view(file.table));
        const bool exists = known.step();
        known.reset();
        if (!exists && !options.schema.empty())
            throw Error(Kind::not_found,
                        "--schema has no table " + in_quotes(file.table) + " for " +
                            in_quotes(file.path.filename().string()),
                        "name the file after its table");
        if (!exists) define(db, {"table", file.table, file.table, create_table_sql(table)});
        report.tables.push_back(
            fill_table(db, file.table, file, match_columns(db, table), std::nullopt, progress));
    }
    carry_out(db, after_rows);
    return report;
}

}  // namespace holdfast::ops::detail
