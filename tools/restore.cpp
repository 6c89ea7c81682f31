// restore - brings a snapshot back beside the live data.
#include "holdfast/ops/restore.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/restore_report.hpp"
#include "holdfast/cli/snapshot_flags.hpp"
#include "holdfast/cli/tool_main.hpp"
#include "holdfast/ops/restore_stdout.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Restore a snapshot, or parts of it, into a directory or to standard output.", "restore"};
    cli::CommonFlags flags;
    ops::RestoreOptions options;
    std::string snapshot, target;
    bool to_stdout = false, dry_run = false, overwrite = false;
    app.add_option("SNAPSHOT", snapshot, cli::kSnapshotHelp)->required();
    app.add_option("--source", options.choice.sources, "only components of this source; repeatable")
        ->type_name("NAME")
        ->expected(1)
        ->take_all();
    app.add_option("--component", options.choice.components, "only this component; repeatable")
        ->type_name("NAME")
        ->expected(1)
        ->take_all();
    app.add_option("--path", options.choice.globs, "only these paths inside trees; repeatable")
        ->type_name("GLOB")
        ->expected(1)
        ->take_all();
    auto* target_flag =
        cli::add_text(app, "--target", target, "DIR", "each component is made at DIR/<component name>");
    app.add_flag("--stdout", to_stdout, "write one component to standard output")->excludes(target_flag);
    app.add_flag("--overwrite", overwrite, "replace what is at DIR/<component name>");
    app.add_flag("--dry-run", dry_run, "say what would be restored, write nothing");
    cli::add_common_flags(app, flags,
                          "  restore latest --target /tmp/look\n"
                          "  restore latest --source lake --path 'option_legs/**' --target /tmp/look\n"
                          "  restore latest:trades --component trades --stdout >trades.db\n");
    return cli::tool_main(app, argc, argv, [&] {
        if (!to_stdout && target.empty())
            throw Error(Kind::usage, "--target or --stdout is required", "restore latest --target DIR");
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        const Repository repository = Repository::open(env.repository());
        const Manifest manifest = cli::one_snapshot(repository, snapshot);
        cli::warn_about(manifest);
        options.lock_wait = env.config.repository.lock_wait;
        options.target = target;
        options.existing =
            overwrite ? ops::RestoreOptions::Existing::replace : ops::RestoreOptions::Existing::refuse;
        if (!to_stdout && !flags.quiet) cli::say_restore_leftovers(target);
        if (dry_run) {
            if (!to_stdout)
                ops::check_restore(repository, ops::choose_components(manifest, options.choice), options);
            cli::print_restore_plan(manifest, options.choice, target, flags);
            return 0;
        }
        if (to_stdout) {
            ops::restore_to_stdout(
                repository, manifest, options.choice, [](ByteSpan bytes) { cli::print(as_text(bytes)); },
                options.lock_wait);
            return 0;
        }
        options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
        const ops::RestoreReport report = ops::restore(repository, manifest, options);
        cli::print_restore_report(report, flags);
        return report.warnings.empty()
                   ? 0
                   : static_cast<int>(Kind::partial);  // every byte is right, not every owner or mode
    });
}
