// cli/catalog_list.hpp - what catalog is asked, and its list of snapshots.
#pragma once

#include <string>

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/catalog.hpp"
#include "holdfast/ops/newest_row.hpp"
#include "holdfast/ops/pins.hpp"

namespace holdfast::cli {

enum class Format { table, tsv, id, json };

struct CatalogFlags {
    std::string source, type;
    std::size_t limit = 0;
    std::string format = "table";
    std::vector<std::string> names;
    std::vector<std::string> globs, components;
    bool recipes = false, hosts = false;
    std::string remote;

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

/// Only sources of which one is known.
inline Json newest_by_source(const Manifest& m, const ops::NewestRows& rows) {
    Json json = Json::object();
    for (const std::string& source : sources_of(m))
        if (const auto newest = ops::newest_of(rows, m, source)) json[source] = format_utc(*newest);
    return json;
}

}  // namespace detail

inline void print_list(const Repository& repository, const CatalogFlags& flags, Format format) {
    const SnapshotList list = list_snapshots(repository);
    const auto trust = ops::read_trust(repository);
    const auto pins = ops::read_pins(repository);
    const auto newest_rows = ops::read_newest_rows(repository);
    const SystemSeconds now = now_utc();
    const bool people = format == Format::table;
    Table table({{"ID"},
                 {"NUMBER", Align::right},
                 {"TYPE"},
                 {"STATE"},
                 {"TRUST"},
                 {"SIZE", Align::right},
                 {"STORED", Align::right},
                 {"SOURCES"},
                 {"NEWEST ROW"}});
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
        const auto rows = newest_rows.find(m.id);
        const auto newest =
            rows == newest_rows.end() ? std::nullopt : ops::newest_of(rows->second, m, flags.source);
        table.add({m.id, std::to_string(m.number), m.type,
                   m.state() + (people && is_pinned ? ", pinned" : ""), proven, size(m.bytes()),
                   size(m.stored_bytes), detail::joined_sources(m), newest ? format_utc(*newest) : ""});
        if (format == Format::id) print_line(m.id);
        json.push_back(
            {{"id", m.id},
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
             {"sources", detail::sources_of(m)},
             {"newest_row_utc", newest ? Json(format_utc(*newest)) : Json(nullptr)},
             {"newest_row_utc_of",
              detail::newest_by_source(m, rows == newest_rows.end() ? ops::NewestRows{} : rows->second)}});
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

}  // namespace holdfast::cli
