// ops/newest_row.hpp - how far the data of a snapshot reaches: the time of the newest row of its databases.
//
// The configuration's checks with `max_age` say which query gives that time. Whoever has restored a database anyway, verify
// --deep and drill, asks it and keeps the answer in the ledger, where catalog finds it; snap pays nothing for it. An answer
// says what is in the snapshot, not whether that is well: a query that cannot be answered is a note, never a failure.
#pragma once

#include <map>
#include <string>

#include "holdfast/ops/configured_checks.hpp"
#include "holdfast/policy/config.hpp"
#include "holdfast/store/ledger.hpp"

namespace holdfast::ops {

using NewestRows = std::map<std::string, SystemSeconds>;  // by component

inline constexpr const char* kNewestRowKey = "newest_row_utc";         // in a line of the ledger
inline constexpr std::size_t kMaxNewestRowBytes = kMaxLedgerLine / 2;  // the rest of the line needs room too

/// Of several checks of one component the newest time counts.
inline void note_newest_row(const CheckResult& check, NewestRows& rows) {
    if (!check.newest) return;
    const auto [at, is_new] = rows.try_emplace(check.component, *check.newest);
    if (!is_new) at->second = std::max(at->second, *check.newest);
}

/// Asks the queries of `source` whose answer is a time; `restored` is a sound database. Throws: interrupted.
inline void measure_newest_row(const SourceConfig& source, const Component& c, const fs::path& restored,
                               SystemSeconds snapshot_started, NewestRows& rows,
                               std::vector<std::string>& notes) {
    for (const CheckConfig& check : source.checks) {
        if (!check.max_age) continue;
        const CheckResult result = run_check(check, c, restored, {snapshot_started, {}});
        note_newest_row(result, rows);
        if (!result.newest)
            notes.push_back("the newest row of " + in_quotes(c.name) + " is not known: " + check.name + ": " +
                            result.detail);
    }
}

/// For a line of the ledger, which is bounded: of very many components the newest.
inline Json newest_rows_json(const NewestRows& rows) {
    std::vector<std::pair<SystemSeconds, std::string>> newest_first;
    for (const auto& [component, time] : rows) newest_first.emplace_back(time, component);
    std::sort(newest_first.begin(), newest_first.end(), std::greater<>());
    Json json = Json::object();
    std::size_t bytes = 0;
    for (const auto& [time, component] : newest_first) {
        bytes += dump_json({{component, format_utc(time)}}).size();
        if (bytes > kMaxNewestRowBytes) break;
        json[component] = format_utc(time);
    }
    return json;
}

/// What is known of each snapshot; a later answer counts, since the query may have been corrected. Throws: io.
inline std::map<std::string, NewestRows> read_newest_rows(const Repository& repository) {
    std::map<std::string, NewestRows> out;
    read_ledger(repository, [&](const LedgerLine& line) {
        const auto rows = line.json.find(kNewestRowKey);
        if (rows == line.json.end() || !rows->is_object()) return;
        for (const auto& [component, text] : rows->items())
            if (const auto time = text.is_string() ? parse_utc(text.get<std::string>()) : std::nullopt)
                out[line.snapshot][component] = *time;
    });
    return out;
}

/// The newest of a snapshot, or of one source of it; nothing if none is known.
inline std::optional<SystemSeconds> newest_of(const NewestRows& rows, const Manifest& manifest,
                                              const std::string& source = {}) {
    std::optional<SystemSeconds> out;
    for (const Component& c : manifest.components) {
        const auto at = source.empty() || c.source == source ? rows.find(c.name) : rows.end();
        if (at != rows.end() && (!out || at->second > *out)) out = at->second;
    }
    return out;
}

}  // namespace holdfast::ops
