// cli/drill_flags.hpp - what drill is to do, from its command line and the configuration.
#pragma once

#include "holdfast/base/clock.hpp"
#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/cli/snapshot_flags.hpp"
#include "holdfast/ops/drill.hpp"

namespace holdfast::cli {

struct DrillFlags {
    std::string snapshot, scratch, report_dir, originals;
    std::vector<std::string> sources;
    bool oldest = false, random = false, keep = false, stock_tools = false, dry_run = false;
};

inline void add_drill_flags(CLI::App& app, DrillFlags& flags) {
    auto* snapshot =
        app.add_option("SNAPSHOT", flags.snapshot, std::string(kSnapshotHelp) + " (newest of each source)");
    auto* oldest =
        app.add_flag("--oldest", flags.oldest, "the oldest snapshot of each source, emergency ones aside")
            ->excludes(snapshot);
    app.add_flag("--random", flags.random, "any snapshot of each source")
        ->excludes(snapshot)
        ->excludes(oldest);
    app.add_option("--source", flags.sources, "only this source; repeatable")
        ->type_name("NAME")
        ->expected(1)
        ->take_all();
    add_text(app, "--scratch", flags.scratch, "DIR",
             "restore below DIR (drill.scratch, else beside the repository, or in this host's cache if that "
             "is sealed)");
    add_text(app, "--report-dir", flags.report_dir, "DIR",
             "where the record goes (drill.report_dir, else the log folder)");
    add_text(app, "--compare", flags.originals, "DIR",
             "what was restored must be the same as DIR/<component>");
    app.add_flag("--stock-tools", flags.stock_tools, "restore with the repository's recover.sh alone");
    app.add_flag("--keep", flags.keep, "leave what was restored in the scratch folder");
    app.add_flag("--dry-run", flags.dry_run, "say what would be restored, write nothing");
}

/// Throws: what finding a snapshot by its name throws.
inline ops::DrillOptions drill_options(const DrillFlags& flags, const Environment& env,
                                       const Repository& repository) {
    using Pick = ops::DrillOptions::Pick;
    ops::DrillOptions options;
    options.pick = flags.oldest ? Pick::oldest : flags.random ? Pick::random : Pick::newest;
    if (!flags.snapshot.empty()) {
        const std::vector<std::string> names = read_names({flags.snapshot});
        if (names.size() != 1) throw Error(Kind::usage, "one snapshot is expected", "name one");
        options.pick = Pick::named;
        options.name = snapshot_id(repository, names[0]);
    }
    options.sources = flags.sources;
    options.configured = env.config.sources;
    options.config = env.config.drill;
    options.scratch = flags.scratch;
    options.originals = flags.originals;
    options.keep = flags.keep;
    options.with_stock_tools = flags.stock_tools;
    options.lock_wait = env.config.repository.lock_wait;
    options.now = now_utc();
    return options;
}

inline Table drill_plan_table(const std::vector<ops::PlannedDrill>& plan) {
    Table table({{"SOURCE"}, {"SNAPSHOT"}, {"SIZE", Align::right}, {"TROUBLE"}});
    for (const ops::PlannedDrill& p : plan)
        table.add({p.source, p.snapshot.empty() ? "-" : p.snapshot, format_bytes(p.bytes), p.trouble});
    return table;
}

}  // namespace holdfast::cli
