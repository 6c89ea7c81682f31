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

struct PruneOptions {
    PrunePolicy policy;
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
    std::vector<std::string> notes;
    std::vector<std::string> failures;  // why something that nobody needs is still there; the first of them
    std::uint64_t failure_count = 0;

    int exit_code() const { return failure_count == 0 ? 0 : static_cast<int>(Kind::io); }
};

namespace detail {

/// One thing that cannot be removed is no reason to leave the rest: the disk may be full.
inline bool remove_or_note(const fs::path& path, PruneReport& report) {
    constexpr std::size_t kNamed = 20;
    const std::error_code error = remove_tree(path);  // what rots may be a folder
    if (!error) return true;
    if (++report.failure_count <= kNamed)
        report.failures.push_back(OsError(error.value(), "remove " + in_quotes(path.string())).what());
    return false;
}

/// Objects (and set-aside ones) that are not in `needed` go.
inline void sweep_objects(const Repository& repository, PruneReport& report, Progress& progress) {
    progress.start("prune");
    const auto is_needed = [&](const Digest& object) {
        const auto at = report.plan.holders.find(object);
        return at != report.plan.holders.end() && at->second.is_needed;
    };
    const auto sweep = [&](const fs::path& folder, bool counts) {
        for (const std::string& name : list_directory(folder)) {
            check_interrupted();
            const auto digest = Digest::parse(std::string_view(name).substr(0, 64));
            if (!digest || is_needed(*digest)) continue;
            const fs::path path = folder / name;
            struct stat st {};
            if (::lstat(path.c_str(), &st) == 0 && !remove_or_note(path, report)) continue;
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

/// A line for each snapshot that is in the trash, or given up, and has none.
inline void record_pruned(const Repository& repository, const PruneReport& report,
                          std::chrono::seconds lock_wait) {
    PrunedSnapshots pruned;
    read_ledger(repository, [&](const LedgerLine& line) { pruned.note(line); });
    std::map<std::string, std::string> reasons;
    for (const TrashEntry& e : report.plan.trash) reasons[e.id];
    for (const std::string& id : report.trashed) reasons[id];
    for (const PlannedSnapshot& s : report.plan.snapshots)
        if (const auto at = reasons.find(s.id); at != reasons.end()) at->second = s.reason;
    for (const std::string& id : report.plan.vanished) reasons[id] = "had vanished";
    std::vector<LedgerWriter::Entry> entries;
    for (const auto& [id, reason] : reasons)
        if (!pruned.contains(id)) entries.push_back({"pruned", id, {{"reason", json_text(reason)}}});
    if (!entries.empty()) LedgerWriter(repository, lock_wait).append(entries);
}

/// Best effort: without it the next verify takes these for somebody else's.
inline void remember_own(const Repository& repository, PruneReport& report) {
    std::vector<std::string> ids = report.trashed;
    ids.insert(ids.end(), report.plan.vanished.begin(), report.plan.vanished.end());
    try {
        OwnPrunes own(repository);
        if (!own.has_begun()) own.begin(repository);
        own.add(ids);
    } catch (const Error& e) {
        report.notes.push_back(std::string("this host's memory of what it pruned was not updated: ") +
                               e.what());
    }
}

/// Everything after the move to the trash. `leaving` cannot come back.
inline void sweep(const Repository& repository, std::vector<TrashEntry>& leaving, const PruneOptions& options,
                  PruneReport& report) {
    std::optional<std::string> unrecorded;  // on a full disk there is no room for a line before the sweep
    const auto record = [&] {
        unrecorded.reset();
        try {
            record_pruned(repository, report, options.lock_wait);
            if (options.policy.damaged_history_is_fine) {
                LedgerWriter(repository, options.lock_wait).accept_losses();
                OwnPrunes(repository).begin(repository);
            }
        } catch (const Error& e) {
            unrecorded = e.what();
        }
    };
    record();
    mark_gone(repository, leaving);
    Progress progress(options.show);
    sweep_objects(repository, report, progress);
    for (const TrashEntry& e : leaving) report.gone.push_back(e.id);
    if (unrecorded) record();
    if (!unrecorded) {  // the history says by now that they were pruned
        for (const TrashEntry& e : leaving) remove_or_note(e.path(repository), report);
        return;
    }
    report.notes.push_back("the ledger was not written, the next prune does it: " + *unrecorded);
    for (const std::string& id : report.plan.vanished)
        report.notes.push_back("that snapshot " + id +
                               " was given up is not recorded either: --forget it again");
}

}  // namespace detail

/// Throws: what plan_prune() throws; busy.
inline PruneReport prune(const Repository& repository, const PruneOptions& options) {
    remove_leftovers(repository);
    const FileLock alone = repository.lock(LockMode::exclusive, options.lock_wait);
    PruneReport report;
    report.plan =
        plan_prune(repository, options.policy);  // all that must stay is known before anything moves
    report.trashed = report.plan.removals();
    report.kept = report.plan.snapshots.size() - report.trashed.size();
    std::vector<TrashEntry> leaving = report.plan.leaving;
    std::set<std::string> leaving_ids;
    for (const TrashEntry& e : leaving) leaving_ids.insert(e.id);
    for (const PlannedSnapshot& s : report.plan.snapshots)
        if (!s.keep && s.skips_trash && leaving_ids.insert(s.id).second)
            leaving.push_back({s.id, options.policy.now, false});

    detail::remember_own(repository, report);
    move_to_trash(repository, report.trashed, options.policy.now);
    try {
        detail::sweep(repository, leaving, options, report);
    } catch (const Error& e) {
        throw Error(e.kind(),
                    std::string(e.what()) + "; " + std::to_string(report.trashed.size()) +
                        " snapshots are in the trash, what is kept is untouched",
                    "when that is mended, prune again: it finishes the work");
    }
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
