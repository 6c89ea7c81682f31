// export - tables of a snapshot or of a live database as CSV, JSON, NDJSON or Parquet.
#include "holdfast/ops/export.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/export_flags.hpp"
#include "holdfast/cli/key_flags.hpp"
#include "holdfast/cli/restore_report.hpp"
#include "holdfast/cli/signature_report.hpp"
#include "holdfast/cli/snapshot_flags.hpp"
#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Export tables of a snapshot, or of a live database, into files of other formats.",
                 "export"};
    cli::CommonFlags flags;
    cli::ExportFlags f;
    cli::KeyFlags key;
    app.add_option("SNAPSHOT", f.snapshot, std::string(cli::kSnapshotHelp) + "; without --db: latest");
    cli::add_export_flags(app, f);
    cli::add_key_flags(app, key);
    cli::add_common_flags(
        app, flags,
        "  holdfast export latest --source trades --format parquet --out exports/\n"
        "  holdfast export --db data/trades.db --table trades --where \"at >= '2026-11-01'\" --out exports/\n"
        "  holdfast export latest --source trades --format csv --table trades --out - | head\n"
        "  holdfast export --db data/trades.db --query 'SELECT code, sum(pnl) FROM trades GROUP BY 1' --out "
        "-\n");
    return cli::tool_main(app, argc, argv, [&] {
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        cli::settle_export_flags(f, flags, env.config.repository.lock_wait);
        if (!f.db.empty()) return cli::export_live(f, flags);
        const Repository repository = cli::open_repository(env, key);
        const Manifest manifest = cli::one_snapshot(repository, f.snapshot.empty() ? "latest" : f.snapshot);
        cli::require_signature("export", repository, manifest, env, flags);
        cli::warn_about(manifest);
        return cli::export_snapshot(repository, manifest, f, flags);
    });
}
