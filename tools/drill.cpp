// drill - rehearses recovery: restores every source into a scratch folder, proves it, and measures how long that takes.
#include "holdfast/ops/drill.hpp"

#include "holdfast/cli/drill_files.hpp"
#include "holdfast/cli/drill_flags.hpp"
#include "holdfast/cli/key_flags.hpp"
#include "holdfast/cli/signature_report.hpp"
#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{
        "Rehearse recovery: restore every source into a scratch folder, prove it, measure it, write a "
        "record.",
        "drill"};
    cli::CommonFlags flags;
    cli::DrillFlags wanted;
    cli::KeyFlags key;
    cli::add_drill_flags(app, wanted);
    cli::add_key_flags(app, key);
    cli::add_common_flags(app, flags,
                          "  drill                       the newest snapshot of every source\n"
                          "  drill --random --source lake\n"
                          "  drill --stock-tools         as if there were no holdfast\n");
    return cli::tool_main(app, argc, argv, [&] {
        const auto commands = wanted.dry_run ? cli::Commands::never_run : cli::Commands::may_run;
        const cli::Environment env = cli::load_environment(flags, commands);
        const Repository repository = cli::open_repository(env, key);
        ops::DrillOptions options = cli::drill_options(wanted, env, repository);
        options.signature = cli::signature_rules(env);
        options.key_file = cli::key_file(key);
        options.show = flags.quiet ? Progress::Show::never : Progress::Show::on_terminal;
        if (wanted.dry_run) {
            cli::print(cli::drill_plan_table(ops::plan_drill(repository, options)).text());
            return 0;
        }
        const fs::path folder = wanted.report_dir.empty()
                                    ? fs::path(report_folder(env.config.drill, env.config.backup.log_dir))
                                    : fs::absolute(wanted.report_dir);
        cli::check_report_folder(folder);
        const ops::DrillReport report = ops::drill(repository, options);
        const fs::path record = cli::write_drill_files(report, folder);
        if (flags.json) {
            Json json = cli::drill_json(report);
            json["report"] = json_text(record.string());
            cli::print_json(json);
        } else {
            cli::print(cli::drill_table(report).text());
        }
        cli::say_drill(report, flags.quiet);
        if (!flags.quiet) cli::say("drill", "note", "recorded in " + in_quotes(record.string()));
        return report.exit_code();
    });
}
