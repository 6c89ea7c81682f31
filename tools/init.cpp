// init - makes a repository and prints its path.
#include "holdfast/ops/init.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Make a backup repository and print its path.", "init"};
    cli::CommonFlags flags;
    cli::add_common_flags(app, flags, "  init --repo /var/backups/trading\n");
    return cli::tool_main(app, argc, argv, [&] {
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        const Repository repository = ops::init(env.repository());
        if (flags.json)
            cli::print_json({{"repository", repository.root().string()}, {"id", repository.id()}});
        else
            cli::print_line(repository.root().string());
    });
}
