// cli/export_flags.hpp - what export is told on the command line, and what it says about its files.
#pragma once

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/export.hpp"

namespace holdfast::cli {

struct ExportFlags {
    std::string snapshot, db, out, format = "csv", compression;
    bool force = false;
    ops::ComponentChoice choice;
    ops::ExportOptions options;
};

inline void add_export_flags(CLI::App& app, ExportFlags& f) {
    const auto add = [&](const char* name, std::vector<std::string>& out, const char* type,
                         const char* help) {
        return app.add_option(name, out, help)->type_name(type)->expected(1)->take_all();
    };
    auto* db =
        add_text(app, "--db", f.db, "FILE", "a live database instead of a snapshot, in one read transaction");
    add("--source", f.choice.sources, "NAME", "the database of this source")->excludes(db);
    add("--component", f.choice.components, "NAME", "the database that is this component")->excludes(db);
    auto* tables = add("--table", f.options.tables, "NAME", "only this table or view; repeatable");
    auto* query = add_text(app, "--query", f.options.query, "SQL",
                           "the rows of one query that only reads, as table 'query'");
    auto* where =
        add_text(app, "--where", f.options.where, "SQL", "only rows for which this expression is true");
    auto* columns = app.add_option("--columns", f.options.columns, "only these columns")
                        ->type_name("A,B")
                        ->delimiter(',');
    auto* limit =
        app.add_option("--limit", f.options.limit, "at most so many rows of each table")->type_name("N");
    auto* views = app.add_flag("--views", f.options.views, "views, too");
    for (CLI::Option* other : {tables, where, columns, limit, views}) query->excludes(other);
    app.add_option("--format", f.format, "json, ndjson, csv or parquet (csv)")
        ->check(CLI::IsMember({"json", "ndjson", "csv", "parquet"}));
    app.add_option("--compress", f.compression, "gzip, zstd or none (none; inside of Parquet: zstd)")
        ->check(CLI::IsMember({"gzip", "zstd", "none"}));
    add_text(app, "--out", f.out, "DIR",
             "a folder: one file per table, and export.json; - is standard output")
        ->required();
    app.add_flag("--timestamps", f.options.timestamps,
                 "parquet: columns declared DATE, DATETIME or TIMESTAMP whose texts are times as timestamps");
    app.add_flag("--force", f.force, "replace files that exist");
    app.add_flag("--salvage", f.options.salvage,
                 "leave out tables that are damaged, export the others; exit 4");
    add_duration(app, "--time-limit", f.options.time_limit, "give up after this long (never)");
}

inline void settle_export_flags(ExportFlags& f, const CommonFlags& flags, std::chrono::seconds lock_wait) {
    if (!f.db.empty() && !f.snapshot.empty())
        throw Error(Kind::usage, "SNAPSHOT and --db exclude each other", "say only where the data is from");
    f.options.format = f.format == "json"      ? ops::ExportFormat::json
                       : f.format == "ndjson"  ? ops::ExportFormat::ndjson
                       : f.format == "parquet" ? ops::ExportFormat::parquet
                                               : ops::ExportFormat::csv;
    f.options.compression = f.compression == "gzip"   ? ops::Compression::gzip
                            : f.compression == "zstd" ? ops::Compression::zstd
                            : f.compression == "none" ? ops::Compression::off
                                                      : ops::Compression::none;
    if (f.options.timestamps && f.options.format != ops::ExportFormat::parquet)
        throw Error(Kind::usage, "--timestamps is about Parquet",
                    "in other formats, times are what the application stored");
    if (f.out != "-") f.options.out = f.out;
    f.options.existing =
        f.force ? ops::ExportOptions::Existing::replace : ops::ExportOptions::Existing::refuse;
    f.options.lock_wait = lock_wait;
    f.options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
}

/// Returns the exit code.
inline int print_export(const ExportIndex& index, const ExportFlags& f, const CommonFlags& flags) {
    for (const auto& [what, why] : index.left_out)
        say("export", "warning", "table " + in_quotes(what) + " is left out: " + why);
    for (const IndexedTable& t : index.tables)
        if (t.marks.not_utf8 > 0 && !flags.quiet)
            say("export", "note",
                std::to_string(t.marks.not_utf8) + " texts of " + in_quotes(t.table) +
                    " are not UTF-8 and went out marked, as base64");
    if (!f.options.out.empty() && flags.json) {
        print_json(export_index_json(index));
    } else if (!f.options.out.empty() && !flags.quiet) {
        Table table({{"TABLE"}, {"ROWS", Align::right}, {"SIZE", Align::right}, {"FILE"}});
        for (const IndexedTable& t : index.tables)
            table.add(
                {t.table, std::to_string(t.rows), format_bytes(t.bytes), (f.options.out / t.file).string()});
        print(table.text());
    }
    if (index.tables.empty() && index.left_out.empty())
        say("export", "warning", "there is nothing in the export: the database has no tables");
    return index.left_out.empty() && !index.tables.empty() ? 0 : static_cast<int>(Kind::partial);
}

/// A snapshot's database. Returns the exit code.
inline int export_snapshot(const Repository& repository, const Manifest& manifest, const ExportFlags& f,
                           const CommonFlags& flags) {
    ExportIndex index;
    {
        const FileLock lock = repository.lock(LockMode::shared, f.options.lock_wait);
        const Component& component = ops::choose_database(manifest, f.choice);
        ExportIndex from;
        from.snapshot = manifest.id;
        from.component = component.name;
        ops::ExportSource source(repository, manifest, component);
        index = ops::export_database(source, std::move(from), manifest.started, f.options);
    }
    if (!ops::record_export(repository, manifest, index, f.options) && !flags.quiet)
        say("export", "note", "the repository's ledger cannot be written: this export is not in it");
    return print_export(index, f, flags);
}

/// A live database. Returns the exit code.
inline int export_live(const ExportFlags& f, const CommonFlags& flags) {
    ExportIndex from;
    from.path = fs::absolute(f.db).lexically_normal().string();
    // Where a database with a hot journal is recovered: beside the export, not in memory.
    fs::path staging = f.options.out.empty() ? fs::temp_directory_path() : fs::absolute(f.options.out);
    while (!fs::is_directory(staging)) staging = staging.parent_path();
    ops::ExportSource source(f.db, staging, f.options.busy_timeout);
    return print_export(ops::export_database(source, std::move(from), now_utc(), f.options), f, flags);
}

}  // namespace holdfast::cli
