// cli/prune_flags.hpp - what prune is asked to do: at most one thing at a time.
#pragma once

#include <string>
#include <vector>

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/prune_report.hpp"
#include "holdfast/cli/retention_chart.hpp"
#include "holdfast/cli/snapshot_flags.hpp"

namespace holdfast::cli {

struct PruneFlags {
    bool plan = false, dry_run = false, empty_trash = false, damaged_ledger_is_fine = false;
    std::string apply, undelete, pin, unpin, until, reason, svg;
    std::vector<std::string> forget;
    std::optional<std::chrono::seconds> simulate;
};

inline void add_prune_flags(CLI::App& app, PruneFlags& f) {
    std::vector<CLI::Option*> actions = {
        app.add_flag("--plan", f.plan, "print what would be removed, and why, for --apply; remove nothing"),
        add_text(app, "--apply", f.apply, "FILE", "remove what this plan removes (- reads standard input)"),
        app.add_flag("--dry-run", f.dry_run, "the plan as a table; remove nothing"),
        add_text(app, "--undelete", f.undelete, "ID",
                 "bring a snapshot back from the trash, pinned for 30 d"),
        add_text(app, "--pin", f.pin, "SNAPSHOT", "keep this one --until then, whatever the policy says"),
        add_text(app, "--unpin", f.unpin, "SNAPSHOT", "let the policy decide about it again")};
    add_duration(app, "--simulate", f.simulate, "what the policy would hold, day by day, for so long");
    actions.push_back(app.get_option("--simulate"));
    for (std::size_t i = 0; i < actions.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) actions[i]->excludes(actions[j]);
    app.add_option("--forget", f.forget, "remove this snapshot although the policy keeps it; repeatable")
        ->type_name("ID")
        ->expected(1)
        ->take_all();
    app.add_flag("--empty-trash", f.empty_trash, "free what pruned snapshots hold now, without grace");
    add_text(app, "--until", f.until, "TIME",
             "of --pin and --undelete: a day, a time (UTC), or 30d from now");
    add_text(app, "--reason", f.reason, "TEXT", "of --pin");
    add_text(app, "--svg", f.svg, "FILE", "of --simulate: draw it as well")
        ->needs(app.get_option("--simulate"));
    app.add_flag("--damaged-ledger-is-fine", f.damaged_ledger_is_fine,
                 "prune although pins and results of verify may be missing from the ledger");
}

/// "2026-12-31", "2026-12-31T12:00" or a duration from now. Throws: usage.
inline SystemSeconds parse_until(const std::string& text, SystemSeconds now) {
    if (const auto at = parse_utc(text)) return *at;
    if (const auto duration = parse_duration(text)) return now + *duration;
    throw Error(Kind::usage, "--until " + in_quotes(text) + " is not a time", "write 2026-12-31 or 30d");
}

/// Throws: config without rules.
inline void simulate(const Environment& env, const PruneFlags& f, const CommonFlags& flags) {
    const auto days = std::chrono::floor<std::chrono::days>(*f.simulate).count();
    if (days < 1 || days > 36500)
        throw Error(Kind::usage, "--simulate takes 1 d to 100 y", "prune --simulate 2y");
    if (!env.config.retention.is_set())
        throw Error(Kind::config, "there is no policy to simulate", "write a [retention] section");
    SimulatedDays sim{std::chrono::floor<std::chrono::days>(now_utc()), static_cast<std::uint64_t>(days), {}};
    sim.snapshots = simulate_retention(env.config.retention, TimeZone::find(env.config.retention.zone),
                                       sim.first, sim.days);
    if (!f.svg.empty()) publish_file(f.svg, as_bytes(simulation_svg(sim)), 0644);
    if (flags.json) return print_json(simulation_json(sim));
    print(simulation_table(sim).text());
}

inline ops::PruneOptions prune_options(const Repository& repository, const Environment& env,
                                       const PruneFlags& f, const CommonFlags& flags) {
    ops::PruneOptions options;
    options.policy.retention = env.config.retention;
    for (const SourceConfig& source : env.config.sources) options.policy.configured.insert(source.name);
    for (const std::string& name : read_names(f.forget))
        options.policy.unwanted.insert(snapshot_id(repository, name));
    options.policy.now = now_utc();
    options.policy.damaged_ledger_is_fine = f.damaged_ledger_is_fine;
    if (!f.apply.empty()) options.approved = read_plan(f.apply);
    options.empty_trash = f.empty_trash;
    options.lock_wait = env.config.repository.lock_wait;
    options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
    if (!options.policy.retention.is_set() && f.forget.empty() && !f.empty_trash)
        throw Error(Kind::config, "there is no policy, so nothing was removed",
                    "write a [retention] section (examples/retention/ has some), or name what to --forget");
    return options;
}

}  // namespace holdfast::cli
