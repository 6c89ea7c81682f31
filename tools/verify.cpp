// verify - proves that snapshots are what they say.
#include "holdfast/ops/verify.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/key_flags.hpp"
#include "holdfast/cli/signature_report.hpp"
#include "holdfast/cli/tool_main.hpp"
#include "holdfast/cli/verify_flags.hpp"
#include "holdfast/cli/verify_report.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Verify snapshots: every byte against its digest, and with --deep what the bytes mean.",
                 "verify"};
    cli::CommonFlags flags;
    cli::VerifyFlags wanted;
    cli::KeyFlags key;
    cli::add_verify_flags(app, wanted);
    cli::add_key_flags(app, key);
    cli::add_common_flags(app, flags,
                          "  verify                    the newest snapshot\n"
                          "  verify --deep latest\n"
                          "  verify --all --quarantine\n"
                          "  verify --budget 30m       every night: all snapshots, part by part\n"
                          "  id=$(snap) && verify \"$id\"\n");
    return cli::tool_main(app, argc, argv, [&] {
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        const Repository repository = cli::open_repository(env, key);
        ops::VerifyOptions options = cli::verify_options(wanted, repository);
        options.sources = env.config.sources;
        options.signature = cli::signature_rules(env);
        options.certificate = Digest::parse(env.config.repository.certificate);
        options.lock_wait = env.config.repository.lock_wait;
        options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
        const ops::VerifyReport report = ops::verify(repository, options);
        cli::print_verify_report(report, flags);
        return report.exit_code();
    });
}
