// policy/anomaly.hpp - reasons to look at a snapshot before trusting it: facts in, reasons out.
//
// A disk that is not mounted, a table that was emptied and files that were encrypted are captured without an error. So
// each component is held against the newest snapshot of it that nothing was suspicious about: a bad day does not
// become the measure of the next. What is exactly at max_shrink is fine.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "holdfast/base/units.hpp"
#include "holdfast/policy/config.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast {

inline constexpr std::int64_t kTellingRows = 100;         // a smaller table may shrink as it likes
inline constexpr std::uint64_t kTellingNewBytes = 1_MiB;  // less new data says nothing of its kind,
inline constexpr double kTellingNewShare = 0.25;          // nor does a smaller share of the component
inline constexpr double kIncompressible = 0.9;            // stored by plain size, from here on
inline constexpr double kCompressible = 0.7;              // and up to here

/// What the run knows and no manifest says.
struct AnomalyFacts {
    std::set<std::string> unread;  // paths (names of commands) of what is there but could not be read
    std::map<std::string, std::uint64_t> doubtful_bytes;  // by component: that only suspect snapshots brought
};

/// The newest snapshot with this component that nothing is suspicious about; null if there is none.
inline const Manifest* find_trusted(const std::vector<Manifest>& newest_first, const Component& like) {
    for (const Manifest& m : newest_first)
        if (const Component* c = m.find(like.name); c != nullptr && c->kind == like.kind && m.suspect.empty())
            return &m;
    return nullptr;
}

namespace detail {

/// What to say of a loss of more than `limit`.
inline std::optional<std::string> loss(std::uint64_t before, std::uint64_t now, double limit) {
    if (now >= before) return std::nullopt;
    const double share = static_cast<double>(before - now) / static_cast<double>(before);
    if (share <= limit + 1e-9) return std::nullopt;
    return " (" + format_percent(share) + " less, max_shrink is " + format_percent(limit) + ")";
}

inline bool is_empty(const Component& c) {
    return c.tree ? c.tree->files == 0 : c.sqlite ? c.sqlite->page_count == 0 : c.bytes == 0;
}

inline std::string emptiness(const Component& before, const Component& now) {
    if (!now.tree) return "empty, where the last good snapshot had " + format_bytes(before.bytes);
    return "no files, where the last good snapshot had " + std::to_string(before.tree->files) + "; is " +
           in_quotes(now.path) + " mounted?";
}

/// A table that is not counted now is gone only if all others are.
inline std::vector<std::string> row_losses(const SqliteFacts& before, const SqliteFacts& now, double limit) {
    const bool has_all = now.table_count == now.row_counts.size();
    const auto count = [](std::int64_t rows) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(rows, 0));
    };
    std::vector<std::string> out;
    std::uint64_t total_before = 0, total_now = 0;
    for (const auto& [table, rows] : now.row_counts)
        if (has_all && !before.row_counts.contains(table)) total_now += count(rows);
    for (const auto& [table, rows] : before.row_counts) {
        const auto at = now.row_counts.find(table);
        if (at == now.row_counts.end() && !has_all) continue;
        const std::int64_t left = at == now.row_counts.end() ? 0 : at->second;
        total_before += count(rows);
        total_now += count(left);
        const auto less = rows >= kTellingRows ? loss(count(rows), count(left), limit) : std::nullopt;
        if (less)
            out.push_back("table " + in_quotes(table) + " has " + std::to_string(left) + " rows, had " +
                          std::to_string(rows) + *less);
    }
    if (total_now >= total_before) return {};  // rows that moved to another table are not lost
    if (total_before < static_cast<std::uint64_t>(kTellingRows) || !out.empty()) return out;
    if (const auto less = loss(total_before, total_now, limit))
        out.push_back(std::to_string(total_now) + " rows in all tables, " + std::to_string(total_before) +
                      " before" + *less);
    return out;
}

/// Stored by plain size of all that trusted snapshots added to the component; nothing if that is not known.
inline std::optional<double> usual_ratio(const std::vector<Manifest>& newest_first, const Component& like) {
    std::uint64_t plain = 0, stored = 0;
    for (const Manifest& m : newest_first) {
        const Component* c = m.suspect.empty() ? m.find(like.name) : nullptr;
        if (c == nullptr || c->kind != like.kind || !c->new_stored_bytes) continue;
        plain += c->new_bytes;
        stored += *c->new_stored_bytes;
    }
    if (plain == 0) return std::nullopt;
    return static_cast<double>(stored) / static_cast<double>(plain);
}

inline bool is_telling(std::uint64_t bytes, const Component& c) {
    return bytes >= kTellingNewBytes &&
           static_cast<double>(bytes) >= kTellingNewShare * static_cast<double>(c.bytes);
}
inline bool has_incompressible_news(const Component& c) {
    return c.new_stored_bytes && is_telling(c.new_bytes, c) &&
           static_cast<double>(*c.new_stored_bytes) >= kIncompressible * static_cast<double>(c.new_bytes);
}

/// Data that was compressible and is not any more looks encrypted, be it new today or new in a suspect snapshot since the
/// last trusted one and still there.
inline std::optional<std::string> encryption(const Component& now, const std::vector<Manifest>& newest_first,
                                             std::uint64_t doubtful_bytes) {
    const auto usual = usual_ratio(newest_first, now);
    if (!usual || *usual > kCompressible) return std::nullopt;
    if (has_incompressible_news(now))
        return "its new data does not compress (to " +
               format_percent(static_cast<double>(*now.new_stored_bytes) /
                              static_cast<double>(now.new_bytes)) +
               ", usually to " + format_percent(*usual) + "): was it encrypted or overwritten?";
    if (!is_telling(doubtful_bytes, now)) return std::nullopt;
    for (const Manifest& m : newest_first) {
        const Component* c = m.find(now.name);
        if (c == nullptr || c->kind != now.kind) continue;
        if (m.suspect.empty()) return std::nullopt;
        if (has_incompressible_news(*c))
            return format_bytes(doubtful_bytes) + " of it are still what made snapshot " + m.id + " suspect";
    }
    return std::nullopt;
}

