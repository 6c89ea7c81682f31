// verify - proves that snapshots are what they say.
#include "holdfast/ops/verify.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/snapshot_flags.hpp"
#include "holdfast/cli/tool_main.hpp"
#include "holdfast/cli/verify_report.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Verify snapshots: every byte against its digest, and with --deep what the bytes mean.",
                 "verify"};
    cli::CommonFlags flags;
    ops::VerifyOptions options;
    std::vector<std::string> names;
    std::string staging;
    app.add_option("SNAPSHOT", names, std::string(cli::kSnapshotHelp) + " (latest)");
    app.add_flag("--deep", options.deep,
                 "put every stream together; check databases, files and Delta tables");
    app.add_flag("--all", options.all, "every snapshot");
    cli::add_text(app, "--staging", staging, "DIR",
                  "where --deep restores databases to check them (the repository's tmp folder)");
    cli::add_common_flags(app, flags,
                          "  verify                    the newest snapshot\n"
                          "  verify --deep latest\n"
                          "  verify --all\n"
                          "  id=$(snap) && verify \"$id\"\n");
    return cli::tool_main(app, argc, argv, [&] {
        if (options.all && !names.empty())
            throw Error(Kind::usage, "--all and a snapshot's name do not go together",
                        "leave out one of the two");
        const cli::Environment env = cli::load_environment(flags, cli::Commands::never_run);
        const Repository repository = Repository::open(env.repository());
        options.staging = staging;
        options.lock_wait = env.config.repository.lock_wait;
        options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
        if (!options.all)
            for (const std::string& name :
                 cli::read_names(names.empty() ? std::vector<std::string>{"latest"} : names))
                options.ids.push_back(cli::snapshot_id(repository, name));
        const ops::VerifyReport report = ops::verify(repository, options);
        cli::print_verify_report(report, flags);
        return report.exit_code();
    });
}
