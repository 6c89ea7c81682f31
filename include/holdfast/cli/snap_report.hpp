// cli/snap_report.hpp - what snap prints: the id for programs, the rest for people.
#pragma once

#include <string>

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/snap.hpp"

namespace holdfast::cli {

inline void print_snap_report(const ops::SnapReport& report, const CommonFlags& flags) {
    const Manifest& m = report.manifest;
    for (const MissingSource& x : m.missing)
        say("snap", "warning", "source " + in_quotes(x.source) + " not captured: " + x.reason);
    for (const Component& c : m.components)
        for (const std::string& w : c.warnings) say("snap", "warning", c.name + ": " + w);
    for (const std::string& reason : m.suspect) say("snap", "warning", "suspect: " + reason);
    if (!m.suspect.empty()) {
        if (!report.last_good.empty())
            say("snap", "hint",
                "compare: catalog diff " + report.last_good + " " + m.id +
                    "; what was lost comes back with: restore " + report.last_good + " --target DIR");
        say("snap", "hint",
            "if all is as it should be, say so once: snap --accept-losses (backup.sh --accept-losses)");
    }
    if (!flags.quiet)
        for (const std::string& note : report.notes) say("snap", "note", note);
    if (flags.verbose || (!flags.quiet && ::isatty(STDERR_FILENO) == 1))
        say("snap", "note",
            m.state() + ": " + format_bytes(m.bytes()) + " in " + std::to_string(m.components.size()) +
                " components, " + format_bytes(m.new_bytes()) + " new, stored in " +
                format_bytes(m.stored_bytes) + ", " + format_duration(m.finished - m.started));
    if (!flags.json) return print_line(m.id);
    Json json = {{"id", m.id},
                 {"number", m.number},
                 {"state", m.state()},
                 {"bytes", m.bytes()},
                 {"new_bytes", m.new_bytes()},
                 {"stored_bytes", m.stored_bytes},
                 {"components", Json::array()},
                 {"missing", Json::array()},
                 {"suspect", Json::array()},
                 {"notes", Json::array()}};
    for (const Component& c : m.components) {
        Json one = {{"name", c.name},   {"kind", c.kind},           {"class", c.source_class},
                    {"bytes", c.bytes}, {"new_bytes", c.new_bytes}, {"warnings", Json::array()}};
        for (const std::string& w : c.warnings) one["warnings"].push_back(json_text(w));
        json["components"].push_back(one);
    }
    for (const MissingSource& x : m.missing)
        json["missing"].push_back(
            {{"source", x.source}, {"path", json_text(x.path)}, {"reason", json_text(x.reason)}});
    for (const std::string& s : m.suspect) json["suspect"].push_back(json_text(s));
    for (const std::string& n : report.notes) json["notes"].push_back(json_text(n));
    print_json(json);
}

/// print_snap_report(), and if nobody can read it, an error that names the snapshot. Throws: io.
inline void deliver_snap_report(const ops::SnapReport& report, const CommonFlags& flags) {
    print_snap_report(report, flags);
    try {
        output().flush();
    } catch (const Error& e) {
        throw Error(e.kind(),
                    "snapshot " + report.manifest.id +
                        " exists and is whole, but its id was not delivered: " + e.what(),
                    e.hint());
    }
}

/// What --dry-run shows: each component and where it would come from.
inline void print_plan(const ops::CapturePlan& plan, bool as_json) {
    Json json = {{"components", Json::array()}, {"missing", Json::array()}};
    Table table({{"COMPONENT"}, {"KIND"}, {"CLASS"}, {"FROM"}});
    for (const ops::CaptureTask& task : plan.tasks) {
        const bool is_input = task.path.empty() && task.source->command.empty();
        const std::string kind = is_input ? "stdin" : word_for(task.source->kind);
        const std::string source_class = word_for(task.source->source_class);
        const std::string from = is_input            ? "(standard input)"
                                 : task.path.empty() ? "(command) " + task.source->command[0]
                                                     : task.path;
        table.add({task.component, kind, source_class, from});
        json["components"].push_back(
            {{"name", task.component}, {"kind", kind}, {"class", source_class}, {"from", json_text(from)}});
    }
    for (const MissingSource& x : plan.missing) {
        table.add({x.source, "missing", "", x.reason});
        json["missing"].push_back({{"source", x.source}, {"reason", json_text(x.reason)}});
    }
    if (as_json)
        print_json(json);
    else
        print(table.text());
}

}  // namespace holdfast::cli
