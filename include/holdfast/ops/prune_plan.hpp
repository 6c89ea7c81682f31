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
#include "holdfast/ops/restore_journal.hpp"
#include "holdfast/ops/verify_files.hpp"
#include "holdfast/policy/retention.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::ops {

/// What somebody looked at and agreed to; see PrunePlan.
struct ApprovedPlan {
    std::string repository;
    std::string catalog;
    std::set<std::string> removals;
};

struct PrunePolicy {
    RetentionConfig retention;         // unset: every snapshot is kept
    std::set<std::string> configured;  // sources that are backed up
    std::set<std::string> unwanted;    // ids to remove although the rules keep them
    SignatureRules signature{};
    SystemSeconds now{};
    bool empty_trash = false;  // no grace for anything that is there, or gets there now
    bool damaged_history_is_fine = false;
    std::optional<ApprovedPlan> approved;  // nothing beyond it is removed
};

struct PlannedSnapshot {
    std::string id;
    bool keep = false;
    std::string reason;
    std::uint64_t frees_bytes = 0;  // what goes when this and all older removed ones are gone
    bool skips_trash = false;       // if it is removed: it does not wait for its time of grace
};

/// Who holds an object: the lowest rank of all that do, and whether one of them stays, in snapshots/ or in the trash.
struct Hold {
    std::uint32_t rank = 0;
    bool is_needed = false;
};
using Holders = std::unordered_map<Digest, Hold, DigestHash>;
struct RankedSnapshot {
    fs::path folder;
    Hold hold;
};

