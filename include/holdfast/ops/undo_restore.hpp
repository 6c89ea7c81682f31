// ops/undo_restore.hpp - the way back from a restore in place, and out of one that was interrupted.
//
// undo brings the old state back and keeps the restored one aside, for an application may have written to it; resume ends
// what was interrupted; accept gives up what is kept. Each may be interrupted and called again.
#pragma once

#include "holdfast/ops/in_place.hpp"

namespace holdfast::ops {

struct UndoReport {
    RestoreJournal journal;
    std::vector<std::string> warnings;
    std::vector<std::string> notes;
};

namespace detail {

/// The newest restore in one of the states; `id` if it is given. Throws: not_found, usage.
inline RestoreJournal find_restore(const Repository& repository, const std::string& id,
                                   std::initializer_list<RestoreState> states, const std::string& wanted) {
    std::vector<RestoreJournal> journals = list_journals(repository);
    if (!id.empty()) std::erase_if(journals, [&](const RestoreJournal& j) { return !j.id.starts_with(id); });
    if (!id.empty() && journals.size() > 1)
        throw Error(Kind::usage, in_quotes(id) + " is the beginning of several restores",
                    "restore --pending lists them");
    std::erase_if(journals, [&](const RestoreJournal& j) {
        return std::find(states.begin(), states.end(), j.state) == states.end();
    });
    if (journals.empty())
        throw Error(Kind::not_found,
                    "there is no restore " + (id.empty() ? "" : in_quotes(id) + " ") + wanted,
                    "restore --pending lists those in place that were not accepted yet");
    return journals.back();
}

/// What the present sidecars of a database become, so that they are not replayed into another one.
inline void plan_sidecars_away(const JournalComponent& c, std::vector<Move>& out) {
    for (auto suffix = kSqliteSidecars.rbegin(); suffix != kSqliteSidecars.rend(); ++suffix)
        if (inode_of(c.target + *suffix))
            out.push_back(plan_move(c.target + *suffix, free_name(c.staged + ".restored" + *suffix)));
}

/// The moves that give a component its old state again.
inline void plan_undo(JournalComponent& c, std::vector<std::string>& warnings) {
    c.undo.clear();
    const bool is_sqlite = c.kind == "sqlite";
    const bool was_used =
        is_sqlite && !c.is_swapped() && inode_of(c.target) && c.old && stamp_of(c.target) != *c.old;
    if (is_sqlite && c.is_swapped()) plan_sidecars_away(c, c.undo);
    for (auto move = c.moves.rbegin(); move != c.moves.rend(); ++move) {
        if (!has_happened(*move)) continue;
        const bool is_sidecar = is_sqlite && move->from != c.staged && move->from != c.target;
        if (is_sidecar && was_used) {
            warnings.push_back(c.name + ": the old database was written to after the interruption, so " +
                               in_quotes(move->to) + " no longer fits to it and stays where it is");
            continue;
        }
        if (is_sidecar && !c.is_swapped() && inode_of(move->from))  // of whoever opened it in between
            c.undo.push_back(plan_move(move->from, free_name(c.staged + ".stray")));
        c.undo.push_back(reversed(*move));
    }
}

inline void carry_out_undo(const Repository& repository, RestoreJournal& journal) {
    for (const JournalComponent& c : journal.components) carry_out(c.undo);
    journal.state = RestoreState::undone;
    write_journal(repository, journal);
}

/// An online restore left no old file: the emergency snapshot is the old state.
inline UndoReport undo_online(const Repository& repository, RestoreJournal journal,
                              const InPlaceOptions& given) {
    if (journal.emergency.empty())
        throw Error(
            Kind::refused,
            "restore " + journal.id + " was online and without an emergency snapshot: there is no way back",
            "restore an older snapshot: catalog lists them");
    const Manifest manifest = read_checked_manifest(repository, journal.emergency);
    UndoReport report;
    for (const JournalComponent& c : journal.components) {
        const auto at =
            std::find_if(manifest.components.begin(), manifest.components.end(),
                         [&](const Component& e) { return e.path == c.target || e.name == c.name; });
        if (at == manifest.components.end())
            throw Error(Kind::not_found,
                        "emergency snapshot " + manifest.id + " does not hold " + in_quotes(c.target),
                        "restore an older snapshot: catalog lists them");
        InPlaceOptions options = given;
        options.choice = {{}, {at->name}, {}};
        options.to = c.target;
        options.is_online = true;
        options.takes_emergency = false;
        options.sources.clear();  // the old state need not pass the checks
        RestoreJournal back = plan_in_place(repository, manifest, options);
        write_journal(repository, back);
        InPlaceRun run(repository, manifest, options, back);
        run.run();
        forget_restore(repository, run.report.journal);
        report.warnings.insert(report.warnings.end(), run.report.warnings.begin(), run.report.warnings.end());
    }
    journal.state = RestoreState::undone;
    write_journal(repository, journal);
    record_restore(repository, "undone", journal, given.lock_wait, report.notes);
    report.journal = std::move(journal);
    return report;
}

}  // namespace detail

/// Brings the old state back; of one that was interrupted before it changed anything, removes what it left. Throws: not_found,
/// refused (somebody has the target open), io.
inline UndoReport undo_restore(const Repository& repository, const std::string& id,
                               const InPlaceOptions& options) {
    using enum RestoreState;
    const FileLock one_at_a_time = lock_restores(repository, options.lock_wait);
    RestoreJournal journal =
        detail::find_restore(repository, id, {staging, swapping, restored, undoing}, "to undo");
    UndoReport report;
    if (journal.state == staging) {
        forget_restore(repository, journal);
        report.notes.push_back("restore " + journal.id +
                               " had changed nothing; what it had staged is removed");
        report.journal = std::move(journal);
        report.journal.state = undone;
        return report;
    }
    if (journal.is_online) return detail::undo_online(repository, std::move(journal), options);
    {
        const HeldTargets held(journal.components, options.holders());
        if (journal.state != undoing) {
            for (JournalComponent& c : journal.components) detail::plan_undo(c, report.warnings);
            journal.state = undoing;
            write_journal(repository, journal);
        }
        detail::carry_out_undo(repository, journal);
    }
    record_restore(repository, "undone", journal, options.lock_wait, report.notes);
    report.journal = std::move(journal);
    return report;
}

/// Ends what was interrupted: before the swap it begins anew, with the emergency snapshot it has. Throws as restore_in_place().
inline InPlaceReport resume_restore(const Repository& repository, const std::string& id,
                                    InPlaceOptions options) {
    using enum RestoreState;
    const FileLock one_at_a_time = lock_restores(repository, options.lock_wait);
    RestoreJournal journal = detail::find_restore(repository, id, {staging, swapping, undoing}, "to resume");
    InPlaceReport report;
    if (journal.state == staging || journal.is_online) {
        const Manifest manifest = read_checked_manifest(repository, journal.snapshot);
        for (const JournalComponent& c : journal.components) remove_tree(c.folder());
        for (const JournalComponent& c : journal.components) options.choice.components.push_back(c.name);
        options.is_online = journal.is_online;
        detail::InPlaceRun run(repository, manifest, options, std::move(journal));
        run.run();
        return std::move(run.report);
    }
    const HeldTargets held(journal.components, options.holders());
    if (journal.state == undoing) {
        detail::carry_out_undo(repository, journal);
    } else {
        for (JournalComponent& c : journal.components) {
            if (c.is_swapped()) continue;
            // What was moved already stays known for the undo; what lies there now is planned anew.
            std::erase_if(c.moves, [](const Move& m) { return !has_happened(m); });
            plan_swap(c);
        }
        write_journal(repository, journal);
        for (const JournalComponent& c : journal.components) carry_out(c.moves);
        journal.state = restored;
        write_journal(repository, journal);
    }
    record_restore(repository, journal.state == undone ? "undone" : "restored", journal, options.lock_wait,
                   report.notes);
    for (const JournalComponent& c : journal.components)
        report.components.push_back({c.name, c.target, 0, 0, true});
    report.journal = std::move(journal);
    return report;
}

/// Removes what is kept for an undo, or after one. Throws: not_found, io.
inline UndoReport accept_restore(const Repository& repository, const std::string& id,
                                 std::chrono::seconds wait) {
    using enum RestoreState;
    const FileLock one_at_a_time = lock_restores(repository, wait);
    UndoReport report;
    report.journal = detail::find_restore(repository, id, {restored, undone}, "to accept");
    forget_restore(repository, report.journal);
    return report;
}

}  // namespace holdfast::ops
