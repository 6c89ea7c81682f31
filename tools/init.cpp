// init - makes a repository and prints its path; changes who can open an encrypted one.
#include "holdfast/ops/init.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/init_flags.hpp"
#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Make a backup repository and print its path, or change who can open an encrypted one.",
                 "init"};
    cli::CommonFlags flags;
    cli::InitFlags wanted;
    cli::add_init_flags(app, wanted);
    cli::add_common_flags(
        app, flags,
        "  init --repo /var/backups/trading\n"
        "  init --repo /var/backups/trading --recipient ops@example.com --recipient 4F25…B7E1\n"
        "  init --recovery-kit /media/usb/kit\n"
        "  init --rekey --recipient ops@example.com --recipient escrow@example.com\n"
        "  init --rotate\n");
    return cli::tool_main(app, argc, argv, [&] {
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        return cli::print_init(cli::run_init(env, wanted), flags);
    });
}
