// cli/catalog_report.hpp - the answers of catalog about one snapshot or the whole repository, as tables, TSV or JSON.
#pragma once

#include "holdfast/cli/catalog_list.hpp"
#include "holdfast/cli/signature_report.hpp"
#include "holdfast/cli/snapshot_flags.hpp"
#include "holdfast/ops/needed_objects.hpp"
#include "holdfast/ops/snapshot_summary.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::cli {

/// The manifest, and what the ledger knows beside it.
inline void print_show(const Repository& repository, const CatalogFlags& flags,
                       const ops::SignatureRules& rules, Format format) {
    const Manifest m = one_snapshot(repository, flags.names.empty() ? "latest" : flags.names.at(0));
    const ops::NewestRows rows = ops::read_newest_rows(repository)[m.id];
    const std::vector<Json> exports = ops::read_exports(repository, m.id);
    if (format == Format::json) {
        const std::string text = m.private_digest ? format_manifest(m) : read_manifest_text(repository, m.id);
        if (rows.empty() && exports.empty()) return print(text);
        Json json = parse_json(text, "the manifest of snapshot " + m.id);
        if (!rows.empty()) json[ops::kNewestRowKey] = ops::newest_rows_json(rows);
        if (!exports.empty()) json["exports"] = exports;
        return print_json(json);
    }
    print(ops::format_summary(m) + "\nThe signature of SHA256SUMS is " +
          printable(ops::check_signature(repository, m.id, rules, m.text_digest).text()) + "\n");
    for (const auto& [component, time] : rows)
        print_line("Newest row: " + printable(component) + " " + format_utc(time));
    for (const Json& e : exports) {
        const JsonFields f(e, "a ledger line");
        print_line("Exported: " + printable(f.text("component")) + " as " + printable(f.text("file_format")) +
                   ", " + std::to_string(f.number("rows")) + " rows of " +
                   std::to_string(f.number("tables")) + " tables, to " +
                   printable(f.text_or("to", "a private place")) + " " + printable(f.text("time_utc")));
    }
}

/// catalog files SNAPSHOT [SOURCE or COMPONENT]
inline void print_files(const Repository& repository, const CatalogFlags& flags, Format format) {
    const Manifest m = one_snapshot(repository, flags.names.empty() ? "latest" : flags.names.at(0));
    const std::string wanted = flags.names.size() > 1 ? flags.names[1] : flags.source;
    ObjectReader reader(repository);
    bool found = wanted.empty();
    const auto row = [&](const std::string& component, const std::string& path, const std::string& type,
                         const std::string& mode, std::uint64_t size, std::int64_t mtime_ns,
                         const std::string& sha256) {
        const SystemSeconds time{
            std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds{mtime_ns})};
        if (format == Format::json)
            print_line(dump_json({{"component", component},
                                  {"path", json_text(path)},
                                  {"type", type},
                                  {"mode", mode},
                                  {"size", size},
                                  {"mtime_ns", mtime_ns},
                                  {"sha256", sha256}}));
        else if (format == Format::table)
            print(mode + "  " + std::string(10 - std::min<std::size_t>(10, format_bytes(size).size()), ' ') +
                  format_bytes(size) + "  " + format_utc(time) + "  " + printable(component) +
                  (path.empty() ? "" : "/" + printable(path)) + "\n");
        else
            print(tsv_line({component, path, type, mode, std::to_string(size), format_utc(time), sha256}));
    };
    for (const Component& c : m.components) {
        if (!wanted.empty() && c.source != wanted && c.name != wanted) continue;
        found = true;
        if (!c.is_tree()) {
            if (flags.globs.empty())
                row(c.name, "", "file", c.file ? holdfast::detail::octal(c.file->mode) : "0600", c.bytes,
                    c.file ? c.file->mtime_ns : 0, c.digest->hex());
            continue;
        }
        const EntrySource entries = entries_of_component(reader, c);
        while (const auto e = entries())
            if (flags.globs.empty() || any_glob_covers(flags.globs, e->path))
                row(c.name, c.path_of(e->path), entry_type_name(e->type),
                    holdfast::detail::octal(static_cast<std::uint32_t>(e->mode)), e->size, e->mtime_ns,
                    e->type == EntryType::file ? e->sha256.hex() : "");
    }
    if (!found)
        throw Error(Kind::not_found, "snapshot " + m.id + " holds no " + in_quotes(wanted),
                    "catalog show " + m.id + " lists what it holds");
}

