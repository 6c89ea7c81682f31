// cli/catalog_report.hpp - the answers of catalog as tables, TSV, ids or JSON.
#pragma once

#include <string>

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/cli/snapshot_flags.hpp"
#include "holdfast/ops/catalog.hpp"
#include "holdfast/ops/pins.hpp"
#include "holdfast/ops/snapshot_summary.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::cli {

enum class Format { table, tsv, id, json };

struct CatalogFlags {
    std::string source, type;
    std::size_t limit = 0;
    std::string format = "table";
    std::vector<std::string> names;
    std::vector<std::string> globs;

    Format chosen(const CommonFlags& common) const {
        if (common.json || format == "json") return Format::json;
        return format == "tsv" ? Format::tsv : format == "id" ? Format::id : Format::table;
    }
};

namespace detail {

inline void print_rows(const Table& table, const Json& json, Format format) {
    if (format == Format::json) return print_json(json);
    print(format == Format::table ? table.text() : table.tsv());
}

inline std::set<std::string> sources_of(const Manifest& m) {
    std::set<std::string> sources;
    for (const Component& c : m.components) sources.insert(c.source);
    return sources;
}
inline std::string joined_sources(const Manifest& m) {
    std::string out;
    for (const std::string& s : sources_of(m)) out += (out.empty() ? "" : ",") + s;
    return out;
}

}  // namespace detail

inline void print_list(const Repository& repository, const CatalogFlags& flags, Format format) {
    const SnapshotList list = list_snapshots(repository);
    const auto trust = ops::read_trust(repository);
    const auto pins = ops::read_pins(repository);
    const SystemSeconds now = now_utc();
    const bool people = format == Format::table;
    Table table({{"ID"},
                 {"NUMBER", Align::right},
                 {"TYPE"},
                 {"STATE"},
                 {"TRUST"},
                 {"SIZE", Align::right},
                 {"STORED", Align::right},
                 {"SOURCES"}});
    Json json = Json::array();
    std::size_t shown = 0;
    for (const Manifest& m : list.newest_first) {
        const bool has_source =
            flags.source.empty() || std::any_of(m.components.begin(), m.components.end(),
                                                [&](const Component& c) { return c.source == flags.source; });
        if (!has_source || (!flags.type.empty() && m.type != flags.type)) continue;
        if (flags.limit != 0 && shown == flags.limit) break;
        ++shown;
        const auto at = trust.find(m.id);
        const std::string proven = at == trust.end() ? "captured" : at->second;
        const auto size = [&](std::uint64_t n) { return people ? format_bytes(n) : std::to_string(n); };
        const auto pin = pins.find(m.id);
        const bool is_pinned = pin != pins.end() && pin->second.until > now;
        table.add({m.id, std::to_string(m.number), m.type,
                   m.state() + (people && is_pinned ? ", pinned" : ""), proven, size(m.bytes()),
                   size(m.stored_bytes), detail::joined_sources(m)});
        if (format == Format::id) print_line(m.id);
        json.push_back({{"id", m.id},
                        {"number", m.number},
                        {"type", m.type},
                        {"state", m.state()},
                        {"trust", proven},
                        {"pinned_until_utc", is_pinned ? Json(format_utc(pin->second.until)) : Json(nullptr)},
                        {"started_utc", format_utc(m.started)},
                        {"age_s", (now - m.started).count()},
                        {"age", format_duration(std::max(now - m.started, std::chrono::seconds{0}))},
                        {"bytes", m.bytes()},
                        {"new_bytes", m.new_bytes()},
                        {"stored_bytes", m.stored_bytes},
                        {"sources", detail::sources_of(m)}});
    }
    if (format != Format::id) detail::print_rows(table, json, format);
    for (const UnreadableSnapshot& u : list.unreadable)
        say("catalog", "warning", "snapshot " + u.id + " cannot be read: " + u.why);
    if (shown == 0 && people) say("catalog", "note", "no snapshot");
    if (list.unreadable.empty()) return;
    output().flush();  // the rest of the list is good
    throw Error(Kind::corrupt, std::to_string(list.unreadable.size()) + " snapshots cannot be read",
                "run verify --all");
}

inline void print_show(const Repository& repository, const CatalogFlags& flags, Format format) {
    const Manifest m = one_snapshot(repository, flags.names.empty() ? "latest" : flags.names.at(0));
    if (format == Format::json)
        print(read_manifest_text(repository, m.id));
    else
        print(ops::format_summary(m));
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

inline void print_objects(const Repository& repository, const CatalogFlags& flags, Format format) {
    const Manifest m = one_snapshot(repository, flags.names.empty() ? "latest" : flags.names.at(0));
    Table table({{"OBJECT"}, {"STORED", Align::right}});
    Json json = Json::array();
    for (const Digest& name : read_checksums(repository.snapshot(m.id) / "SHA256SUMS").objects) {
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
