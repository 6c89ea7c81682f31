// prune - removes the snapshots that the policy does not keep, and what only they needed.
#include "holdfast/ops/prune.hpp"

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
    cli::add_prune_flags(app, f);
    cli::add_common_flags(app, flags,
                          "  prune --dry-run\n"
                          "  prune --plan >plan.tsv; prune --apply plan.tsv\n"
                          "  prune\n"
                          "  prune --pin 20261120T020000Z-7f3a9c --until 2027-12-31 --reason audit\n"
                          "  prune --simulate 2y --svg policy.svg\n");
    return cli::tool_main(app, argc, argv, [&] {
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        if (f.simulate) return cli::simulate(env, f, flags);
        const Repository repository = Repository::open(env.repository());
        const std::chrono::seconds lock_wait = env.config.repository.lock_wait;
        if (!f.pin.empty()) {
            if (f.until.empty())
                throw Error(Kind::usage, "--pin needs --until", "--until 2027-12-31, or forever");
            return ops::pin(repository, cli::snapshot_id(repository, f.pin),
                            {cli::parse_until(f.until, now_utc()), f.reason}, lock_wait);
        }
        if (!f.unpin.empty()) return ops::unpin(repository, cli::snapshot_id(repository, f.unpin), lock_wait);
        if (!f.undelete.empty())
            return ops::undelete(repository, f.undelete,
                                 cli::parse_until(f.until.empty() ? "30d" : f.until, now_utc()), lock_wait);
        const ops::PruneOptions options = cli::prune_options(repository, env, f, flags);
        if (f.plan) return cli::print_plan(repository, ops::plan_prune(repository, options.policy), flags);
        if (f.dry_run)
            return cli::print_dry_run(repository, ops::plan_prune(repository, options.policy), flags);
        cli::print_prune_report(repository, ops::prune(repository, options), flags);
    });
}
