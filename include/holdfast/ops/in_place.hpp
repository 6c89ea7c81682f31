// ops/in_place.hpp - replaces live data by what a snapshot holds, as one transaction.
//
// In this order: every object that is needed is proven; nobody may have the target open; an emergency snapshot of the present
// state; the replacement is made beside the target; its content is checked; renames swap the two. What was there before
// stays in a private folder beside the target, and a journal on the host knows the way back. Until the swap a failure
// leaves everything as it was and nothing behind.
#pragma once

#include "holdfast/ops/check_restored.hpp"
#include "holdfast/ops/hash_objects.hpp"
#include "holdfast/ops/in_place_space.hpp"
#include "holdfast/ops/snap.hpp"
#include "holdfast/wrap/sqlite_overwrite.hpp"

namespace holdfast::ops {

struct Phase {
    std::string name;
    std::chrono::milliseconds took{};
};

struct InPlaceReport {
    RestoreJournal journal;
    std::vector<RestoredComponent> components;
    std::vector<CheckResult> checks;
    std::vector<Phase> phases;
    std::vector<std::string> warnings;  // what could not be set, or could not be checked
    std::vector<std::string> notes;
};

namespace detail {

class InPlaceRun {
public:
    /// The caller holds lock_restores(), and the journal says what is to be done.
    InPlaceRun(const Repository& repository, const Manifest& manifest, const InPlaceOptions& options,
               RestoreJournal journal)
        : repository_(repository), manifest_(manifest), options_(options), progress_(options.show) {
        report.journal = std::move(journal);
        is_half_done_ = report.journal.state != RestoreState::staging;  // resumed
        for (const JournalComponent& c : report.journal.components) chosen_.push_back(manifest.find(c.name));
    }

    void run() {
        const FileLock lock = repository_.lock(LockMode::shared, options_.lock_wait);
        try {
            phase("verify", [&] { verify_objects(); });
            phase("preflight", [&] { preflight(); });
            if (options_.takes_emergency && report.journal.emergency.empty())
                phase("emergency", [&] { take_emergency(); });
            phase("stage", [&] { stage(); });
            phase("check", [&] { check(); });
            phase("swap", [&] { report.journal.is_online ? write_online() : swap(); });
        } catch (...) {
            if (!is_half_done_) give_up();
            throw;
        }
        for (std::size_t i = 0; i < chosen_.size(); ++i)
            report.components[i].has_replaced = report.journal.components[i].replaces_something();
        record_restore(repository_, "restored", report.journal, options_.lock_wait, report.notes);
    }

    /// Looks at the targets. Throws: refused, io.
    void preflight() const {
        for (std::size_t i = 0; i < chosen_.size(); ++i)
            check_replaceable(*chosen_[i], report.journal.components[i].target);
        check_apart(report.journal.components);
        check_staging_space(report.journal.components, chosen_);
        if (report.journal.is_online) return;  // whoever has it open stays connected
        const HeldTargets now(report.journal.components, options_.in_use());
    }

    InPlaceReport report;

private:
    template <class Body>
    void phase(const char* name, Body body) {
        check_interrupted();  // the last time is right before the swap
        const auto begin = std::chrono::steady_clock::now();
        body();
        progress_.finish();
        report.phases.push_back(
            {name, std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin)});
    }

    void verify_objects() {
        std::set<Digest> needed;
        const auto add = [&](const std::vector<Extent>& extents) {
            for (const Extent& e : extents) needed.insert(e.object);
        };
        for (const Component* c : chosen_) {
            add(c->recipe.extents);
            if (c->index) add(c->index->extents);
            const ExtentSource extents = extents_of_component(reader_, *c);
            while (const auto extent = extents()) needed.insert(extent->object);
        }
        HashedObjects hashed;
        progress_.start("verify");
        const std::vector<Digest> names(needed.begin(), needed.end());
        hash_objects(repository_, names, hashed, progress_);
        if (hashed.bad.empty()) return;
        throw Error(Kind::corrupt,
                    "snapshot " + manifest_.id + " cannot be restored: object " + hashed.bad[0].name.hex() +
                        " " + hashed.bad[0].why + "; nothing was changed",
                    "use another snapshot: catalog lists them, verify --all says which are whole");
    }

    void take_emergency() {
        SnapOptions snap_options;
        snap_options.sources = sources_of_targets(report.journal, manifest_, options_.sources);
        if (snap_options.sources.empty()) {
            report.notes.push_back("nothing lies at the target, so there is no emergency snapshot of it");
            return;
        }
        snap_options.type = word_for(SnapshotType::emergency);
        snap_options.level = options_.level;
        snap_options.private_names = options_.private_names;
        snap_options.certificate = options_.certificate;
        snap_options.signing_key = options_.signing_key;
        snap_options.lock_wait = options_.lock_wait;
        snap_options.keep_corrupt = true;  // a damaged database may be all that somebody has
        snap_options.show = options_.show;
        try {
            const SnapReport taken = snap(repository_, std::move(snap_options));
            check_captured(taken.manifest);
            report.journal.emergency = taken.manifest.id;
            report.notes.push_back("emergency snapshot of the present state: " + taken.manifest.id);
        } catch (const Error& e) {
            throw Error(
                e.kind(),
                std::string("the present state could not be captured: ") + e.what() + "; nothing was changed",
                "--no-emergency goes on without; what is replaced is kept beside it all the same");
        }
        write_journal(repository_, report.journal);
    }

