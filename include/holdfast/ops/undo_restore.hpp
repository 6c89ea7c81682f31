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

/// The newest restore that is `wanted`; `id` if it is given. Throws: not_found, usage.
template <class IsWanted>
RestoreJournal find_restore(const Repository& repository, const std::string& id, const std::string& doing,
                            IsWanted is_wanted) {
    std::vector<RestoreJournal> journals = list_journals(repository, id);
    if (!id.empty() && journals.size() > 1)
        throw Error(Kind::usage, in_quotes(id) + " is the beginning of several restores",
                    "restore --pending lists them");
    const std::string last =
        journals.empty() || journals.back().state != RestoreState::undone || doing != "to undo"
            ? ""
            : ": the last one, " + journals.back().id + ", is undone already";
    std::erase_if(journals, [&](const RestoreJournal& j) { return !is_wanted(j); });
    if (journals.empty() || !last.empty())  // an older one is undone only by its name
        throw Error(Kind::not_found,
                    "there is no restore " + (id.empty() ? "" : in_quotes(id) + " ") + doing + last,
                    "restore --pending lists those in place that were not accepted yet");
    return journals.back();
}

inline auto is_in(std::initializer_list<RestoreState> states) {
    return [states = std::vector<RestoreState>(states)](const RestoreJournal& j) {
        return std::find(states.begin(), states.end(), j.state) != states.end();
    };
}

/// What is left of one whose removal was interrupted is not put in place.
inline void check_whole(const RestoreJournal& journal) {
    if (is_being_removed(journal))
        throw Error(
            Kind::refused,
            "what restore " + journal.id + " kept was being removed, and is not whole any more" +
                (journal.emergency.empty() ? "" : "; emergency snapshot " + journal.emergency + " has it"),
            "restore --accept " + journal.id + " ends the removal");
}

/// What lies there now came by a later restore, whose kept data is the state before that one.
inline void check_is_last(const Repository& repository, const RestoreJournal& journal) {
    for (const RestoreJournal& later : readable_journals(repository)) {
        if (later.number <= journal.number || later.undoes == journal.id ||
            is_in({RestoreState::staging, RestoreState::undone})(later))
            continue;
        for (const JournalComponent& a : later.components)
            for (const JournalComponent& b : journal.components)
                if (overlap(a.target, b.target))
                    throw Error(Kind::refused,
                                "restore " + later.id + " replaced " + in_quotes(a.target) +
                                    " after restore " + journal.id + "; nothing was changed",
                                "restore --undo " + later.id + " comes first, or --accept " + later.id);
    }
}

/// The undo of an online restore is itself one; interrupted, it begins anew.
inline RestoreJournal without_own_undo(const Repository& repository, RestoreJournal journal) {
    if (journal.undoes.empty()) return journal;
    RestoreJournal undone = read_journal(repository, journal.undoes);
    forget_restore(repository, journal);
    return undone;
}

inline void carry_out_undo(const Repository& repository, RestoreJournal& journal,
                           std::vector<std::string>& warnings) {
    std::vector<std::string> said_later;
    for (const JournalComponent& c : journal.components) plan_undo(c, said_later);  // throws if it cannot be
    journal.state = RestoreState::undoing;
    write_journal(repository, journal);
    for (const JournalComponent& c : journal.components) try {
            undo_swap(c, warnings);
        } catch (const Error& e) {
            throw Error(e.kind(), c.name + ": " + e.what() + "; the undo is not done",
                        e.hint().empty() ? "restore --undo " + journal.id + " goes on" : e.hint());
        }
    journal.state = RestoreState::undone;
    write_journal(repository, journal);
}

