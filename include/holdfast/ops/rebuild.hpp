// ops/rebuild.hpp - a database out of the files of an export, or out of CSV and JSON files of other programs.
//
// Made in a private folder beside the target, in one transaction; every file is held against its digest and its count of rows.
// The target appears by rename when all of that is proven; a failure leaves nothing.
#pragma once

#include "holdfast/export/read_index.hpp"
#include "holdfast/ops/rebuild_foreign.hpp"

namespace holdfast::ops {

namespace detail {

inline void rebuild_tables(const Database& db, const RebuildOptions& options, const ExportIndex& index,
                           const std::set<std::string>& left_out, RebuildReport& report, Progress& progress) {
    for (const SchemaEntry& e : index.database.schema) {
        if (e.type != "table" || is_internal(e) || is_virtual_table(e.sql) || left_out.contains(e.name))
            continue;
        const auto at = std::find_if(index.tables.begin(), index.tables.end(), [&](const IndexedTable& t) {
            return t.table == e.name && (t.kind == "table" || t.kind == "shadow");
        });
        if (at == index.tables.end()) {
            report.missing.push_back("table " + in_quotes(e.name) + " is empty: the export does not hold it");
            continue;
        }
        const RowFile file{options.from / at->file, at->table, index.file_format, index.compression};
        report.tables.push_back(fill_table(db, at->table, file, at->columns,
                                           FileProof{at->bytes, at->digest, at->plain_bytes}, progress));
        if (report.tables.back().rows != at->rows)
            throw Error(Kind::corrupt, in_quotes(at->file) + " has " +
                                           std::to_string(report.tables.back().rows) +
                                           " rows, export.json says " + std::to_string(at->rows));
        if (!at->is_whole())
            report.missing.push_back("table " + in_quotes(e.name) +
                                     " has only the rows or columns that were exported");
    }
}

inline void name_what_was_left_out(const ExportIndex& index, RebuildReport& report) {
    for (const auto& [what, why] : index.left_out)
        if (what == "sqlite_sequence")
            report.missing.push_back("the counters of AUTOINCREMENT begin anew after the highest rowid: " +
                                     why);
}

inline RebuildReport rebuild_from_index(const Database& db, const RebuildOptions& options,
                                        const ExportIndex& index, Progress& progress) {
    RebuildReport report;
    if (!options.schema.empty())
        throw Error(Kind::usage, "--schema is for files without export.json, which has the schema",
                    "leave it out");
    begin_database(db, index.database);
    const std::set<std::string> left_out = define_tables(db, index.database, report.missing);
    rebuild_tables(db, options, index, left_out, report, progress);
    define_rest(db, index.database, report.missing);
    name_what_was_left_out(index, report);
    return report;
}

/// Opened again, as everybody will open it, and every page looked at: a definition of somebody else may have made a file
/// that nobody can open. Throws: corrupt, interrupted.
inline void check_database(const fs::path& staged) {
    std::string damage;
    try {
        Database db = Database::open_readonly(staged, Database::Source::immutable, std::chrono::seconds{0});
        db.set_progress([] { return is_interrupted(); });
        db.execute("PRAGMA ignore_check_constraints=ON");  // rows that were against them come back, too
        Statement check = db.prepare("PRAGMA quick_check(1)");
        while (check.step())
            if (check.text(0) != "ok" && !is_missing_extension(check.text(0)))
                damage = printable(check.text(0));
    } catch (const SqliteError& e) {
        check_interrupted();
        if (!is_missing_extension(e.what())) damage = e.what();
    }
    if (!damage.empty())
        throw Error(Kind::corrupt, "the database that was made is not sound: " + damage,
                    "nothing was changed; see \"schema\" in export.json");
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
    detail::check_database(staged);
    const UniqueFd fd = open_fd(staged.string(), O_RDONLY);
    sync_fd(fd.get(), "sync " + in_quotes(staged.string()));
    detail::publish_database(staged, target, options.existing);
    return report;
}

}  // namespace holdfast::ops
