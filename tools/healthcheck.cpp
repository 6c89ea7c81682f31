// healthcheck - says how backups, disks, databases and services of this host are, and what to do.
#include "holdfast/cli/health_report.hpp"

#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{"Say whether this host's backups, disks, databases and services are healthy.",
                 "healthcheck"};
    cli::CommonFlags common;
    cli::HealthFlags flags;
    cli::add_health_flags(app, flags);
    cli::add_common_flags(app, common, "");
    app.footer(
        std::string(
            "\nEXAMPLES\n"
            "  healthcheck\n"
            "  healthcheck --check backup_age --check disk --json\n"
            "  healthcheck --skip network --prometheus /var/lib/prometheus/node-exporter/holdfast.prom\n\n") +
        cli::kHealthExitHelp);
    Health health = Health::healthy;  // of --help, --version and --list
    const int code = cli::tool_main(app, argc, argv, [&] {
        if (flags.list) return cli::print(cli::health_list());
        health = Health::unknown;
        health = cli::report_health(cli::load_environment(common, cli::Commands::never_run), flags, common);
    });
    // Every failure of the tool itself is "unknown": no kind of error may look healthy, degraded or unhealthy.
    return static_cast<int>(code == 0 ? health : Health::unknown);
}
