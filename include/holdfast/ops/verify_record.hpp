// ops/verify_record.hpp - the ledger lines of a run of verify.
#pragma once

#include <map>

#include "holdfast/ops/verify_report.hpp"
#include "holdfast/store/checksums.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast::ops {

namespace detail {

/// The last "verified" line of a snapshot.
struct LastVerified {
    SystemSeconds time{};
    bool is_damaged = false;
};

/// A plain "ok" says nothing about a deep round, so it does not count there.
inline std::map<std::string, LastVerified> read_last_verified(const Repository& repository, bool deep) {
    std::map<std::string, LastVerified> out;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event != "verified") return;
        const JsonFields fields(line.json, "ledger line");
        const bool is_damaged = fields.text_or("result", "") != "ok";
        if (deep && !is_damaged && fields.text_or("level", "") != "deep") return;
        out[line.snapshot] = {parse_utc(fields.text_or("time_utc", "")).value_or(SystemSeconds{}),
                              is_damaged};
    });
    return out;
}

inline bool knows_all(const NewestRows& known, const NewestRows& rows) {
    return std::all_of(rows.begin(), rows.end(), [&](const auto& row) {
        const auto at = known.find(row.first);
        return at != known.end() && at->second == row.second;
    });
}

/// What a snapshot is made of, as keys of the memory. Throws: corrupt, io.
inline std::vector<Digest> units_of(const Repository& repository, const Manifest& manifest, bool deep) {
    std::vector<Digest> keys;
    if (deep) {
        for (const Component& c : manifest.components) keys.push_back(component_key(manifest.id, c.name));
        return keys;
    }
    return read_checksums(repository.snapshot(manifest.id) / "SHA256SUMS").objects;
}

}  // namespace detail

/// Has a whole round been made for the snapshot: was each of its objects (components) verified after the
/// snapshot was written and after its last "verified" line? So a line stands for a round of its own: at most
/// one per round, and after damage none before everything was looked at again. Throws: corrupt, io.
inline bool is_round_complete(const Repository& repository, const Manifest& manifest, bool deep,
                              const VerifiedMemory& memory, const std::optional<detail::LastVerified>& last) {
    const std::vector<Digest> keys = detail::units_of(repository, manifest, deep);
    return !keys.empty() && std::all_of(keys.begin(), keys.end(), [&](const Digest& key) {
        const auto at = memory.find(key);
        return at && *at >= manifest.finished && (!last || *at > last->time);
    });
}

/// Damage is a "verified" line with the result "damaged", however it was found; a rolling run does not repeat
/// it. Without damage a share is "sampled", a rolling run says something only where a round is complete, or where it
/// met a newest row that the ledger does not know; that is "sampled" too.
/// Throws: busy, corrupt, io.
inline void record_verified(const Repository& repository, const VerifyOptions& options,
                            const std::vector<Manifest>& manifests, const VerifiedMemory& memory,
                            const VerifyReport& report) {
    std::map<std::string, detail::LastVerified> last;
    std::map<std::string, NewestRows> known;
    if (options.budget) last = detail::read_last_verified(repository, options.deep);
    if (options.budget && !report.newest_rows.empty()) known = read_newest_rows(repository);
    std::set<std::string> ids(report.snapshots.begin(), report.snapshots.end());
    for (const Finding& f : report.findings)
        if (is_snapshot_id(f.snapshot)) ids.insert(f.snapshot);
    std::map<std::string, const Manifest*> readable;
    for (const Manifest& m : manifests) readable.emplace(m.id, &m);
    Json details = {{"level", options.deep ? "deep" : "plain"}};
    if (options.share) details["share"] = format_percent(*options.share);

    std::vector<LedgerWriter::Entry> lines;
    for (const std::string& id : ids) {
        const auto at = last.find(id);
        const auto before = at == last.end() ? std::nullopt : std::optional{at->second};
        const bool is_damaged = report.is_damaged(id);
        details["result"] = is_damaged ? "damaged" : "ok";
        if (options.budget && is_damaged && before && before->is_damaged) continue;
        const auto rows = report.newest_rows.find(id);
        const auto manifest = readable.find(id);
        const bool is_private = manifest != readable.end() && manifest->second->private_digest.has_value();
        const bool has_rows = rows != report.newest_rows.end() && !rows->second.empty() && !is_private;
        bool is_part = options.share.has_value();
        if (options.budget && !is_damaged) {
            is_part = manifest == readable.end() ||
                      !is_round_complete(repository, *manifest->second, options.deep, memory, before);
            if (is_part && (!has_rows || detail::knows_all(known[id], rows->second))) continue;
        }
        lines.push_back({is_part && !is_damaged ? "sampled" : "verified", id, details});
        if (has_rows) lines.back().details[kNewestRowKey] = newest_rows_json(rows->second);
    }
    LedgerWriter(repository, options.lock_wait).append(lines);
}

}  // namespace holdfast::ops
