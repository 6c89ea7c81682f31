// ops/prune_plan.hpp - which snapshots a prune would remove, and how many bytes that would free. Removes nothing.
//
// Facts come from manifests and the ledger. All that may be needed is known from the SHA256SUMS of every snapshot, in
// the trash too; if one of them cannot be read there is no plan, because nobody knows what that snapshot needs.
#pragma once

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "holdfast/ops/catalog.hpp"
#include "holdfast/policy/retention.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::ops {

struct PrunePolicy {
    RetentionConfig retention;         // unset: every snapshot is kept
    std::set<std::string> configured;  // sources that are backed up
    std::set<std::string> unwanted;    // ids to remove although the rules keep them
    SystemSeconds now{};
    bool damaged_ledger_is_fine = false;
};

struct PlannedSnapshot {
    std::string id;
    bool keep = false;
    std::string reason;
    std::uint64_t frees_bytes = 0;  // what goes when this and all newer removed ones are gone
};

struct PrunePlan {
    std::string catalog;                     // digest of the ids that there were
    std::vector<PlannedSnapshot> snapshots;  // newest first
    std::vector<std::string> damaged;        // of these, by the ledger

    std::vector<std::string> removals() const {
        std::vector<std::string> ids;
        for (const PlannedSnapshot& s : snapshots)
            if (!s.keep) ids.push_back(s.id);
        return ids;
    }
    std::uint64_t frees_bytes() const {
        std::uint64_t total = 0;
        for (const PlannedSnapshot& s : snapshots) total += s.frees_bytes;
        return total;
    }
};

/// Objects by the rank of the snapshot that holds them longest: the lowest rank wins.
using Holders = std::unordered_map<Digest, std::uint32_t, DigestHash>;
struct RankedSnapshot {
    fs::path folder;
    std::uint32_t rank = 0;
};

/// The last word of the ledger on each pinned snapshot; `report` says whether the ledger can be trusted. Throws: io.
inline std::map<std::string, Pin> read_pins(const Repository& repository, LedgerReport& report) {
    std::map<std::string, Pin> pins;
    report = read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event == "unpinned") pins.erase(line.snapshot);
        if (line.event != "pinned") return;
        const JsonFields fields(line.json, "ledger line");
        const auto until = parse_utc(fields.text("until_utc"));
        if (!until) fields.fail("until_utc", "is not a time");
        pins[line.snapshot] = {*until, fields.text_or("reason", "")};
    });
    return pins;
}

namespace detail {

inline std::vector<SnapshotFacts> read_facts(const Repository& repository, const SnapshotList& list,
                                             const std::map<std::string, std::string>& trust,
                                             const PrunePolicy& policy) {
    LedgerReport ledger;
    const std::map<std::string, Pin> pins = read_pins(repository, ledger);
    if (!ledger.findings.empty() && !policy.damaged_ledger_is_fine)
        throw Error(
            Kind::corrupt, "nothing removed: " + ledger.findings.front(),
            "pins and results of verify are read from the ledger: put ledger.jsonl back from a copy of the "
            "repository, or say --damaged-ledger-is-fine");
    std::vector<SnapshotFacts> facts;
    for (const Manifest& m : list.newest_first) {
        SnapshotFacts s;
        s.id = m.id;
        s.number = m.number;
        s.time = m.started;
        s.type = m.type;
        for (const Component& c : m.components) s.sources.insert(c.source);
        for (const MissingSource& missing : m.missing) s.sources.insert(missing.source);
        const auto state = trust.find(m.id);
        s.is_good = m.state() == "complete" && (state == trust.end() || state->second != "damaged");
        s.is_verified = state != trust.end() && state->second.starts_with("verified");
        if (const auto pin = pins.find(m.id); pin != pins.end()) s.pin = pin->second;
        s.is_unwanted = policy.unwanted.contains(m.id);
        facts.push_back(std::move(s));
    }
    return facts;
}

inline Checksums read_needs(const fs::path& folder) {
    try {
        Checksums sums = read_checksums(folder / "SHA256SUMS");
        const auto text = read_file_if_any(folder / "manifest.json", kMaxManifestBytes);
        if (text && sha256(*text) == sums.manifest) {
            const std::string id = folder.filename().string().substr(0, 23);
            if (parse_manifest(*text, id).object_count != sums.objects.size())
                throw Error(Kind::corrupt, "it does not name as many objects as the manifest counts");
        }
        return sums;
    } catch (const Error& e) {
        const bool is_missing = fs::is_directory(folder) && !fs::exists(folder / "SHA256SUMS");
        throw Error(is_missing ? Kind::corrupt : e.kind(),
                    "nothing removed: what snapshot " + folder.filename().string() +
                        " needs is not known: " + e.what(),
                    "verify --all says what is damaged; to give it up: prune --forget ID --empty-trash");
    }
}

}  // namespace detail

