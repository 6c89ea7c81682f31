// cli/restore_flags.hpp - which components restore is about, --in-place, and the verbs about what it did.
#pragma once

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/in_place_report.hpp"
#include "holdfast/cli/restore_report.hpp"
#include "holdfast/ops/undo_restore.hpp"

namespace holdfast::cli {

struct InPlaceFlags {
    bool in_place = false, online = false, force = false, no_emergency = false;
    bool undo = false, resume = false, accept = false, pending = false;
    std::string to;

    /// About a restore that was, not about a snapshot.
    bool is_about_past() const { return undo || resume || accept || pending; }
};

inline void add_choice_flags(CLI::App& app, ops::ComponentChoice& choice) {
    const auto add = [&](const char* name, std::vector<std::string>& out, const char* type,
                         const char* help) {
        app.add_option(name, out, help)->type_name(type)->expected(1)->take_all();
    };
    add("--source", choice.sources, "NAME", "only components of this source; repeatable");
    add("--component", choice.components, "NAME", "only this component; repeatable");
    add("--path", choice.globs, "GLOB", "only these paths inside trees; repeatable");
}

inline void add_in_place_flags(CLI::App& app, InPlaceFlags& f) {
    CLI::Option* in_place =
        app.add_flag("--in-place", f.in_place, "replace the live data: proven, checked, swapped, undoable");
    add_text(app, "--to", f.to, "PATH", "what to replace, instead of the place that the component is from")
        ->needs(in_place);
    app.add_flag("--online", f.online,
                 "rewrite a live database in a transaction; applications stay connected")
        ->needs(in_place);
    app.add_flag("--no-emergency", f.no_emergency, "take no snapshot of what is replaced");
    app.add_flag("--force", f.force,
                 "although somebody has the target open, a check fails, or what is accepted was interrupted");
    std::vector<CLI::Option*> verbs = {
        app.add_flag("--undo", f.undo,
                     "bring back what the last restore in place (or the named one) replaced"),
        app.add_flag("--resume", f.resume, "finish a restore in place that was interrupted"),
        app.add_flag("--accept", f.accept, "remove the old state that is kept for --undo"),
        app.add_flag("--pending", f.pending,
                     "list restores in place that can be undone or were interrupted")};
    for (CLI::Option* a : verbs) {
        a->excludes(in_place);
        for (CLI::Option* b : verbs)
            if (a != b) a->excludes(b);
    }
}

inline ops::InPlaceOptions in_place_options(const InPlaceFlags& f, const ops::ComponentChoice& choice,
                                            const Environment& env, const CommonFlags& flags) {
    ops::InPlaceOptions out;
    out.choice = choice;
    out.to = f.to;
    out.is_online = f.online;
    out.is_forced = f.force;
    out.takes_emergency = !f.no_emergency;
    out.sources = env.config.sources;
    out.level = env.config.repository.level;
    out.private_names = env.config.repository.private_names;
    out.certificate = Digest::parse(env.config.repository.certificate);
    out.signing_key = env.config.repository.signing_key;
    out.lock_wait = env.config.repository.lock_wait;
    out.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
    return out;
}

/// What was given and has no meaning beside `way` is not ignored. Throws: usage.
inline void check_only(const CLI::App& app, const std::string& way, std::vector<std::string> meant) {
    for (const char* any : {"--config", "--repo", "--json", "--quiet", "--verbose", "--lock-wait"})
        meant.emplace_back(any);
    for (const CLI::Option* option : app.get_options()) {
        const std::string name = option->get_name();
        if (option->count() > 0 && name != way && std::find(meant.begin(), meant.end(), name) == meant.end())
            throw Error(Kind::usage, name + " means nothing with " + way + "; nothing was done",
                        "leave it out; see restore --help");
    }
}

/// Throws: usage.
inline void check_verb(const CLI::App& app, const InPlaceFlags& f) {
    if (f.pending) return check_only(app, "--pending", {"--key-file"});
    if (f.accept) return check_only(app, "--accept", {"SNAPSHOT", "--key-file", "--force"});
    check_only(app, f.undo ? "--undo" : "--resume", {"SNAPSHOT", "--key-file", "--force", "--no-emergency"});
}

/// Exactly one way, and what it needs. Throws: usage.
inline void check_restore_ways(const CLI::App& app, const InPlaceFlags& f, const std::string& snapshot,
                               const std::string& target, bool to_stdout, bool overwrite) {
    if (f.is_about_past()) return check_verb(app, f);
    if (f.no_emergency && !f.in_place)
        throw Error(Kind::usage, "--no-emergency is about --in-place, --undo and --resume");
    if (snapshot.empty())
        throw Error(Kind::usage, "SNAPSHOT is required", "see restore --help; catalog lists them");
    const int ways = (target.empty() ? 0 : 1) + (to_stdout ? 1 : 0) + (f.in_place ? 1 : 0);
    if (ways == 0)
        throw Error(Kind::usage, "--target, --stdout or --in-place is required",
                    "restore latest --target DIR");
    if (ways > 1 || (f.in_place && overwrite))
        throw Error(
            Kind::usage,
            "--target, --stdout and --in-place exclude each other, and so do --in-place and --overwrite",
            "say only where it goes");
}

/// Returns the exit code.
inline int run_in_place(const Repository& repository, const Manifest& manifest,
                        const ops::InPlaceOptions& options, bool dry_run, const CommonFlags& flags) {
    if (!dry_run) return print_in_place_report(ops::restore_in_place(repository, manifest, options), flags);
    const ops::RestoreJournal plan = ops::check_in_place(repository, manifest, options);
    const std::string lack =
        options.takes_emergency ? ops::lack_of_emergency_space(repository, manifest, plan) : "";
    print_in_place_plan(manifest, plan, lack, flags);
    return 0;
}

/// --undo, --resume, --accept, --pending; `id` may be empty. Returns the exit code.
inline int run_about_past(const Repository& repository, const std::string& id, const InPlaceFlags& f,
                          const ops::InPlaceOptions& options, const CommonFlags& flags) {
    if (f.pending) return print_pending(repository, flags);
    if (f.undo) return print_undo_report(ops::undo_restore(repository, id, options), "undone", flags);
    if (f.accept) return print_undo_report(ops::accept_restore(repository, id, options), "accepted", flags);
    return print_in_place_report(ops::resume_restore(repository, id, options), flags);
}

}  // namespace holdfast::cli
