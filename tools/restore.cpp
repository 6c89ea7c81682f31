// restore - brings a snapshot back: beside the live data, or in its place.
#include "holdfast/ops/restore.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/key_flags.hpp"
#include "holdfast/cli/rebuild_flags.hpp"
#include "holdfast/cli/restore_flags.hpp"
#include "holdfast/cli/restore_report.hpp"
#include "holdfast/cli/signature_report.hpp"
#include "holdfast/cli/snapshot_flags.hpp"
#include "holdfast/cli/tool_main.hpp"
#include "holdfast/ops/restore_stdout.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Restore a snapshot, or parts of it: into a directory, to standard output, or in place.",
                 "restore"};
    cli::CommonFlags flags;
    ops::RestoreOptions options;
    std::string snapshot, target;
    cli::InPlaceFlags in_place;
    cli::KeyFlags key;
    cli::RebuildFlags rebuild;
    bool to_stdout = false, dry_run = false, overwrite = false;
    app.add_option("SNAPSHOT", snapshot,
                   std::string(cli::kSnapshotHelp) + "; after --undo, --resume, --accept a restore's id");
    cli::add_in_place_flags(app, in_place);
    cli::add_choice_flags(app, options.choice);
    auto* target_flag =
        cli::add_text(app, "--target", target, "DIR", "each component is made at DIR/<component name>");
    cli::add_rebuild_flags(app, rebuild, target_flag);
    app.add_flag("--stdout", to_stdout, "write one component to standard output")->excludes(target_flag);
    app.add_flag("--overwrite", overwrite, "replace what is at DIR/<component name>");
    app.add_flag("--dry-run", dry_run, "say what would be restored, write nothing");
    cli::add_key_flags(app, key);
    cli::add_common_flags(app, flags,
                          "  restore latest --target /tmp/look\n"
                          "  restore latest --source lake --path 'option_legs/**' --target /tmp/look\n"
                          "  restore latest:trades --component trades --stdout >trades.db\n"
                          "  restore latest --source trades --in-place\n"
                          "  restore --undo\n"
                          "  restore --from-export exports/ --target new.db\n");
    return cli::tool_main(app, argc, argv, [&] {
        if (!rebuild.from.empty()) {
            cli::check_only(app, "--from-export", {"SNAPSHOT", "--schema", "--target", "--overwrite"});
            return cli::run_rebuild(rebuild, snapshot, target, overwrite, flags);
        }
        cli::check_restore_ways(app, in_place, snapshot, target, to_stdout, overwrite);
        const bool checks = in_place.in_place || in_place.resume;  // which may be commands
        const cli::Environment env =
            cli::load_environment(flags, checks ? cli::Commands::may_run : cli::Commands::never_run);
        const Repository repository = cli::open_repository(env, key);
        const auto in_place_options = cli::in_place_options(in_place, options.choice, env, flags);
        if (in_place.is_about_past())
            return cli::run_about_past(repository, snapshot, in_place, in_place_options, flags);
        const Manifest manifest = cli::one_snapshot(repository, snapshot);
        cli::warn_about(manifest);
        cli::require_signature("restore", repository, manifest, env, flags);
        if (in_place.in_place)
            return cli::run_in_place(repository, manifest, in_place_options, dry_run, flags);
        options.lock_wait = env.config.repository.lock_wait;
        options.target = target;
        if (overwrite) options.existing = ops::RestoreOptions::Existing::replace;
        if (!to_stdout && !flags.quiet) cli::say_restore_leftovers(target);
        if (dry_run) return cli::plan_restore(repository, manifest, options, to_stdout, flags);
        if (to_stdout) {
            ops::restore_to_stdout(
                repository, manifest, options.choice, [](ByteSpan bytes) { cli::print(as_text(bytes)); },
                options.lock_wait);
            return 0;
        }
        options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
        const ops::RestoreReport report = ops::restore(repository, manifest, options);
        cli::print_restore_report(report, flags);
        // With warnings every byte is right, but not every owner or mode.
        return report.warnings.empty() ? 0 : static_cast<int>(Kind::partial);
    });
}