/// Another file system at the path than last time: what was mounted there is not, or something else is on top. The same
/// one through another mount is fine, and so is another at the same mount point, because names of devices change.
inline std::optional<std::string> other_mount(const Component& before, const Component& now) {
    if (!before.mount || !now.mount || before.path != now.path) return std::nullopt;
    const MountPlace &old = *before.mount, &here = *now.mount;
    if (old.point == here.point || (old.file_system == here.file_system && old.path == here.path))
        return std::nullopt;
    return "lies on what is mounted at " + in_quotes(here.point) + " (" + here.file_system +
           "), in the last good snapshot at " + in_quotes(old.point) + " (" + old.file_system +
           "): is its disk mounted?";
}

inline std::vector<std::string> judge(const Component& now, const SourceConfig& source,
                                      const std::vector<Manifest>& newest_first, std::uint64_t doubtful_bytes,
                                      const std::string& host) {
    const Manifest* trusted = find_trusted(newest_first, now);
    if (trusted == nullptr) return {};
    const Component& before = *trusted->find(now.name);
    std::vector<std::string> out;
    const bool is_comparable =
        source.max_shrink < 1 && trusted->host == host;  // another host has other mounts
    if (auto reason = is_comparable ? other_mount(before, now) : std::nullopt)
        out.push_back(*std::move(reason));
    if (is_empty(now)) {
        if (!source.allow_empty && !is_empty(before)) out.push_back(emptiness(before, now));
        return out;
    }
    // VACUUM makes a database smaller and takes nothing away: where all rows are counted, they decide.
    const bool has_rows = now.sqlite && before.sqlite && !before.sqlite->row_counts.empty() &&
                          now.sqlite->table_count == now.sqlite->row_counts.size();
    const auto less_bytes = has_rows ? std::nullopt : loss(before.bytes, now.bytes, source.max_shrink);
    if (const auto& less = less_bytes)
        out.push_back(format_bytes(now.bytes) + ", " + format_bytes(before.bytes) + " before" + *less);
    if (now.tree && before.tree)
        if (const auto less = loss(before.tree->files, now.tree->files, source.max_shrink))
            out.push_back(std::to_string(now.tree->files) + " files, " + std::to_string(before.tree->files) +
                          " before" + *less);
    if (now.sqlite && before.sqlite)
        for (std::string& reason : row_losses(*before.sqlite, *now.sqlite, source.max_shrink))
            out.push_back(std::move(reason));
    if (!source.allow_incompressible)
        if (auto reason = encryption(now, newest_first, doubtful_bytes)) out.push_back(*std::move(reason));
    return out;
}

/// The source's components of the newest trusted snapshot, and those that it and newer ones name as missing: a day on
/// which something could not be read does not make it forgotten.
inline std::vector<const Component*> expected_components(const std::vector<Manifest>& newest_first,
                                                         const std::string& source) {
    std::vector<const Manifest*> newer;
    std::vector<const Component*> out;
    for (const Manifest& m : newest_first) {
        if (!m.suspect.empty()) continue;
        bool has_source = false;
        for (const MissingSource& x : m.missing) has_source = has_source || x.source == source;
        for (const Component& c : m.components) {
            if (c.source != source) continue;
            has_source = true;
            const auto excuses = [&](const Manifest* n) {
                return std::any_of(n->missing.begin(), n->missing.end(), [&](const MissingSource& x) {
                    return x.source == source && x.path == c.path;
                });
            };
            if (std::all_of(newer.begin(), newer.end(), excuses)) out.push_back(&c);
        }
        if (has_source) newer.push_back(&m);
    }
    return out;
}

/// Found under another name it did not vanish: a source with one file names its component after itself.
inline bool is_in(const Manifest& now, const Component& expected) {
    return std::any_of(now.components.begin(), now.components.end(), [&](const Component& c) {
        return c.source == expected.source &&
               (c.name == expected.name || (!c.path.empty() && c.path == expected.path));
    });
}

}  // namespace detail

/// Why `now` is suspect; `sources` are those of this run. One reason is one sentence that names the component.
inline std::vector<std::string> find_anomalies(const Manifest& now, const std::vector<Manifest>& newest_first,
                                               const std::vector<SourceConfig>& sources,
                                               const AnomalyFacts& facts) {
    std::vector<std::string> out;
    for (const SourceConfig& source : sources) {
        for (const Component& c : now.components) {
            if (c.source != source.name) continue;
            const auto doubtful = facts.doubtful_bytes.find(c.name);
            for (const std::string& reason :
                 detail::judge(c, source, newest_first,
                               doubtful == facts.doubtful_bytes.end() ? 0 : doubtful->second, now.host))
                out.push_back(c.name + ": " + reason);
        }
        if (source.max_shrink >= 1) continue;  // everything may go
        for (const Component* c : detail::expected_components(newest_first, source.name))
            if (!detail::is_in(now, *c) && !facts.unread.contains(c->path.empty() ? c->name : c->path))
                out.push_back(c->name + ": not there any more, " +
                              (c->path.empty() ? "the last good snapshot has it"
                                               : "the last good snapshot has it from " + in_quotes(c->path)));
    }
    return out;
}

}  // namespace holdfast