struct PrunePlan {
    std::string catalog;                     // digest of the ids that there were
    std::vector<PlannedSnapshot> snapshots;  // newest first
    std::vector<TrashEntry> trash;           // as it is now
    std::vector<TrashEntry> leaving;         // of it: they cannot come back after this
    std::uint64_t leaving_bytes = 0;         // that only they hold
    std::uint64_t trash_bytes = 0;           // that only the trash holds when the plan is carried out
    Holders holders;                         // of every object that a snapshot names
    std::vector<std::string> vanished;       // asked to forget, and gone already
    std::vector<std::string> damaged;        // snapshots that stay, by the ledger
    std::set<std::string> unconfigured;      // sources that nobody backs up: nothing holds back their ages
    SystemSeconds clock{};                   // what grace is counted by

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

namespace detail {

/// Where signatures are required one that is not well signed may be forged: it is no reason to drop any other. Throws: crypto (it
/// cannot be told), io.
inline bool is_well_signed(const Repository& repository, const Manifest& m, const SignatureRules& rules) {
    if (!rules.is_required) return true;
    const SignatureCheck check = check_signature(repository, m.id, rules, m.text_digest);
    if (check.state == Signed::unchecked)
        throw Error(Kind::crypto,
                    "nothing removed: the signature of snapshot " + m.id + " is " + check.text(),
                    "put the key there: gpg --import FILE");
    return check.state == Signed::good;
}

/// By their hidden names all sources look alike, so the only snapshot of one would seem to be old. Throws: crypto.
inline void require_names(const Manifest& m) {
    if (!m.has_hidden_names()) return;
    throw Error(
        Kind::crypto,
        "nothing removed: the names in snapshot " + m.id +
            " are sealed and not in this host's cache, so what it is a snapshot of is not known",
        "prune once with a key, then this host knows them again: --key-file, or gpg with a recipient's key");
}

inline std::vector<SnapshotFacts> read_facts(const Repository& repository,
                                             const std::vector<Manifest>& newest_first,
                                             const std::map<std::string, std::string>& trust,
                                             const PrunePolicy& policy) {
    std::map<std::string, Pin> pins = read_pins(repository);
    for (const auto& [id, restore] : snapshots_of_restores(repository))
        pins[id] = {policy.now + std::chrono::hours{24}, "restore " + restore + " was not accepted yet"};
    std::vector<SnapshotFacts> facts;
    for (const Manifest& m : newest_first) {
        SnapshotFacts s;
        s.id = m.id;
        s.number = m.number;
        s.time = m.started;
        s.type = m.type;
        require_names(m);
        const auto state = trust.find(m.id);
        const bool is_sound = m.suspect.empty() && (state == trust.end() || state->second != "damaged") &&
                              is_well_signed(repository, m, policy.signature);
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
    verify_history(repository, findings, policy.signature);
    for (const Finding& f : findings) {
        if (f.item == "snapshot" && policy.unwanted.contains(f.snapshot)) {
            vanished.push_back(f.snapshot);
        } else if (f.item == "repository" &&
                   std::find(vanished.begin(), vanished.end(), f.snapshot) != vanished.end()) {
            continue;  // the host remembers the newest one, and it is given up
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
inline std::vector<TrashEntry> leaving_trash(const PrunePlan& plan, const PrunePolicy& policy) {
    std::vector<TrashEntry> entries = plan.trash;
    std::erase_if(entries, [&](const TrashEntry& e) {
        return !e.is_gone && !policy.empty_trash && e.since + policy.retention.grace > plan.clock;
    });
    return entries;
}

/// Throws: refused.
inline void check_approved(const Repository& repository, const PrunePlan& plan,
                           const ApprovedPlan& approved) {
    const std::string again = "look at a new one: prune --plan";
    if (approved.repository != repository.id())
        throw Error(Kind::refused, "nothing removed: the plan is for another repository", again);
    if (approved.catalog != plan.catalog)
        throw Error(Kind::refused,
                    "nothing removed: there are other snapshots now than when the plan was made", again);
    std::set<std::string> open = approved.removals;
    for (const PlannedSnapshot& s : plan.snapshots)
        if (open.erase(s.id) != 0 && s.keep)
            throw Error(Kind::refused,
                        "nothing removed: the plan removes " + s.id + ", which is to be kept: " + s.reason,
                        again);
    if (!open.empty())
        throw Error(Kind::refused,
                    "nothing removed: the plan removes " + *open.begin() + ", which does not exist", again);
}

/// A verdict for every snapshot, and what only an approved plan and a request to forget change about it. Throws: refused.
inline void judge_all(const Repository& repository, const SnapshotList& list, const PrunePolicy& policy,
                      const std::map<std::string, std::string>& trust, PrunePlan& plan) {
    const std::vector<SnapshotFacts> facts = read_facts(repository, list.newest_first, trust, policy);
    plan.clock = trusted_now(facts, policy.now);
    for (const SnapshotFacts& s : facts)
        for (const std::string& source : s.sources)
            if (!policy.configured.empty() && !policy.configured.contains(source))
                plan.unconfigured.insert(source);
    RetentionConfig retention = policy.retention;
    if (!retention.is_set()) retention.keep[static_cast<std::size_t>(Period::last)] = KeepRule{0, kForever};
    for (const Verdict& v :
         judge(facts, retention, TimeZone::find(retention.zone), policy.now, policy.configured))
        plan.snapshots.push_back({v.id, v.keep, v.reason});
    for (const UnreadableSnapshot& u : list.unreadable)
        plan.snapshots.push_back({u.id, !policy.unwanted.contains(u.id), "cannot be read: " + u.why});
    for (const PlannedSnapshot& s : plan.snapshots)
        if (s.keep && policy.unwanted.contains(s.id))
            throw Error(Kind::refused, "nothing removed: snapshot " + s.id + " has to stay: " + s.reason,
                        "unpin it, or take newer snapshots of its sources first");
    if (!policy.approved) return;
    check_approved(repository, plan, *policy.approved);
    for (PlannedSnapshot& s : plan.snapshots) {
        if (s.keep || policy.approved->removals.contains(s.id)) continue;
        s.keep = true;
        s.reason = "the plan does not remove it";
    }
}

/// Kept ones have rank 0, removed ones 1 and up, the newest first, the trash comes last. Whose needs cannot be read and
/// who goes for good is left out.
inline std::vector<RankedSnapshot> rank_all(const Repository& repository, const PrunePolicy& policy,
                                            PrunePlan& plan) {
    std::vector<RankedSnapshot> ranked;
    const bool no_grace = policy.empty_trash || policy.retention.grace.count() == 0;
    std::uint32_t rank = 0;
    for (PlannedSnapshot& s : plan.snapshots) {
        ++rank;
        const fs::path folder = repository.snapshot(s.id);
        const bool is_lost = policy.unwanted.contains(s.id) && !has_known_needs(folder);
        s.skips_trash = no_grace || is_lost;
        if (!is_lost) ranked.push_back({folder, {s.keep ? 0 : rank, s.keep || !s.skips_trash}});
    }
    std::set<std::string> leaves;
    for (const TrashEntry& e : plan.leaving) leaves.insert(e.id);
    for (const TrashEntry& e : plan.trash) {
        const bool stays = !leaves.contains(e.id);
        if (stays || (!e.is_gone && has_known_needs(e.path(repository))))
            ranked.push_back({e.path(repository), {stays ? rank + 1 : rank + 2, stays}});
    }
    return ranked;
}

/// Needs the holders.
inline void count_bytes(const Repository& repository, PrunePlan& plan) {
    const std::size_t count = plan.snapshots.size();
    for (const auto& [object, hold] : plan.holders) {
        struct stat st {};
        if (hold.rank == 0 || ::lstat(repository.object(object).c_str(), &st) != 0) continue;
        const auto bytes = static_cast<std::uint64_t>(st.st_size);
        if (hold.is_needed) plan.trash_bytes += bytes;
        if (hold.rank <= count) plan.snapshots[hold.rank - 1].frees_bytes += bytes;
        if (hold.rank == count + 2) plan.leaving_bytes += bytes;
    }
}

}  // namespace detail

/// What the rules say of each snapshot, the newest first, without a look at the objects: what its removal frees is not known.
/// Throws: corrupt (prune would refuse to remove anything), io.
inline std::vector<Verdict> preview_prune(const Repository& repository,
                                          const std::vector<Manifest>& newest_first,
                                          const std::map<std::string, std::string>& trust,
                                          const PrunePolicy& policy) {
    detail::check_history(repository, policy);
    return judge(detail::read_facts(repository, newest_first, trust, policy), policy.retention,
                 TimeZone::find(policy.retention.zone), policy.now, policy.configured);
}

/// Reads the SHA256SUMS of all, on all cores. Memory: some 70 bytes for each object and core. Throws: corrupt, io.
inline Holders find_holders(const std::vector<RankedSnapshot>& snapshots) {
    const auto add = [](Holders& holders, const Digest& object, const Hold& hold) {
        const auto [at, is_new] = holders.try_emplace(object, hold);
        if (is_new) return;
        at->second.rank = std::min(at->second.rank, hold.rank);
        at->second.is_needed = at->second.is_needed || hold.is_needed;
    };
    tbb::enumerable_thread_specific<Holders> parts;
    tbb::parallel_for(std::size_t{0}, snapshots.size(), [&](std::size_t i) {
        check_interrupted();
        Holders& holders = parts.local();
        for (const Digest& object : detail::read_needs(snapshots[i].folder).objects)
            add(holders, object, snapshots[i].hold);
    });
    Holders all;
    for (Holders& part : parts) {
        if (all.size() < part.size()) all.swap(part);
        for (const auto& [object, hold] : part) add(all, object, hold);
    }
    return all;
}

/// Throws: corrupt (a SHA256SUMS or the history), not_found (an unwanted id), refused (one that has to stay, or an
/// approved plan that does not fit any more), io.
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
    detail::judge_all(repository, list, policy, trust, plan);
    for (const PlannedSnapshot& s : plan.snapshots)
        if (const auto state = trust.find(s.id); s.keep && state != trust.end() && state->second == "damaged")
            plan.damaged.push_back(s.id);
    plan.trash = list_trash(repository);
    plan.leaving = detail::leaving_trash(plan, policy);
    plan.holders = find_holders(detail::rank_all(repository, policy, plan));
    detail::count_bytes(repository, plan);
    return plan;
}

}  // namespace holdfast::ops
