// schedule - says when a cron expression runs, what is odd about it, and how other schedulers write it.
#include "holdfast/cli/schedule_report.hpp"

#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Explain a schedule: when Debian's cron runs it, and what may surprise.", "schedule"};
    cli::ScheduleFlags flags;
    app.require_subcommand(1);
    app.fallthrough();
    const auto verb = [&](const char* name, const char* help) {
        CLI::App* sub = app.add_subcommand(name, help);
        sub->add_option("EXPRESSION", flags.expression, "five fields in quotes, or a word such as @daily")
            ->required();
        return sub;
    };
    const CLI::App* next = verb("next", "the next runs");
    const CLI::App* lint = verb("lint", "the next runs, and warnings (exit 4)");
    const CLI::App* due =
        verb("due", "yes or no: did a run fall due just now (at the last minute of `cron`)");
    const CLI::App* cron =
        verb("cron", "the fields for a crontab of this host: exact or wake, a tab, the fields");
    const CLI::App* calendar = verb("calendar", "the same as values of OnCalendar= of systemd, one per line");
    cli::add_text(app, "--zone", flags.zone, "ZONE", "whose times these are (the zone of this host)");
    cli::add_text(app, "--host", flags.host, "ZONE", "as if this host were set to that zone");
    cli::add_text(app, "--after", flags.after, "TIME", "look from that UTC time on, not from now on");
    cli::add_text(app, "--command", flags.command, "LINE", "lint: the command beside it in the crontab");
    app.add_option("--count", flags.count, "how many runs (5)")->type_name("N")->check(CLI::Range(1, 1000));
    app.add_flag("--json", flags.json, "next, lint: print JSON");
    app.set_version_flag("--version", cli::version_line(app.get_name()), "print the version and exit");
    app.footer(std::string("\nEXAMPLES\n"
                           "  schedule next '0 2 * * *'\n"
                           "  schedule lint '0 2 1-7 * 0' --zone Europe/Berlin\n"
                           "  schedule calendar '15 9-15 * * 1-5' --zone Asia/Kolkata\n"
                           "  schedule lint @daily --json | jq .warnings\n\n") +
               cli::kExitStatusHelp);
    return cli::tool_main(app, argc, argv, [&] {
        if (lint->parsed()) return cli::print_lint(flags);
        if (next->parsed()) cli::print_next(flags);
        if (due->parsed()) cli::print_due(flags);
        if (cron->parsed()) cli::print_cron(flags);
        if (calendar->parsed()) cli::print_calendar(flags);
        return 0;
    });
}
