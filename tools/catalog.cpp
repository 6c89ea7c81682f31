// catalog - shows what a repository holds.
#include "holdfast/cli/catalog_report.hpp"

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/key_flags.hpp"
#include "holdfast/cli/remote_catalog.hpp"
#include "holdfast/cli/tool_main.hpp"
#include "holdfast/policy/words.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Show snapshots, what is in them, and how they differ.", "catalog"};
    cli::CommonFlags common;
    cli::CatalogFlags flags;
    cli::KeyFlags key;
    app.require_subcommand(0, 1);
    app.fallthrough();
    cli::add_text(app, "--source", flags.source, "NAME", "list, files, objects: only this source");
    cli::add_text(app, "--type", flags.type, "TYPE", "list: only snapshots of this type")
        ->check(CLI::IsMember(words_of<SnapshotType>()));
    app.add_option("--limit", flags.limit, "list: at most so many, newest first")->type_name("N");
    cli::add_part_flags(app, flags);
    app.add_option("--format", flags.format, "table, tsv, id or json (table)")
        ->check(CLI::IsMember({"table", "tsv", "id", "json"}));
    cli::add_key_flags(app, key);
    const auto verb = [&](const char* name, const char* help, const char* arguments) {
        CLI::App* sub = app.add_subcommand(name, help);
        if (*arguments != '\0') sub->add_option(arguments, flags.names, cli::kSnapshotHelp);
        return sub;
    };
    verb("list", "snapshots, newest first (the default)", "");
    const CLI::App* show = verb("show", "one snapshot in words", "SNAPSHOT");
    const CLI::App* files = verb("files", "the files of a snapshot: SNAPSHOT [SOURCE]", "SNAPSHOT");
    const CLI::App* diff = verb("diff", "what changed between two snapshots: OLDER NEWER", "SNAPSHOTS");
    const CLI::App* stats = verb("stats", "totals of the repository", "");
    const CLI::App* objects =
        verb("objects", "the objects that a snapshot, or a part of it, needs", "SNAPSHOT");
    const CLI::App* trash = verb("trash", "pruned snapshots that can come back: prune --undelete ID", "");
    cli::add_common_flags(app, common,
                          "  catalog\n"
                          "  catalog show latest\n"
                          "  catalog files latest lake --path 'option_legs/**'\n"
                          "  catalog diff @2026-11-19 latest\n"
                          "  catalog --remote nas --hosts\n"
                          "  catalog --source trades --limit 1 --format id | verify -\n");
    return cli::tool_main(app, argc, argv, [&] {
        if (!flags.remote.empty() || flags.hosts) cli::run_remote_catalog(flags, common);
        const cli::Environment env = cli::load_environment(common, cli::Commands::never_run);
        const Repository repository = cli::open_repository(env, key);
        const cli::Format format = flags.chosen(common);
        if (show->parsed()) return cli::print_show(repository, flags, cli::signature_rules(env), format);
        if (files->parsed()) return cli::print_files(repository, flags, format);
        if (diff->parsed()) return cli::print_diff(repository, flags, format);
        if (stats->parsed()) return cli::print_stats(repository, format);
        if (trash->parsed()) return cli::print_trash(repository, env.config.retention.grace, format);
        if (objects->parsed()) return cli::print_objects(repository, flags, format);
        cli::print_list(repository, flags, format);
    });
}