/// Of one that was interrupted in the middle: what is not in place yet is as before, then swapped.
inline void carry_out_swaps(const Repository& repository, RestoreJournal& journal,
                            std::vector<std::string>& warnings, std::vector<std::string>& notes) {
    for (const JournalComponent& c : journal.components)
        if (c.is_swapped() && inode_of(c.target) != c.moves.back().inode)
            throw Error(Kind::refused,
                        "what was restored is not at " + in_quotes(c.target) +
                            " any more, somebody else changed it; nothing was changed",
                        "restore --undo " + journal.id + " brings back what was there before");
    for (JournalComponent& c : journal.components) {
        if (c.is_swapped()) continue;
        undo_swap(c, warnings);
        c.moves.clear();
        c.old.reset();
        plan_swap(c);
    }
    write_journal(repository, journal);
    for (const JournalComponent& c : journal.components) try {
            for (const Move& move : c.moves) carry_out(move);
            restore_modes(c.moves);
        } catch (const Error&) {
            if (!c.is_swapped()) undo_swap(c, warnings);
            throw;
        }
    for (const JournalComponent& c : journal.components) bring_left_out(c, warnings, notes);
    journal.state = RestoreState::restored;
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
        const Component* at = find_captured(manifest, c.target);
        if (at == nullptr)
            throw Error(Kind::not_found,
                        "emergency snapshot " + manifest.id + " does not hold " + in_quotes(c.target),
                        "restore an older snapshot: catalog lists them");
        InPlaceOptions options = given;
        options.choice = {{}, {at->name}, {}};
        options.to = c.target;
        options.is_online = true;  // with an emergency snapshot of what applications wrote since
        options.sources.clear();   // the old state need not pass the checks
        RestoreJournal back = plan_in_place(repository, manifest, options);
        back.undoes = journal.id;
        back.number = next_number(repository);
        write_journal(repository, back);
        InPlaceRun run(repository, manifest, options, back);
        try {
            run.run();
        } catch (const Error& e) {
            if (e.kind() != Kind::refused) throw;
            throw Error(e.kind(), e.what(),
                        "stop the applications, then: restore " + manifest.id + " --in-place --component " +
                            at->name + " --to " + in_quotes(c.target));
        }
        forget_restore(repository, run.report.journal);
        report.warnings.insert(report.warnings.end(), run.report.warnings.begin(), run.report.warnings.end());
        report.notes.insert(report.notes.end(), run.report.notes.begin(), run.report.notes.end());
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
    RestoreJournal journal = detail::without_own_undo(
        repository, detail::find_restore(repository, id, "to undo",
                                         detail::is_in({staging, swapping, restored, undoing})));
    UndoReport report;
    if (journal.state == staging ||
        (!journal.is_online && is_being_removed(journal) && has_old_state(journal))) {
        forget_restore(repository, journal);
        report.notes.push_back("restore " + journal.id +
                               " had changed nothing; what it had staged is removed");
        report.journal = std::move(journal);
        report.journal.state = undone;
        return report;
    }
    detail::check_is_last(repository, journal);
    if (journal.is_online) return detail::undo_online(repository, std::move(journal), options);
    {
        detail::check_whole(journal);
        const HeldTargets held(journal.components, options.in_use());
        detail::carry_out_undo(repository, journal, report.warnings);
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
    RestoreJournal journal = detail::find_restore(repository, id, "to resume", [](const RestoreJournal& j) {
        return detail::is_in({staging, swapping, undoing})(j) || !j.undoes.empty();
    });
    InPlaceReport report;
    if (!journal.undoes.empty()) {  // an undo that was interrupted
        UndoReport undo =
            detail::undo_online(repository, detail::without_own_undo(repository, journal), options);
        report.journal = std::move(undo.journal);
        report.warnings = std::move(undo.warnings);
        report.notes = std::move(undo.notes);
        return report;
    }
    if (journal.state == staging || journal.is_online) {
        const Manifest manifest = read_checked_manifest(repository, journal.snapshot);
        for (const JournalComponent& c : journal.components) remove_tree(c.folder());
        if (journal.state != staging) options.takes_emergency = false;  // it would hold what was restored
        for (const JournalComponent& c : journal.components) options.choice.components.push_back(c.name);
        options.is_online = journal.is_online;
        detail::InPlaceRun run(repository, manifest, options, std::move(journal));
        run.run();
        return std::move(run.report);
    }
    detail::check_whole(journal);
    const HeldTargets held(journal.components, options.in_use());
    if (journal.state == undoing)
        detail::carry_out_undo(repository, journal, report.warnings);
    else
        detail::carry_out_swaps(repository, journal, report.warnings, report.notes);
    record_restore(repository, journal.state == undone ? "undone" : "restored", journal, options.lock_wait,
                   report.notes);
    for (const JournalComponent& c : journal.components)
        report.components.push_back({c.name, c.target, 0, 0, true});
    report.journal = std::move(journal);
    return report;
}

/// Removes what is kept for an undo, or after one; forced, also of one that was interrupted. Throws: not_found, io.
inline UndoReport accept_restore(const Repository& repository, const std::string& id,
                                 const InPlaceOptions& options) {
    using enum RestoreState;
    const FileLock one_at_a_time = lock_restores(repository, options.lock_wait);
    UndoReport report;
    report.journal = detail::find_restore(repository, id, "to accept", [&](const RestoreJournal& j) {
        return detail::is_in({restored, undone})(j) || is_being_removed(j) || options.is_forced;
    });
    forget_restore(repository, report.journal);
    return report;
}

}  // namespace holdfast::ops