inline void print_diff(const Repository& repository, const CatalogFlags& flags, Format format) {
    if (flags.names.size() != 2)
        throw Error(Kind::usage, "diff takes two snapshots", "catalog diff OLDER NEWER");
    ops::diff(repository, one_snapshot(repository, flags.names[0]), one_snapshot(repository, flags.names[1]),
              [&](const ops::Difference& d) {
                  if (format == Format::json)
                      print_line(dump_json({{"change", std::string(1, d.what)},
                                            {"component", d.component},
                                            {"path", json_text(d.path)},
                                            {"detail", json_text(d.detail)}}));
                  else if (format == Format::tsv)
                      print(tsv_line({std::string(1, d.what), d.component, d.path, d.detail}));
                  else
                      print(std::string(1, d.what) + "  " + printable(d.component) +
                            (d.path.empty() ? "" : "/" + printable(d.path)) + "  (" + printable(d.detail) +
                            ")\n");
              });
}

inline void print_stats(const Repository& repository, Format format) {
    const ops::RepositoryStats s = ops::stats(repository);
    const double ratio =
        s.stored_bytes == 0 ? 0 : static_cast<double>(s.captured_bytes) / static_cast<double>(s.stored_bytes);
    char times[32];
    std::snprintf(times, sizeof times, "%.1f", ratio);
    const bool people = format == Format::table;
    const auto size = [&](std::uint64_t n) { return people ? format_bytes(n) : std::to_string(n); };
    Table table({{"WHAT"}, {"VALUE", Align::right}});
    table.add({"snapshots", std::to_string(s.snapshots)});
    table.add({"captured", size(s.captured_bytes)});
    table.add({"stored", size(s.stored_bytes)});
    table.add({"captured per stored", times});
    table.add({"objects", std::to_string(s.objects)});
    table.add({"unreferenced objects", std::to_string(s.unreferenced_objects)});
    table.add({"unreferenced", size(s.unreferenced_bytes)});
    detail::print_rows(table,
                       {{"snapshots", s.snapshots},
                        {"captured_bytes", s.captured_bytes},
                        {"stored_bytes", s.stored_bytes},
                        {"objects", s.objects},
                        {"unreferenced_objects", s.unreferenced_objects},
                        {"unreferenced_bytes", s.unreferenced_bytes}},
                       format);
    for (const UnreadableSnapshot& u : s.unreadable)
        say("catalog", "warning", "snapshot " + u.id + " cannot be read: " + u.why);
}

/// Pruned snapshots that `prune --undelete` can bring back, and until when.
inline void print_trash(const Repository& repository, std::chrono::seconds grace, Format format) {
    Table table({{"ID"}, {"PRUNED"}, {"STAYS UNTIL"}});
    Json json = Json::array();
    for (const TrashEntry& e : list_trash(repository)) {
        if (e.is_gone) continue;
        table.add({e.id, format_utc(e.since), format_utc(e.since + grace)});
        json.push_back({{"id", e.id},
                        {"pruned_utc", format_utc(e.since)},
                        {"stays_until_utc", format_utc(e.since + grace)}});
        if (format == Format::id) print_line(e.id);
    }
    if (format != Format::id) detail::print_rows(table, json, format);
}

namespace detail {

/// All that the snapshot lists or, with --source, --component, --path or --recipes, what that part of it needs.
inline std::vector<Digest> wanted_objects(const Repository& repository, const Manifest& m,
                                          const CatalogFlags& flags) {
    const bool is_part = !flags.source.empty() || !flags.components.empty() || !flags.globs.empty();
    if (!is_part && !flags.recipes) return read_checksums(repository.snapshot(m.id) / "SHA256SUMS").objects;
    ops::ComponentChoice choice{{}, flags.components, flags.globs};
    if (!flags.source.empty()) choice.sources = {flags.source};
    ObjectReader reader(repository);
    const std::set<Digest> objects =
        flags.recipes ? ops::recipe_objects(m, choice) : ops::needed_objects(reader, m, choice);
    return {objects.begin(), objects.end()};
}

}  // namespace detail

/// catalog objects SNAPSHOT
inline void print_objects(const Repository& repository, const CatalogFlags& flags, Format format) {
    const Manifest m = one_snapshot(repository, flags.names.empty() ? "latest" : flags.names.at(0));
    Table table({{"OBJECT"}, {"STORED", Align::right}});
    Json json = Json::array();
    for (const Digest& name : detail::wanted_objects(repository, m, flags)) {
        struct stat st {};
        const bool present = ::lstat(repository.object(name).c_str(), &st) == 0;
        const auto bytes = static_cast<std::uint64_t>(present ? st.st_size : 0);
        table.add({name.hex(), !present                  ? "missing"
                               : format == Format::table ? format_bytes(bytes)
                                                         : std::to_string(bytes)});
        json.push_back({{"object", name.hex()}, {"stored_bytes", bytes}, {"is_present", present}});
        if (format == Format::id) print_line(name.hex());
    }
    if (format != Format::id) detail::print_rows(table, json, format);
}

}  // namespace holdfast::cli
