// prune - removes the snapshots that the policy does not keep, and what only they needed.
#include "holdfast/ops/prune.hpp"

#include "holdfast/cli/key_flags.hpp"
#include "holdfast/cli/prune_flags.hpp"
#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{
        "Remove snapshots that the [retention] policy does not keep. They stay in the trash for a time "
        "of grace; then the objects that only they needed are removed.",
        "prune"};
    cli::CommonFlags flags;
    cli::PruneFlags f;
    cli::KeyFlags key;
    cli::add_prune_flags(app, f);
    cli::add_key_flags(app, key);
    cli::add_common_flags(app, flags,
                          "  prune --dry-run\n"
                          "  prune --plan >plan.tsv; prune --apply plan.tsv\n"
                          "  prune\n"
                          "  prune --pin 20261120T020000Z-7f3a9c --until 2027-12-31 --reason audit\n"
                          "  prune --simulate 2y --svg policy.svg\n");
    return cli::tool_main(app, argc, argv, [&] {
        cli::check_prune_flags(f);
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        if (f.simulate) {
            cli::simulate(env, f, flags);
            return 0;
        }
        const Repository repository = cli::open_repository(env, key);
        if (!f.pin.empty() || !f.unpin.empty() || !f.undelete.empty())
            return cli::change_one(repository, f, env.config.repository.lock_wait);
        const ops::PruneOptions options = cli::prune_options(repository, env, f, flags);
        if (f.plan || f.dry_run) {
            // Beside a prune at work, what it has just moved would seem to have vanished.
            const FileLock lock = repository.lock(LockMode::shared, options.lock_wait);
            const ops::PrunePlan plan = ops::plan_prune(repository, options.policy);
            f.plan ? cli::print_plan(repository, plan, flags) : cli::print_dry_run(repository, plan, flags);
            return 0;
        }
        const ops::PruneReport report = ops::prune(repository, options);
        cli::print_prune_report(repository, report, flags);
        return report.exit_code();
    });
}
