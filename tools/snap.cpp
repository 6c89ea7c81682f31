// snap - takes one snapshot and prints its id.
#include "holdfast/ops/snap.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/snap_report.hpp"
#include "holdfast/cli/source_flags.hpp"
#include "holdfast/cli/tool_main.hpp"
#include "holdfast/policy/config_text.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Take one snapshot of the configured sources and print its id.", "snap"};
    cli::CommonFlags flags;
    cli::SourceFlags sources;
    ops::SnapOptions options;
    bool dry_run = false, print_config = false, to_run = false;
    int level = 0;
    cli::add_source_flags(app, sources);
    cli::add_text(app, "--type", options.type, "TYPE",
                  "full, hourly, pre-deployment, manual or emergency (manual)")
        ->check(CLI::IsMember(words_of<SnapshotType>()));
    app.add_option("--level", level, "zstd level, 1 to 19 (from the configuration, else 3)")
        ->check(CLI::Range(kMinLevel, kMaxLevel));
    app.add_flag("--keep-corrupt", options.keep_corrupt,
                 "capture the raw bytes of a database that SQLite calls damaged; still exit 5");
    app.add_flag(
        "--accept-losses", options.accepts_losses,
        "what shrank or is gone since the last good snapshot is meant to be: do not call it suspect");
    app.add_flag("--dry-run", dry_run,
                 "say what would be captured, write nothing; what is missing counts as in the run");
    CLI::Option* print_flag =
        app.add_flag("--print-config", print_config, "print the effective configuration and exit");
    app.add_flag("--trusted", to_run,
                 "--print-config: refuse (10) if it names commands and others may write it")
        ->needs(print_flag);
    cli::add_common_flags(app, flags,
                          "  snap                                    every source of the configuration\n"
                          "  snap trades --type pre-deployment       one source\n"
                          "  snap --repo R --sqlite t.db --tree conf --stdin dump.sql <dump.sql\n");
    return cli::tool_main(app, argc, argv, [&] {
        const bool runs = print_config ? to_run : !dry_run;
        const cli::Environment env =
            cli::load_environment(flags, runs ? cli::Commands::may_run : cli::Commands::never_run);
        if (print_config) {
            cli::print(flags.json ? dump_json(config_to_json(env.config, env.config_file), 2) + "\n"
                                  : config_to_toml(env.config));
            return 0;
        }
        options.sources = cli::select_sources(sources, env);
        options.stdin_name = sources.stdin_name;
        options.level = level != 0 ? level : env.config.repository.level;
        options.private_names = env.config.repository.private_names;
        options.certificate = Digest::parse(env.config.repository.certificate);
        options.signing_key = env.config.repository.signing_key;
        options.lock_wait = env.config.repository.lock_wait;
        options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
        const Repository repository = Repository::open(env.repository());
        if (dry_run) {
            const std::vector<SourceConfig> all = ops::sources_of_run(options);
            const ops::CapturePlan plan = ops::plan_sources(all);
            const int code = ops::foreseen_exit_code(plan);
            cli::print_plan(plan, flags.json);
            return code;
        }
        const ops::SnapReport report = ops::snap(repository, options);
        cli::deliver_snap_report(report, flags);
        return report.exit_code();
    });
}