/// Reads the SHA256SUMS of all, on all cores. Memory: some 70 bytes for each object and core. Throws: corrupt, io.
inline Holders find_holders(const std::vector<RankedSnapshot>& snapshots) {
    tbb::enumerable_thread_specific<Holders> parts;
    tbb::parallel_for(std::size_t{0}, snapshots.size(), [&](std::size_t i) {
        check_interrupted();
        Holders& holders = parts.local();
        for (const Digest& object : detail::read_needs(snapshots[i].folder).objects) {
            const auto [at, is_new] = holders.try_emplace(object, snapshots[i].rank);
            if (!is_new) at->second = std::min(at->second, snapshots[i].rank);
        }
    });
    Holders all;
    for (Holders& part : parts) {
        if (all.size() < part.size()) all.swap(part);
        for (const auto& [object, rank] : part) {
            const auto [at, is_new] = all.try_emplace(object, rank);
            if (!is_new) at->second = std::min(at->second, rank);
        }
    }
    return all;
}

/// Throws: corrupt (a SHA256SUMS or the ledger), not_found (an unwanted id), refused (one that has to stay), io.
inline PrunePlan plan_prune(const Repository& repository, const PrunePolicy& policy) {
    const SnapshotList list = list_snapshots(repository);
    PrunePlan plan;
    std::string ids;
    std::set<std::string> known;
    for (const std::string& id : list_snapshot_ids(repository)) {
        ids += id + "\n";
        known.insert(id);
    }
    plan.catalog = sha256(ids).hex();
    for (const std::string& id : policy.unwanted)
        if (!known.contains(id))
            throw Error(Kind::not_found, "there is no snapshot " + id, "catalog lists what there is");

    RetentionConfig retention = policy.retention;
    if (!retention.is_set()) retention.keep[static_cast<std::size_t>(Period::last)] = KeepRule{0, kForever};
    const std::map<std::string, std::string> trust = read_trust(repository);
    for (const auto& [id, state] : trust)
        if (state == "damaged" && known.contains(id)) plan.damaged.push_back(id);
    for (const Verdict& v : judge(detail::read_facts(repository, list, trust, policy), retention,
                                  TimeZone::find(retention.zone), policy.now, policy.configured))
        plan.snapshots.push_back({v.id, v.keep, v.reason, 0});
    for (const PlannedSnapshot& s : plan.snapshots)
        if (s.keep && policy.unwanted.contains(s.id))
            throw Error(Kind::refused, "nothing removed: snapshot " + s.id + " has to stay: " + s.reason,
                        "unpin it, or take newer snapshots of its sources first");
    for (const UnreadableSnapshot& u : list.unreadable)
        plan.snapshots.push_back({u.id, !policy.unwanted.contains(u.id), "cannot be read: " + u.why, 0});

    std::vector<RankedSnapshot> ranked;
    for (std::size_t i = 0; i < plan.snapshots.size(); ++i) {
        const PlannedSnapshot& s = plan.snapshots[i];
        const bool is_given_up = !s.keep && s.reason.starts_with("cannot be read");
        if (!is_given_up)
            ranked.push_back({repository.snapshot(s.id), s.keep ? 0 : static_cast<std::uint32_t>(i + 1)});
    }
    for (const auto& [object, rank] : find_holders(ranked)) {
        struct stat st {};
        if (rank != 0 && ::lstat(repository.object(object).c_str(), &st) == 0)
            plan.snapshots[rank - 1].frees_bytes += static_cast<std::uint64_t>(st.st_size);
    }
    return plan;
}

}  // namespace holdfast::ops
