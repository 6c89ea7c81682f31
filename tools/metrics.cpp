// metrics - remembers how runs of backup.sh went, and tells Prometheus.
#include "holdfast/cli/health_report.hpp"

#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Record a run of backup.sh, and write the metrics file for Prometheus (health.metrics).",
                 "metrics"};
    cli::CommonFlags flags;
    BackupRun run;
    std::uint32_t seconds = 0;
    app.require_subcommand(1);
    app.fallthrough();
    CLI::App* begin = app.add_subcommand("begin", "note that a run begins");
    CLI::App* record =
        app.add_subcommand("record", "note how a run ended; both write the file (health.metrics)");
    record->add_option("--code", run.code, "its exit code")->required()->check(CLI::Range(0, 255));
    cli::add_text(*record, "--type", run.type, "TYPE", "of the snapshot")
        ->required()
        ->check(CLI::IsMember(words_of<SnapshotType>()));
    record->add_option("--seconds", seconds, "how long it took")->required();
    cli::add_text(*record, "--snapshot", run.snapshot, "ID", "the snapshot that it took, if any");
    app.add_subcommand("show", "print the metrics");
    cli::add_common_flags(app, flags,
                          "  metrics record --type full --code 0 --seconds 245 --snapshot ID\n"
                          "  metrics show\n");
    return cli::tool_main(app, argc, argv, [&] {
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        ops::HealthContext context(cli::health_options(env));
        run.ended = context.options.now;
        run.took = std::chrono::seconds{seconds};
        if (begin->parsed())
            return ops::record_metrics(context, [&](RunHistory& history) { history.began = run.ended; });
        if (record->parsed())
            return ops::record_metrics(context, [&](RunHistory& history) { history.add(run); });
        const auto all = [](const ops::HealthCheck&) { return true; };
        cli::print(ops::metrics_text(context, ops::run_health_checks(context, all)));
    });
}
