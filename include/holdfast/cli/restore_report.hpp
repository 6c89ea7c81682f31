// cli/restore_report.hpp - what restore prints: one path per component, or JSON.
#pragma once

#include <string>

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/restore.hpp"

namespace holdfast::cli {

/// What the operator must know of a snapshot before trusting what comes out of it.
inline void warn_about(const Manifest& manifest) {
    for (const std::string& reason : manifest.suspect)
        say("restore", "warning", "snapshot " + manifest.id + " is suspect: " + reason);
    for (const MissingSource& x : manifest.missing)
        say("restore", "warning",
            "snapshot " + manifest.id + " lacks source " + in_quotes(x.source) + ": " + x.reason);
    if (!manifest.suspect.empty() || !manifest.missing.empty())
        say("restore", "hint",
            "catalog lists the states; an earlier complete snapshot may be the better one");
}

/// Nobody but the operator can say whether they are still needed.
inline void say_restore_leftovers(const std::string& target) {
    for (const std::string& path : ops::leftovers_of_restore(target))
        say("restore", "note",
            in_quotes(path) +
                " is of a restore that was killed, or still runs; it may hold the old state: look, then "
                "remove it");
}

inline void print_restore_report(const ops::RestoreReport& report, const CommonFlags& flags) {
    for (const std::string& w : report.warnings) say("restore", "warning", w);
    Json json = {{"snapshot", report.snapshot}, {"components", Json::array()}, {"warnings", Json::array()}};
    for (const std::string& w : report.warnings) json["warnings"].push_back(json_text(w));
    std::uint64_t files = 0, bytes = 0;
    for (const ops::RestoredComponent& c : report.components) {
        files += c.files;
        bytes += c.bytes;
        if (c.has_replaced && !flags.quiet)
            say("restore", "note", "replaced " + in_quotes(c.path) + "; the old one is gone");
        json["components"].push_back({{"name", c.name},
                                      {"path", json_text(c.path)},
                                      {"bytes", c.bytes},
                                      {"files", c.files},
                                      {"replaced", c.has_replaced}});
        if (!flags.json) print_line(tsv_cell(c.path));
    }
    if (flags.json) print_json(json);
    if (!flags.quiet)
        say("restore", "note",
            "restored " + std::to_string(report.components.size()) + " components of snapshot " +
                report.snapshot + ": " + std::to_string(files) + " files, " + format_bytes(bytes));
}

inline void print_restore_plan(const Manifest& manifest, const ops::ComponentChoice& choice,
                               const std::string& target, const CommonFlags& flags) {
    Table table({{"COMPONENT"}, {"KIND"}, {"SIZE", Align::right}, {"TO"}});
    Json json = {{"snapshot", manifest.id}, {"components", Json::array()}};
    for (const Component* c : ops::choose_components(manifest, choice)) {
        const std::string to = target.empty() ? "standard output" : (fs::path(target) / c->name).string();
        table.add({c->name, c->kind, format_bytes(c->bytes), to});
        json["components"].push_back(
            {{"name", c->name}, {"kind", c->kind}, {"bytes", c->bytes}, {"to", json_text(to)}});
    }
    if (flags.json)
        print_json(json);
    else
        print(table.text());
}

/// --dry-run beside the live data, or to standard output. Returns the exit code.
inline int plan_restore(const Repository& repository, const Manifest& manifest,
                        const ops::RestoreOptions& options, bool to_stdout, const CommonFlags& flags) {
    if (!to_stdout) ops::check_restore(repository, ops::choose_components(manifest, options.choice), options);
    print_restore_plan(manifest, options.choice, to_stdout ? "" : options.target.string(), flags);
    return 0;
}

}  // namespace holdfast::cli