    /// snap() keeps what it can read of several; here each must be there.
    void check_captured(const Manifest& emergency) const {
        for (const JournalComponent& c : report.journal.components)
            if (inode_of(c.target) && find_captured(emergency, c.target) == nullptr)
                throw Error(Kind::partial,
                            emergency.missing.empty()
                                ? "snapshot " + emergency.id + " does not hold " + in_quotes(c.target)
                                : in_quotes(c.target) + ": " + emergency.missing[0].reason);
    }

    void stage() {
        std::set<std::string> folders;
        for (std::size_t i = 0; i < chosen_.size(); ++i) {
            const JournalComponent& c = report.journal.components[i];
            if (folders.insert(c.folder().string()).second) make_directory(c.folder());
            RestoredComponent done{c.name, c.target};
            stage_component(reader_, *chosen_[i], {}, c.staged, done, report.warnings, progress_);
            report.components.push_back(done);
        }
        for (const std::string& folder : folders) sync_staged(folder);
    }

    void check() {
        std::string failed;
        for (std::size_t i = 0; i < chosen_.size(); ++i) {
            const JournalComponent& c = report.journal.components[i];
            const auto source = std::find_if(options_.sources.begin(), options_.sources.end(),
                                             [&](const SourceConfig& s) { return s.name == c.source; });
            progress_.start("check " + c.name);
            for (CheckResult& r :
                 check_restored(*chosen_[i], c.staged, source == options_.sources.end() ? nullptr : &*source,
                                manifest_.started, manifest_.id)) {
                const std::string text = r.component + ": " + r.name + ": " + r.detail;
                if (r.state == CheckResult::State::failed && failed.empty()) failed = text;
                if (r.state != CheckResult::State::passed) report.warnings.push_back(text);
                report.checks.push_back(std::move(r));
            }
        }
        if (!failed.empty() && !options_.is_forced)
            throw Error(
                Kind::refused,
                "what snapshot " + manifest_.id + " holds does not pass its check: " + failed +
                    "; nothing was changed",
                "use another snapshot; or look at it with --target; --force restores it all the same");
    }

    void swap() {
        const HeldTargets held(report.journal.components, options_.in_use());
        for (JournalComponent& c : report.journal.components) plan_swap(c);
        enter(RestoreState::swapping);
        const std::vector<Move> moves = all_moves(report.journal.components);
        is_half_done_ = true;
        try {
            for (const Move& move : moves) carry_out(move);
            restore_modes(moves);
            held.check_unused();  // who opened an old one in between would write into it
            for (const JournalComponent& c : report.journal.components)
                bring_left_out(c, report.warnings, report.notes);
        } catch (const Error& e) {
            take_back_swap();
            if (!is_half_done_) throw;
            throw half_done(e, "the restore is half done");
        }
        finish();
    }

    /// As it was before the swap, also if an application opened something meanwhile.
    void take_back_swap() {
        try {
            for (const JournalComponent& c : report.journal.components) undo_swap(c, report.warnings);
        } catch (const Error&) {}
        const std::vector<Move> moves = all_moves(report.journal.components);
        const auto& all = report.journal.components;
        is_half_done_ = std::any_of(moves.begin(), moves.end(), has_happened) ||
                        std::any_of(all.begin(), all.end(), [](const Swap& c) { return c.is_swapped(); });
    }

    void write_online() {
        const JournalComponent& c = report.journal.components.at(0);
        enter(RestoreState::swapping);
        overwrite_database(c.staged, c.target, options_.busy_timeout);
        is_half_done_ = true;
        remove_tree(c.folder());
        finish();
    }

    /// The data is in place; from here nothing is given up any more.
    void finish() {
        try {
            enter(RestoreState::restored);
        } catch (const Error& e) {
            throw half_done(e, "the data is in place, but the journal does not say so");
        }
    }

    Error half_done(const Error& e, const std::string& what) const {
        return Error(e.kind(), std::string(e.what()) + "; " + what,
                     "restore --undo " + report.journal.id + " takes it back, restore --resume " +
                         report.journal.id + " finishes it");
    }

    void enter(RestoreState state) {
        report.journal.state = state;
        write_journal(repository_, report.journal);
    }

    /// Nothing was changed, so nothing stays behind.
    void give_up() noexcept {
        try {
            forget_restore(repository_, report.journal);
        } catch (const std::exception&) {
            report.notes.clear();  // the journal stays: restore --undo tries again
        }
    }

    const Repository& repository_;
    const Manifest& manifest_;
    const InPlaceOptions& options_;
    Progress progress_;
    ObjectReader reader_{repository_};
    std::vector<const Component*> chosen_;
    bool is_half_done_ = false;
};

}  // namespace detail

/// What can be said before anything is made. Throws: not_found, refused, usage, io.
inline RestoreJournal check_in_place(const Repository& repository, const Manifest& manifest,
                                     const InPlaceOptions& options) {
    RestoreJournal journal = plan_in_place(repository, manifest, options);
    detail::check_no_other(repository, journal);
    detail::InPlaceRun(repository, manifest, options, journal).preflight();
    return journal;
}

/// Throws: not_found, refused, corrupt, busy, io. Unless it says otherwise nothing was changed.
inline InPlaceReport restore_in_place(const Repository& repository, const Manifest& manifest,
                                      const InPlaceOptions& options) {
    const FileLock one_at_a_time = lock_restores(repository, options.lock_wait);
    detail::InPlaceRun run(repository, manifest, options, plan_in_place(repository, manifest, options));
    detail::check_no_other(repository, run.report.journal);
    run.report.journal.number = next_number(repository);
    write_journal(repository, run.report.journal);
    run.run();
    return std::move(run.report);
}

}  // namespace holdfast::ops
