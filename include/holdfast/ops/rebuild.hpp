// ops/rebuild.hpp - a database out of the files of an export, or out of CSV and JSON files of other programs.
//
// Made in a private folder beside the target, in one transaction; every file is held against its digest and its count of rows.
// The target appears by rename when all of that is proven; a failure leaves nothing.
#pragma once

#include "holdfast/export/read_index.hpp"
#include "holdfast/ops/infer_schema.hpp"
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
        return "INSERT INTO main." + sql_name(table) + "(" + names + ") VALUES(" + marks + ")";
    }
    Statement insert_;
    std::vector<bool> is_skipped_;
    std::uint64_t rows_ = 0;
};

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
        return {table, file.path.filename().string(), inserter.rows()};
    } catch (const SqliteError& e) {
        throw Error(e.kind(),
                    "table " + in_quotes(table) + " was not filled from " + bytes.name() + ": " + e.what(),
                    "nothing was changed");
    }
}

inline void rebuild_tables(const Database& db, const RebuildOptions& options, const ExportIndex& index,
                           RebuildReport& report, Progress& progress) {
    for (const SchemaEntry& e : index.database.schema) {
        if (e.type != "table" || is_internal(e) || is_virtual_table(e.sql)) continue;
        const auto at = std::find_if(index.tables.begin(), index.tables.end(), [&](const IndexedTable& t) {
            return t.table == e.name && (t.kind == "table" || t.kind == "shadow");
        });
        if (at == index.tables.end()) {
            report.missing.push_back("table " + in_quotes(e.name) + " is empty: the export does not hold it");
            continue;
        }
        const RowFile file{options.from / at->file, at->table, index.file_format, index.compression};
        report.tables.push_back(
            fill_table(db, at->table, file, at->columns, FileProof{at->bytes, at->digest}, progress));
        if (report.tables.back().rows != at->rows)
            throw Error(Kind::corrupt, in_quotes(at->file) + " has " +
                                           std::to_string(report.tables.back().rows) +
                                           " rows, export.json says " + std::to_string(at->rows));
        if (!at->is_whole())
            report.missing.push_back("table " + in_quotes(e.name) +
                                     " has only the rows or columns that were exported");
    }
}

inline RebuildReport rebuild_from_index(const Database& db, const RebuildOptions& options,
                                        const ExportIndex& index, Progress& progress) {
    RebuildReport report;
    if (!options.schema.empty())
        throw Error(Kind::usage, "--schema is for files without export.json, which has the schema",
                    "leave it out");
    begin_database(db, index.database);
    define_tables(db, index.database);
    rebuild_tables(db, options, index, report, progress);
    define_rest(db, index.database, report.missing);
    return report;
}

/// Files of rows in a folder, or the one file; no two of one table. Throws: not_found, usage.
inline std::vector<RowFile> foreign_files(const fs::path& from) {
    std::vector<RowFile> files;
    if (!fs::is_directory(from)) {
        if (auto file = row_file_of(from)) return {*file};
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
    if (!options.schema.empty()) run_schema_text(db, read_file(options.schema, 16_MiB));
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
    return report;
}

/// The finished file takes its place. Throws: refused, busy, io.
inline void publish_database(const fs::path& staged, const fs::path& target,
                             RestoreOptions::Existing existing) {
    HeldDatabases held;
    held.add(target);
    held.check_unused();
    std::vector<Swap> swaps = {{"sqlite", target.string(), staged.string(), std::nullopt, {}}};
    if (existing == RestoreOptions::Existing::refuse)
        swaps[0].moves = {plan_move(swaps[0].staged, swaps[0].target)};
    else
        plan_swap(swaps[0]);
    const std::vector<Move> moves = all_moves(swaps);
    carry_out(moves);
    try {
        held.check_unused();  // who opened an old one in between would write into it
    } catch (const Error&) {
        take_back(moves);
        throw;
    }
}

}  // namespace detail

/// Throws: not_found, refused, corrupt, io, busy, usage.
inline RebuildReport rebuild(const RebuildOptions& options) {
    std::error_code unknown;
    if (!fs::exists(options.from, unknown))
        throw Error(Kind::not_found, in_quotes(options.from.string()) + " does not exist",
                    "give the folder of an export");
    const fs::path target = fs::weakly_canonical(fs::absolute(options.target).lexically_normal());
    Component place;
    place.kind = "sqlite";
    place.name = target.filename().string();
    detail::check_destination(target.parent_path(), place, options.existing);
    const auto text = fs::is_directory(options.from)
                          ? read_file_if_any(options.from / kExportIndexName, 256_MiB)
                          : std::nullopt;
    make_directories(target.parent_path());
    const TempName staging{target.parent_path() / (std::string(kStagingPrefix) + random_hex<4>())};
    make_directory(staging.path());
    const fs::path staged = staging.path() / "0";
    RebuildReport report;
    Progress progress(options.show);
    try {
        Database db = Database::open(staged.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
        db.set_progress([] { return is_interrupted(); });
        report =
            text ? detail::rebuild_from_index(db, options, read_export_index(*text, "export.json"), progress)
                 : detail::rebuild_foreign(db, options, progress);
        db.execute("COMMIT");
    } catch (const SqliteError& e) {
        check_interrupted();
        throw Error(e.kind(), "the database was not made: " + std::string(e.what()), "nothing was changed");
    }
    const UniqueFd fd = open_fd(staged.string(), O_RDONLY);
    sync_fd(fd.get(), "sync " + in_quotes(staged.string()));
    detail::publish_database(staged, target, options.existing);
    return report;
}

}  // namespace holdfast::ops
