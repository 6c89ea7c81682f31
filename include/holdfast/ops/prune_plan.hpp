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
#include "holdfast/ops/pins.hpp"
#include "holdfast/ops/verify_files.hpp"
#include "holdfast/policy/retention.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::ops {

struct PrunePolicy {
    RetentionConfig retention;         // unset: every snapshot is kept
    std::set<std::string> configured;  // sources that are backed up
    std::set<std::string> unwanted;    // ids to remove although the rules keep them
    SystemSeconds now{};
    bool empty_trash = false;  // no grace for anything that is there, or gets there now
    bool damaged_history_is_fine = false;
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
    std::vector<TrashEntry> leaving;         // the trash: they cannot come back after this
    std::uint64_t leaving_bytes = 0;         // that only they hold
    std::set<std::string> given_up;      // removals whose needs are not known: they do not wait in the trash
    std::vector<std::string> vanished;   // asked to forget, and gone already
    std::vector<std::string> damaged;    // snapshots that stay, by the ledger
    std::set<std::string> unconfigured;  // sources that nobody backs up: nothing holds back their ages
    SystemSeconds clock{};               // what grace is counted by

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

namespace detail {

inline std::vector<SnapshotFacts> read_facts(const Repository& repository, const SnapshotList& list,
                                             const std::map<std::string, std::string>& trust,
                                             const PrunePolicy& policy) {
    const std::map<std::string, Pin> pins = read_pins(repository);
    std::vector<SnapshotFacts> facts;
    for (const Manifest& m : list.newest_first) {
        SnapshotFacts s;
        s.id = m.id;
        s.number = m.number;
        s.time = m.started;
        s.type = m.type;
        const auto state = trust.find(m.id);
        const bool is_sound = m.suspect.empty() && (state == trust.end() || state->second != "damaged");
        for (const Component& c : m.components) s.sources.insert(c.source);
        if (is_sound) s.whole = s.sources;
        for (const Component& c : m.components)
            if (!c.warnings.empty()) s.whole.erase(c.source);
        for (const MissingSource& missing : m.missing) {
            s.sources.insert(missing.source);
            s.whole.erase(missing.source);
        }
        s.is_good = is_sound && !m.is_partial();
        s.is_verified =
            state != trust.end() && (state->second.starts_with("verified") || state->second == "drilled");
        if (const auto pin = pins.find(m.id); pin != pins.end()) s.pin = pin->second;
        s.is_unwanted = policy.unwanted.contains(m.id);
        facts.push_back(std::move(s));
    }
    return facts;
}

inline Checksums read_needs(const fs::path& folder) {
    try {
        Checksums sums = read_checksums(folder / "SHA256SUMS");
        if (const auto text = read_file_if_any(folder / "manifest.json", kMaxManifestBytes)) {
            if (sha256(*text) != sums.manifest)
                throw Error(Kind::corrupt, "its manifest is not the one its SHA256SUMS names");
            const std::string id = folder.filename().string().substr(0, 23);
            if (parse_manifest(*text, id).object_count != sums.objects.size())
                throw Error(Kind::corrupt, "it does not name as many objects as the manifest counts");
        }
        return sums;
    } catch (const Error& e) {
        std::error_code ignored;
        const bool is_missing =
            fs::is_directory(folder, ignored) && !fs::exists(folder / "SHA256SUMS", ignored);
        const bool is_in_trash = folder.parent_path().filename() == "trash";
        const std::string name = folder.filename().string();
        throw Error(
            is_missing ? Kind::corrupt : e.kind(),
            "nothing removed: what snapshot " + name + " needs is not known: " + e.what(),
            "another copy of the repository may have that file whole; to give the snapshot up: prune " +
                (is_in_trash ? "--empty-trash" : "--forget " + name));
    }
}

inline bool has_known_needs(const fs::path& folder) {
    try {
        read_needs(folder);
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// A prune of a repository that was rolled back, or that lost a snapshot, would remove what the lost part still needs when
/// it comes back. Returns the ids that vanished and that somebody gives up. Throws: corrupt.
inline std::vector<std::string> check_history(const Repository& repository, const PrunePolicy& policy) {
    std::vector<std::string> vanished;
    std::vector<Finding> findings;
    verify_history(repository, findings);
    for (const Finding& f : findings) {
        if (f.item == "snapshot" && policy.unwanted.contains(f.snapshot)) {
            vanished.push_back(f.snapshot);
        } else if (!policy.damaged_history_is_fine && f.item != "state file") {
            throw Error(
                Kind::corrupt,
                "nothing removed: the history does not fit: " + f.item + " " + f.snapshot + ": " + f.what,
                f.item == "snapshot"
                    ? "put it back from another copy of the repository, or give it up: prune --forget " +
                          f.snapshot
                    : "look with: verify --all; put ledger.jsonl back from another copy, or go on with "
                      "--damaged-history-is-fine (pins and results of verify may be missing)");
        }
    }
    return vanished;
}

/// What leaves the trash now.
inline std::vector<TrashEntry> leaving_trash(const Repository& repository, const PrunePolicy& policy,
                                             SystemSeconds clock) {
    std::vector<TrashEntry> entries = list_trash(repository);
    std::erase_if(entries, [&](const TrashEntry& e) {
        return !e.is_gone && !policy.empty_trash && e.since + policy.retention.grace > clock;
    });
    return entries;
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

/// Throws: corrupt (a SHA256SUMS or the history), not_found (an unwanted id), refused (one that has to stay), io.
inline PrunePlan plan_prune(const Repository& repository, const PrunePolicy& policy) {
    PrunePlan plan;
    plan.vanished = detail::check_history(repository, policy);
    const SnapshotList list = list_snapshots(repository);
    std::string ids;
    std::set<std::string> known(plan.vanished.begin(), plan.vanished.end());
    for (const std::string& id : list_snapshot_ids(repository)) {
        ids += id + "\n";
        known.insert(id);
    }
    plan.catalog = sha256(ids).hex();
    for (const std::string& id : policy.unwanted)
        if (!known.contains(id))
            throw Error(Kind::not_found, "there is no snapshot " + id, "catalog lists what there is");

    const std::map<std::string, std::string> trust = read_trust(repository);
    const std::vector<SnapshotFacts> facts = detail::read_facts(repository, list, trust, policy);
    plan.clock = trusted_now(facts, policy.now);
    for (const SnapshotFacts& s : facts)
        for (const std::string& source : s.sources)
            if (!policy.configured.empty() && !policy.configured.contains(source))
                plan.unconfigured.insert(source);
    RetentionConfig retention = policy.retention;
    if (!retention.is_set()) retention.keep[static_cast<std::size_t>(Period::last)] = KeepRule{0, kForever};
    for (const Verdict& v :
         judge(facts, retention, TimeZone::find(retention.zone), policy.now, policy.configured))
        plan.snapshots.push_back({v.id, v.keep, v.reason, 0});
    for (const UnreadableSnapshot& u : list.unreadable)
        plan.snapshots.push_back({u.id, !policy.unwanted.contains(u.id), "cannot be read: " + u.why, 0});
    for (const PlannedSnapshot& s : plan.snapshots) {
        if (s.keep && policy.unwanted.contains(s.id))
            throw Error(Kind::refused, "nothing removed: snapshot " + s.id + " has to stay: " + s.reason,
                        "unpin it, or take newer snapshots of its sources first");
        const auto state = trust.find(s.id);
        if (s.keep && state != trust.end() && state->second == "damaged") plan.damaged.push_back(s.id);
    }

    std::vector<RankedSnapshot> ranked;
    for (std::size_t i = 0; i < plan.snapshots.size(); ++i) {
        const PlannedSnapshot& s = plan.snapshots[i];
        const fs::path folder = repository.snapshot(s.id);
        if (policy.unwanted.contains(s.id) && !detail::has_known_needs(folder))
            plan.given_up.insert(s.id);
        else
            ranked.push_back({folder, s.keep ? 0 : static_cast<std::uint32_t>(i + 1)});
    }
    plan.leaving = detail::leaving_trash(repository, policy, plan.clock);
    std::set<std::string> leaves;
    for (const TrashEntry& e : plan.leaving) leaves.insert(e.id);
    const auto last = static_cast<std::uint32_t>(plan.snapshots.size() + 1);
    for (const TrashEntry& e : list_trash(repository))
        if (!leaves.contains(e.id))
            ranked.push_back({e.path(repository), last});
        else if (!e.is_gone && detail::has_known_needs(e.path(repository)))
            ranked.push_back({e.path(repository), last + 1});
    for (const auto& [object, rank] : find_holders(ranked)) {
        struct stat st {};
        if (rank == 0 || rank == last || ::lstat(repository.object(object).c_str(), &st) != 0) continue;
        (rank > last ? plan.leaving_bytes : plan.snapshots[rank - 1].frees_bytes) +=
            static_cast<std::uint64_t>(st.st_size);
    }
    return plan;
}

}  // namespace holdfast::ops
