// cli/health_report.hpp - which checks are wanted, and what healthcheck prints of their results.
#pragma once

#include <string>
#include <vector>

#include "holdfast/cli/alert_report.hpp"
#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/cli/status_page.hpp"
#include "holdfast/ops/gather_status.hpp"
#include "holdfast/ops/write_metrics.hpp"

namespace holdfast::cli {

inline constexpr const char* kHealthExitHelp =
    "EXIT STATUS\n"
    "  0 healthy    1 degraded: look at it today    2 unhealthy: look at it now\n"
    "  3 unknown: wrong usage or configuration, or something could not be looked at\n";

struct HealthFlags {
    std::vector<std::string> checks;
    std::vector<std::string> skipped;
    std::string prometheus, html;
    bool list = false;

    bool wants(const ops::HealthCheck& check) const {
        const auto names = [&](const std::vector<std::string>& wanted) {
            return std::find(wanted.begin(), wanted.end(), check.name) != wanted.end();
        };
        return (checks.empty() || names(checks)) && !names(skipped) &&
               !(check.needs_network && names_network());
    }

private:
    bool names_network() const {
        return std::find(skipped.begin(), skipped.end(), "network") != skipped.end();
    }
};

inline void add_health_flags(CLI::App& app, HealthFlags& flags) {
    std::vector<std::string> names;
    for (const ops::HealthCheck& check : ops::health_checks()) names.emplace_back(check.name);
    app.add_option("--check", flags.checks, "only this check; repeatable (--list has the names)")
        ->type_name("NAME")
        ->expected(1)
        ->take_all()
        ->check(CLI::IsMember(names));
    names.emplace_back("network");
    app.add_option("--skip", flags.skipped, "not this check; repeatable; network: no endpoint and no stream")
        ->type_name("NAME")
        ->expected(1)
        ->take_all()
        ->check(CLI::IsMember(names));
    add_text(app, "--prometheus", flags.prometheus, "FILE",
             "write the metrics there as well (health.metrics); for the textfile collector");
    add_text(app, "--html", flags.html, "FILE",
             "write a status page there as well (health.page); - prints it instead of the text");
    app.add_flag("--list", flags.list, "the names of the checks, and what they look at");
}

/// Throws: config if no repository is named.
inline ops::HealthOptions health_options(const Environment& env) {
    return {env.config, env.repository(), alert_options(env)};
}

inline std::string health_list() {
    Table table({{"CHECK"}, {"LOOKS AT"}});
    for (const ops::HealthCheck& check : ops::health_checks()) table.add({check.name, check.help});
    return table.text();
}

inline Json health_report_json(const ops::HealthResults& results, SystemSeconds now) {
    Json out = {
        {"status", word_for(overall(results))}, {"time_utc", format_utc(now)}, {"checks", Json::array()}};
    for (const HealthResult& r : results)
        out["checks"].push_back({{"check", r.check},
                                 {"subject", json_text(r.subject)},
                                 {"status", word_for(r.level)},
                                 {"message", json_text(r.message)},
                                 {"next", r.next.empty() ? Json(nullptr) : Json(json_text(r.next))}});
    return out;
}

/// What needs attention comes first and says what to do; the healthy lines follow, unless quiet.
inline std::string health_text(const ops::HealthResults& results, bool quiet) {
    std::string out = std::string(word_for(overall(results))) + "\n";
    for (const Health level : {Health::unhealthy, Health::unknown, Health::degraded})
        for (const HealthResult& r : results)
            if (r.level == level)
                out += "\n" + std::string(word_for(level)) + ": " + r.check +
                       (r.subject.empty() ? "" : " " + in_quotes(r.subject)) + ": " + printable(r.message) +
                       "\n  next: " + printable(r.next) + "\n";
    Table table({{"CHECK"}, {"SUBJECT"}, {"MESSAGE"}});
    for (const HealthResult& r : results)
        if (r.level == Health::healthy) table.add({r.check, r.subject, r.message});
    if (!quiet && !table.empty()) out += "\n" + table.text();
    return out;
}

/// For whoever may read files of its folder's group: give the folder that of a web server, with the set-group-ID bit. No page is
/// better than an old one that is green. Throws: io, interrupted.
template <class MakePage>
void write_page(const fs::path& path, MakePage make_page) {
    try {
        const std::string page = make_page();
        publish_file(path, as_bytes(page), 0640);
    } catch (...) {
        std::error_code error;
        const bool is_removed = fs::remove(path, error);
        throw Error(Kind::io,
                    std::string("the status page was not written: ") + ops::caught_error().what() +
                        (is_removed ? "; that of the last time was removed" : ""),
                    "check the owner, mode and space of that folder (health.page)");
    }
}

/// Writes the files that are wanted. One that cannot be written is a finding itself, and no reason to leave out the rest.
inline void write_health_files(ops::HealthContext& context, const HealthFlags& flags,
                               ops::HealthResults& results) {
    const auto try_to_write = [&](const std::string& path, auto write) {
        if (path.empty() || path == "-") return;
        try {
            write(detail::absolute_path(path));
        } catch (...) {
            const Error e = ops::caught_error();
            results.push_back({"healthcheck", path, Health::unknown, e.what(), e.hint()});
        }
    };
    try_to_write(flags.prometheus, [&](const fs::path& path) {
        ops::write_metrics(path, [&] { return ops::metrics_text(context, results); });
    });
    try_to_write(flags.html, [&](const fs::path& path) {
        write_page(path, [&] { return status_page(ops::gather_status(context, results)); });
    });
}

/// Runs what is wanted and prints it. Throws: usage, config.
inline Health report_health(const Environment& env, const HealthFlags& flags, const CommonFlags& common) {
    const bool prints_page = flags.html == "-";
    if (prints_page && common.json)
        throw Error(Kind::usage, "--html - and --json both print", "name a file: --html FILE");
    ops::HealthContext context(health_options(env));
    auto results =
        ops::run_health_checks(context, [&](const ops::HealthCheck& check) { return flags.wants(check); });
    for (const std::string& name : flags.checks)  // asked for by name, nothing is no good news
        if (std::none_of(results.begin(), results.end(), [&](const auto& r) { return r.check == name; }))
            results.push_back({name, "", Health::unknown, "there is nothing to look at",
                               "name a source, an endpoint or a stream for it in the configuration"});
    write_health_files(context, flags, results);
    if (prints_page)
        print(status_page(ops::gather_status(context, results)));
    else if (common.json)
        print_json(health_report_json(results, context.options.now));
    else
        print(health_text(results, common.quiet));
    return overall(results);
}

}  // namespace holdfast::cli
