// ops/export.hpp - tables of a database into files for people and other programs, and for rebuilding it.
//
// Everything is first made in a private folder inside the target and appears by rename when all of it is whole; export.json
// comes last. A failure leaves nothing; if it is a disk that fails while files of an earlier export are replaced, a folder
// without export.json. To standard output goes one table, and whoever reads it must look at the exit code.
#pragma once

#include "holdfast/base/version.hpp"
#include "holdfast/export/file_name.hpp"
#include "holdfast/ops/export_source.hpp"
#include "holdfast/ops/export_table.hpp"
#include "holdfast/store/ledger.hpp"

namespace holdfast::ops {

inline constexpr const char* kExportStagingPrefix = ".holdfast-export.";

namespace detail {

inline ExportedDatabase facts_of(const Database& db) {
    ExportedDatabase facts;
    facts.user_version = db.query_integer("PRAGMA user_version");
    facts.application_id = db.query_integer("PRAGMA application_id");
    facts.page_bytes = db.query_integer("PRAGMA page_size");
    facts.auto_vacuum = db.query_integer("PRAGMA auto_vacuum");
    facts.encoding = db.query_text("PRAGMA encoding");
    facts.schema = list_schema(db);
    const auto has = [&](const char* name) {
        Statement q = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
        q.bind(1, std::string_view(name));
        return q.step();
    };
    facts.has_statistics = has("sqlite_stat1");
    return facts;
}
inline std::vector<std::pair<std::string, std::int64_t>> sequences_of(const Database& db) {
    std::vector<std::pair<std::string, std::int64_t>> sequences;
    if (db.query_integer("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'") == 0)
        return sequences;
    Statement q = db.prepare("SELECT name, seq FROM sqlite_sequence ORDER BY rowid");
    while (q.step()) sequences.emplace_back(q.text(0), q.integer(1));
    return sequences;
}

inline std::string file_suffix(const ExportOptions& options, SystemSeconds day) {
    std::string suffix = format_time(day, "_%Y%m%d.") + word_of(options.format);
    if (options.format == ExportFormat::parquet) return suffix;
    if (options.compression == Compression::gzip) suffix += ".gz";
    if (options.compression == Compression::zstd) suffix += ".zst";
    return suffix;
}

inline std::vector<TableInfo> chosen_tables(const std::vector<TableInfo>& all, const ExportOptions& options) {
    if (!options.query.empty()) return {{"query", "query", {}}};
    std::vector<TableInfo> chosen;
    for (const std::string& name : options.tables) {
        const auto at = std::find_if(all.begin(), all.end(),
                                     [&](const TableInfo& t) { return is_same_name(t.name, name); });
        if (at == all.end()) {
            std::vector<std::string> known;
            for (const TableInfo& t : all) known.push_back(t.name);
            throw Error(Kind::not_found, "there is no table " + in_quotes(name), did_you_mean(name, known));
        }
        chosen.push_back(*at);
    }
    if (!options.tables.empty()) return chosen;
    for (const TableInfo& t : all)
        if (t.kind == "table" || t.kind == "shadow" || (options.views && t.kind == "view"))
            chosen.push_back(t);
    return chosen;
}

inline void check_targets(const std::vector<TablePlan>& plans, const ExportOptions& options) {
    std::vector<std::string> names = {kExportIndexName};
    for (const TablePlan& plan : plans) names.push_back(plan.file);
    struct stat st {};
    for (const std::string& name : names)
        if (options.existing == ExportOptions::Existing::refuse &&
            ::lstat((options.out / name).c_str(), &st) == 0)
            throw Error(Kind::refused,
                        in_quotes((options.out / name).string()) + " exists; nothing was changed",
                        "choose another --out, or say --force to replace it");
}

/// Does something with a table; one that cannot be read is left out if that was asked for. Returns whether it was done. Throws
/// what the failure means otherwise. `is_own`: no SQL but the database's is in it.
template <class Work>
bool read_or_leave_out(ExportSource& source, const std::string& table, bool is_own,
                       const ExportOptions& options, ExportIndex& index, Work work) {
    bool may_be_left_out = false;
    try {
        try {
            work();
            return true;
        } catch (const SqliteError& e) {
            may_be_left_out = is_own && ExportSource::is_of_definition(e);
            source.rethrow(e, is_own ? table : "");
        }
    } catch (const Error& e) {
        if (!options.salvage || (e.kind() != Kind::corrupt && !may_be_left_out)) throw;
        index.left_out.emplace_back(table, e.what());
        return false;
    }
}
inline bool is_own(const TableInfo& table, const ExportOptions& options) {
    return table.kind != "query" && options.where.empty();
}

inline void export_one(ExportSource& source, const TablePlan& plan, const fs::path& path,
                       const ExportOptions& options, ExportIndex& index, Progress& progress) {
    const bool is_done =
        read_or_leave_out(source, plan.table.name, is_own(plan.table, options), options, index, [&] {
            index.tables.push_back(export_table(source.db(), plan, path, index.timestamp, options, progress));
        });
    std::error_code ignored;
    if (!is_done) fs::remove(path, ignored);
}

/// What is to be exported, with everything compiled that somebody wrote.
inline std::vector<TablePlan> plan_tables(ExportSource& source, ExportIndex& index, SystemSeconds day,
                                          const ExportOptions& options) {
    std::vector<TablePlan> plans;
    std::vector<TableInfo> chosen;
    try {
        index.database = facts_of(source.db());
        chosen = chosen_tables(list_tables(source.db()), options);
    } catch (const SqliteError& e) {
        source.rethrow(e);
    }
    read_or_leave_out(source, "sqlite_sequence", true, options, index,
                      [&] { index.database.sequences = sequences_of(source.db()); });
    const SqliteAuthorizer authorizer(source.db(), SqliteAuthorizer::Allow::reading);
    for (const TableInfo& table : chosen) {
        TablePlan plan;
        plan.table = table;
        plan.file = export_file_name(table.name, file_suffix(options, day));
        for (const SchemaEntry& e : index.database.schema)
            if (e.name == table.name) plan.definition = e.sql;
        if (read_or_leave_out(source, table.name, is_own(table, options), options, index,
                              [&] { plan_table(source.db(), plan, options); }))
            plans.push_back(std::move(plan));
    }
    return plans;
}

inline void publish(const fs::path& staging, const ExportIndex& index, const ExportOptions& options) {
    const fs::path last = options.out / kExportIndexName;
    if (options.existing == ExportOptions::Existing::replace && ::unlink(last.c_str()) != 0 &&
        errno != ENOENT)
        throw_os("remove " + in_quotes(last.string()));
    for (const IndexedTable& t : index.tables) rename_path(staging / t.file, options.out / t.file);
    sync_directory(options.out);
    publish_file(last, as_bytes(dump_json(export_index_json(index), 1) + "\n"));
}

}  // namespace detail

/// `index` says where the database is from; returned with everything else. Throws: usage, not_found, refused, corrupt, io.
inline ExportIndex export_database(ExportSource& source, ExportIndex index, SystemSeconds day,
                                   const ExportOptions& options) {
    index.timestamp = format_utc(now_utc());
    index.holdfast_version = kVersion;
    index.file_format = word_of(options.format);
    index.compression = word_of(options.compression);
    source.set_time_limit(options.time_limit);
    const std::vector<TablePlan> plans = detail::plan_tables(source, index, day, options);
    const SqliteAuthorizer authorizer(source.db(), SqliteAuthorizer::Allow::reading);
    Progress progress(options.show);
    if (options.out.empty()) {
        if (plans.empty() && !index.left_out.empty())
            throw Error(Kind::corrupt, "nothing can be exported: " + index.left_out.back().second);
        if (plans.size() != 1)
            throw Error(Kind::usage,
                        "standard output takes one table, and there are " + std::to_string(plans.size()),
                        "name one with --table, or give --out DIR");
        detail::export_one(source, plans[0], {}, options, index, progress);
        return index;
    }
    detail::check_targets(plans, options);
    make_directories(options.out);
    const TempName staging{options.out / (kExportStagingPrefix + random_hex<4>())};
    make_directory(staging.path());
    for (const TablePlan& plan : plans)
        detail::export_one(source, plan, staging.path() / plan.file, options, index, progress);
    detail::publish(staging.path(), index, options);
    return index;
}

/// Remembers in the ledger what left the repository; false if it cannot be written.
inline bool record_export(const Repository& repository, const Manifest& manifest, const ExportIndex& index,
                          const ExportOptions& options) {
    std::uint64_t rows = 0;
    for (const IndexedTable& t : index.tables) rows += t.rows;
    const bool is_private = manifest.private_digest.has_value();  // then no name stands in the ledger
    Json details = {{"component", is_private ? "" : index.component},
                    {"file_format", index.file_format},
                    {"tables", index.tables.size()},
                    {"rows", rows}};
    if (!is_private)
        details["to"] =
            options.out.empty() ? "-" : json_text(fs::absolute(options.out).lexically_normal().string());
    try {
        LedgerWriter(repository, options.lock_wait).append("exported", manifest.id, details);
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace holdfast::ops
