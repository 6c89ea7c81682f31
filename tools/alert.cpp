// alert - tells people; what cannot be told now is kept and told later.
#include "holdfast/ops/alert.hpp"

#include "holdfast/cli/alert_report.hpp"
#include "holdfast/cli/tool_main.hpp"

int main(int argc, char** argv) {
    using namespace holdfast;
    CLI::App app{
        "Send an alert to the configured channels. It is kept on disk until each of them has taken it.",
        "alert"};
    cli::CommonFlags flags;
    Alert alert;
    std::string severity = "warning", what, rid;
    app.require_subcommand(1);
    app.fallthrough();
    CLI::App* send = app.add_subcommand("send", "keep an alert and deliver it, after what waits already");
    send->add_option("TITLE", alert.title, "what happened, in a line")->required();
    cli::add_text(*send, "--text", alert.text, "TEXT", "the details; - reads standard input");
    cli::add_text(*send, "--key", alert.key, "KEY",
                  "what it is about; the same again is held back for a while");
    send->add_option("--severity", severity, "ok, info, warning or critical; ok ends what was wrong")
        ->check(CLI::IsMember(words_of<Severity>()));
    const CLI::App* test = app.add_subcommand("test", "send a test alert to every channel");
    CLI::App* flush = app.add_subcommand("flush", "deliver what waits");
    bool and_refused = false;
    flush->add_flag("--refused", and_refused, "also what a receiver refused and was set aside");
    const CLI::App* status = app.add_subcommand("buffer-status", "what waits, and since when; sends nothing");
    CLI::App* ping =
        app.add_subcommand("ping", "tell a dead man's switch: start, success, fail or an exit status");
    ping->add_option("WHAT", what, "start, success, fail, or a number from 0 to 255")
        ->required()
        ->check(CLI::IsMember({"start", "success", "fail"}) | CLI::Range(0, 255));
    cli::add_text(*ping, "--rid", rid, "UUID", "joins the start and the end of a run")
        ->check(CLI::Validator(cli::check_uuid, ""));
    cli::add_common_flags(app, flags,
                          "  alert test\n"
                          "  alert send 'backup failed' --key backup --severity critical --text - <log\n"
                          "  alert send 'backup works again' --key backup --severity ok\n"
                          "  alert buffer-status; alert flush\n");
    return cli::tool_main(app, argc, argv, [&] {
        const cli::Environment env = cli::load_environment(flags, cli::Commands::may_run);
        ops::AlertOptions options = cli::alert_options(env);
        if (status->parsed()) return cli::print_alert_report(ops::buffered_alerts(options), flags);
        if (flush->parsed()) return cli::print_alert_report(ops::flush_alerts(options, and_refused), flags);
        if (ping->parsed()) {
            ops::ping(options, what, rid);
            return 0;
        }
        alert.severity = *parse_word<Severity>(severity);
        if (test->parsed()) {
            alert = {"", {}, Severity::info, "test", "test alert", "If you can read this, alerts arrive.",
                     "", 0};
            for (ChannelConfig& channel : options.config.channels) channel.at_least = Severity::info;
        }
        alert.text = cli::alert_text(alert.text);
        if (alert.key.empty()) alert.key = alert.title;
        alert.host = host_name();
        alert.time = now_utc();
        return cli::print_alert_report(ops::send_alert(alert, options), flags);
    });
}
