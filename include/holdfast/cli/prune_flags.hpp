// cli/prune_flags.hpp - what prune is asked to do: at most one thing at a time.
#pragma once

#include <string>
#include <vector>

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/prune_report.hpp"
#include "holdfast/cli/retention_chart.hpp"
#include "holdfast/cli/signature_report.hpp"
#include "holdfast/cli/snapshot_flags.hpp"

namespace holdfast::cli {

struct PruneFlags {
    bool plan = false, dry_run = false, empty_trash = false, damaged_history_is_fine = false;
    std::string apply, undelete, pin, unpin, until, reason, svg, remote;
    std::vector<std::string> forget;
    std::optional<std::chrono::seconds> simulate;
};

inline void add_prune_flags(CLI::App& app, PruneFlags& f) {
    app.add_flag("--plan", f.plan, "print what would be removed, and why, for --apply; remove nothing");
    add_text(app, "--apply", f.apply, "FILE", "remove what this plan removes (- reads standard input)");
    app.add_flag("--dry-run", f.dry_run, "the plan as a table; remove nothing");
    app.add_option("--forget", f.forget,
                   "with what the policy removes, this one too although a rule keeps it; repeatable")
        ->type_name("ID")
        ->expected(1)
        ->take_all();
    app.add_flag("--empty-trash", f.empty_trash,
                 "no grace: what is in the trash, and what this prune removes, is freed now");
    add_text(app, "--undelete", f.undelete, "ID", "bring a snapshot back from the trash, pinned for 30 d");
    add_text(app, "--pin", f.pin, "SNAPSHOT", "keep this one --until then, whatever the policy says");
    add_text(app, "--unpin", f.unpin, "SNAPSHOT", "let the policy decide about it again");
    add_text(app, "--until", f.until, "TIME",
             "of --pin and --undelete: 2027-12-31, 2027-12-31T18:00 (UTC), 30d from now, or forever");
    add_text(app, "--reason", f.reason, "TEXT", "of --pin");
    add_duration(app, "--simulate", f.simulate, "what the policy would hold, day by day, for so long");
    add_text(app, "--svg", f.svg, "FILE", "of --simulate: draw it as well");
    add_text(app, "--remote", f.remote, "NAME",
             "by the policy of this [[remote]]; offsite.sh prune does it, with --repo a copy of its lists");
    app.add_flag(
        "--damaged-history-is-fine", f.damaged_history_is_fine,
        "prune although the ledger is damaged or lost lines: pins and results of verify may be missing from "
        "it; what is lost is not looked for again");
}

/// What does not go together is an error: a prune that ignores half of what it was told would delete too much.
inline void check_prune_flags(const PruneFlags& f) {
    const std::vector<std::pair<const char*, bool>> actions = {{"--plan", f.plan},
                                                               {"--apply", !f.apply.empty()},
                                                               {"--dry-run", f.dry_run},
                                                               {"--undelete", !f.undelete.empty()},
                                                               {"--pin", !f.pin.empty()},
                                                               {"--unpin", !f.unpin.empty()},
                                                               {"--simulate", f.simulate.has_value()}};
    const char* chosen = "";
    for (const auto& [name, is_set] : actions) {
        if (!is_set) continue;
        if (*chosen != '\0')
            throw Error(Kind::usage, std::string(chosen) + " and " + name + " do not go together",
                        "one thing at a time");
        chosen = name;
    }
    const std::string action = chosen;
    const auto belongs = [&](const char* flag, bool is_set, const std::set<std::string>& to) {
        if (is_set && !to.contains(action))
            throw Error(Kind::usage,
                        std::string(flag) + " does not go " + (action.empty() ? "alone" : "with " + action),
                        "see prune --help");
    };
    belongs("--until", !f.until.empty(), {"--pin", "--undelete"});
    belongs("--reason", !f.reason.empty(), {"--pin"});
    belongs("--svg", !f.svg.empty(), {"--simulate"});
    belongs("--forget", !f.forget.empty(), {"", "--plan", "--dry-run", "--apply"});
    belongs("--empty-trash", f.empty_trash, {"", "--plan", "--dry-run", "--apply"});
    if (!f.pin.empty() && f.until.empty())
        throw Error(Kind::usage, "--pin needs --until", "--until 2027-12-31, 30d, or forever");
}

/// "2026-12-31", "2026-12-31T12:00", a duration from now, or "forever". Throws: usage.
inline SystemSeconds parse_until(const std::string& text, SystemSeconds now) {
    if (text == "forever") return *parse_utc("9999-12-31");
    std::optional<SystemSeconds> until = parse_utc(text);
    if (const auto duration = parse_duration(text)) until = now + *duration;
    if (!until)
        throw Error(Kind::usage, "--until " + in_quotes(text) + " is not a time", "write 2027-12-31 or 30d");
    if (*until <= now)
        throw Error(Kind::usage, "--until " + in_quotes(text) + " is past", "--unpin ends a pin");
    return *until;
}

/// Throws: config without rules.
inline void simulate(const Environment& env, const PruneFlags& f, const CommonFlags& flags) {
    const auto days = std::chrono::floor<std::chrono::days>(*f.simulate).count();
    if (days < 1 || days > 7300)
        throw Error(Kind::usage, "--simulate takes 1 d to 20 y", "prune --simulate 2y");
    if (!env.config.retention.is_set())
        throw Error(Kind::config, "there is no policy to simulate", "write a [retention] section");
    SimulatedDays sim{std::chrono::floor<std::chrono::days>(now_utc()), static_cast<std::uint64_t>(days), {}};
    sim.snapshots = simulate_retention(env.config.retention, TimeZone::find(env.config.retention.zone),
                                       sim.first, sim.days);
    if (!f.svg.empty()) publish_file(f.svg, as_bytes(simulation_svg(sim)), 0644);
    if (!flags.quiet)
        say("prune", "note",
            "assumes an empty repository, a full snapshot a day at 02:00 UTC, hourly ones and one a week of "
            "the other types "
            "that have rules of their own");
    if (flags.json) return print_json(simulation_json(sim));
    print(simulation_table(sim).text());
}

/// --pin, --unpin, --undelete: says what it did. Returns the exit code.
inline int change_one(const Repository& repository, const PruneFlags& f, std::chrono::seconds lock_wait) {
    if (!f.unpin.empty()) {
        const std::string id = snapshot_id(repository, f.unpin);
        ops::unpin(repository, id, lock_wait);
        say("prune", "note", "snapshot " + id + " is not pinned any more");
        return 0;
    }
    const SystemSeconds until = parse_until(f.until.empty() ? "30d" : f.until, now_utc());
    if (!f.pin.empty()) {
        const std::string id = snapshot_id(repository, f.pin);
        ops::pin(repository, id, {until, f.reason}, lock_wait);
        say("prune", "note", "snapshot " + id + " is pinned until " + format_utc(until));
        return 0;
    }
    const std::string id = trashed_id(repository, f.undelete);
    const std::vector<Digest> missing = ops::undelete(repository, id, until, lock_wait);
    say("prune", "note", "snapshot " + id + " is back, and pinned until " + format_utc(until));
    if (missing.empty()) return 0;
    say("prune", "warning",
        "it is not whole: " + std::to_string(missing.size()) + " of its objects are missing, the first is " +
            missing.front().hex());
    say("prune", "hint", "verify " + id + " says what is lost; restore --path gets what is not");
    return static_cast<int>(Kind::partial);
}

/// The policy of the repository or, with a name, of that remote. Throws: not_found.
inline const RetentionConfig& retention_of(const Config& config, const std::string& remote) {
    if (remote.empty()) return config.retention;
    if (const RemoteConfig* found = config.find_remote(remote)) return found->retention;
    throw Error(Kind::not_found, "the configuration has no [[remote]] named " + in_quotes(remote),
                "snap --print-config shows those that it has");
}

inline ops::PruneOptions prune_options(const Repository& repository, const Environment& env,
                                       const PruneFlags& f, const CommonFlags& flags) {
    ops::PruneOptions options;
    options.policy.retention = retention_of(env.config, f.remote);
    for (const SourceConfig& source : env.config.sources) options.policy.configured.insert(source.name);
    for (const std::string& name : read_names(f.forget))
        options.policy.unwanted.insert(snapshot_id(repository, name));
    options.policy.signature = signature_rules(env);
    options.policy.now = now_utc();
    options.policy.damaged_history_is_fine = f.damaged_history_is_fine;
    options.policy.empty_trash = f.empty_trash;
    if (!f.apply.empty()) options.policy.approved = read_plan(f.apply);
    options.lock_wait = env.config.repository.lock_wait;
    options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
    if (!options.policy.retention.is_set() && f.forget.empty() && !f.empty_trash &&
        !f.damaged_history_is_fine)
        throw Error(Kind::config,
                    (env.config_file.empty() ? "there is no configuration"
                                             : in_quotes(env.config_file) + " has no policy") +
                        ", so nothing is removed",
                    "write a [retention] section (examples/retention/ has some), or name what to --forget");
    return options;
}

}  // namespace holdfast::cli
