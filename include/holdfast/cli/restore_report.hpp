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

inline void print_restore_report(const ops::RestoreReport& report, const CommonFlags& flags) {
    for (const std::string& w : report.warnings) say("restore", "warning", w);
    Json json = {{"snapshot", report.snapshot}, {"components", Json::array()}, {"warnings", Json::array()}};
    for (const std::string& w : report.warnings) json["warnings"].push_back(json_text(w));
    for (const ops::RestoredComponent& c : report.components) {
        json["components"].push_back(
            {{"name", c.name}, {"path", json_text(c.path)}, {"bytes", c.bytes}, {"files", c.files}});
        if (!flags.json) print_line(tsv_cell(c.path));
    }
    if (flags.json) print_json(json);
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

}  // namespace holdfast::cli
