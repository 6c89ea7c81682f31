// ops/prune.hpp - removes snapshots that the policy does not keep, and objects that nobody needs.
//
// It only moves and deletes, so it works on a full disk and cannot damage what it keeps. The order makes it safe to stop
// at any instant: snapshots move to trash/ and that is durable; those whose time of grace is over are marked gone;
// then the objects that no other SHA256SUMS names are removed; the folders of the gone go last. The repository is held
// exclusively throughout, so no snap can rely on an object that is about to go.
#pragma once

#include "holdfast/base/progress.hpp"
#include "holdfast/ops/leftovers.hpp"
#include "holdfast/ops/prune_plan.hpp"

namespace holdfast::ops {

/// What somebody looked at and agreed to; see PrunePlan.
struct ApprovedPlan {
    std::string repository;
    std::string catalog;
    std::set<std::string> removals;
};

struct PruneOptions {
    PrunePolicy policy;
    std::optional<ApprovedPlan> approved;
    std::chrono::seconds lock_wait{600};
    Progress::Show show = Progress::Show::never;
};

struct PruneReport {
    PrunePlan plan;
    std::vector<std::string> trashed;  // ids moved to trash/
    std::vector<std::string> gone;     // ids that left the trash
    std::uint64_t kept = 0;
    std::uint64_t objects = 0;      // removed
    std::uint64_t freed_bytes = 0;  // of objects
    std::uint64_t trash_bytes = 0;  // that emptying the trash would free
    std::vector<std::string> notes;
};

namespace detail {

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

/// Objects (and set-aside ones) that are not in `needed` go.
inline void sweep_objects(const Repository& repository, const Holders& needed, PruneReport& report,
                          Progress& progress) {
    progress.start("prune");
    const auto sweep = [&](const fs::path& folder, bool counts) {
        for (const std::string& name : list_directory(folder)) {
            check_interrupted();
            const auto digest = Digest::parse(std::string_view(name).substr(0, 64));
            if (!digest || needed.contains(*digest)) continue;
            const fs::path path = folder / name;
            struct stat st {};
            std::error_code error;
            if (::lstat(path.c_str(), &st) == 0) fs::remove_all(path, error);  // what rots may be a folder
            if (error) throw OsError(error.value(), "remove '" + path.string() + "'");
            const auto bytes = static_cast<std::uint64_t>(st.st_size);
            report.freed_bytes += bytes;
            report.objects += counts ? 1 : 0;
            progress.add(bytes);
        }
    };
    const fs::path objects = repository.root() / "objects";
    for (const std::string& folder : list_directory(objects))
        if (folder.size() == 2 && fs::is_directory(objects / folder)) sweep(objects / folder, true);
    if (fs::is_directory(repository.quarantine())) sweep(repository.quarantine(), false);
}

/// A line for each snapshot in the trash that has none.
inline void record_pruned(const Repository& repository, const PrunePlan& plan,
                          std::chrono::seconds lock_wait) {
    PrunedSnapshots pruned(repository);
    read_ledger(repository, [&](const LedgerLine& line) { pruned.note(line); });
    std::map<std::string, std::string> reasons;
    for (const PlannedSnapshot& s : plan.snapshots) reasons[s.id] = s.reason;
    std::vector<LedgerWriter::Entry> entries;
    for (const TrashEntry& e : list_trash(repository))
        if (!pruned.is_recorded(e.id))
            entries.push_back({"pruned", e.id, {{"reason", json_text(reasons[e.id])}}});
    if (!entries.empty()) LedgerWriter(repository, lock_wait).append(entries);
}

/// The last step: the history says by now that they were pruned.
inline void remove_folders(const Repository& repository, const std::vector<TrashEntry>& gone) {
    for (const TrashEntry& e : gone) {
        std::error_code error;
        fs::remove_all(e.path(repository), error);
        if (error) throw OsError(error.value(), "remove '" + e.path(repository).string() + "'");
    }
}

}  // namespace detail

/// Throws: what plan_prune() throws; busy; refused (an approved plan that does not fit any more).
inline PruneReport prune(const Repository& repository, const PruneOptions& options) {
    remove_leftovers(repository);
    const FileLock alone = repository.lock(LockMode::exclusive, options.lock_wait);
    PruneReport report;
    report.plan = plan_prune(repository, options.policy);
    report.trashed = report.plan.removals();
    if (options.approved) {
        detail::check_approved(repository, report.plan, *options.approved);
        std::erase_if(report.trashed,
                      [&](const std::string& id) { return !options.approved->removals.contains(id); });
    }
    report.kept = report.plan.snapshots.size() - report.trashed.size();

    std::vector<TrashEntry> leaving = report.plan.leaving;
    std::set<std::string> leaving_ids;
    for (const TrashEntry& e : leaving) leaving_ids.insert(e.id);
    for (const std::string& id : report.trashed)
        if ((options.policy.empty_trash || options.policy.retention.grace.count() == 0 ||
             report.plan.given_up.contains(id)) &&
            leaving_ids.insert(id).second)
            leaving.push_back({id, options.policy.now, false});

    // Everything that must stay is known before anything moves. Rank 1: held by the trash only.
    std::set<std::string> moving(report.trashed.begin(), report.trashed.end());
    std::vector<RankedSnapshot> needed_by;
    for (const PlannedSnapshot& s : report.plan.snapshots)
        if (!moving.contains(s.id)) needed_by.push_back({repository.snapshot(s.id), 0});
    for (const std::string& id : report.trashed)
        if (!leaving_ids.contains(id)) needed_by.push_back({repository.snapshot(id), 1});
    for (const TrashEntry& e : list_trash(repository))
        if (!leaving_ids.contains(e.id)) needed_by.push_back({e.path(repository), 1});
    const Holders needed = find_holders(needed_by);
    for (const auto& [object, rank] : needed) {
        struct stat st {};
        if (rank == 1 && ::lstat(repository.object(object).c_str(), &st) == 0)
            report.trash_bytes += static_cast<std::uint64_t>(st.st_size);
    }

    move_to_trash(repository, report.trashed, options.policy.now);
    for (const std::string& id : report.plan.vanished)
        LedgerWriter(repository, options.lock_wait).append("pruned", id, {{"reason", "had vanished"}});
    std::optional<std::string> unrecorded;  // on a full disk there is no room for a line before the sweep
    const auto record = [&] {
        unrecorded.reset();
        try {
            detail::record_pruned(repository, report.plan, options.lock_wait);
        } catch (const Error& e) {
            unrecorded = e.what();
        }
    };
    record();
    try {
        mark_gone(repository, leaving);
        Progress progress(options.show);
        detail::sweep_objects(repository, needed, report, progress);
        for (const TrashEntry& e : leaving) report.gone.push_back(e.id);
        if (unrecorded) record();
        if (!unrecorded) detail::remove_folders(repository, leaving);
    } catch (const Error& e) {
        throw Error(e.kind(),
                    std::string(e.what()) + "; " + std::to_string(report.trashed.size()) +
                        " snapshots are in the trash, what is kept is untouched",
                    "when that is mended, prune again: it finishes the work");
    }
    if (unrecorded)
        report.notes.push_back("the ledger was not written, the next prune does it: " + *unrecorded);
    return report;
}

/// Brings a snapshot back from the trash, pinned until `until`, or the next prune would take it again. Returns the objects
/// that it needs and that are not there: damage set them aside. Throws: not_found, refused (past coming back), busy, io.
inline std::vector<Digest> undelete(const Repository& repository, const std::string& id, SystemSeconds until,
                                    std::chrono::seconds lock_wait) {
    const FileLock alone = repository.lock(LockMode::exclusive, lock_wait);
    for (const TrashEntry& e : list_trash(repository)) {
        if (e.id != id) continue;
        if (e.is_gone)
            throw Error(Kind::refused, "snapshot " + id + " cannot come back: its objects are being removed",
                        "another copy of the repository may have it");
        std::vector<Digest> missing;
        for (const Digest& name : read_checksums(e.path(repository) / "SHA256SUMS").objects) {
            struct stat st {};
            if (::lstat(repository.object(name).c_str(), &st) != 0) missing.push_back(name);
        }
        rename_path(e.path(repository), repository.snapshot(id));
        sync_directory(repository.snapshots());
        sync_directory(repository.trash());
        LedgerWriter(repository, lock_wait)
            .append({{"undeleted", id},
                     {"pinned", id, {{"until_utc", format_utc(until)}, {"reason", "undeleted"}}}});
        return missing;
    }
    throw Error(Kind::not_found, "snapshot " + id + " is not in the trash", "catalog trash lists what is");
}

}  // namespace holdfast::ops
