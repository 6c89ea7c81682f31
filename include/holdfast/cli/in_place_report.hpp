// cli/in_place_report.hpp - what restore --in-place, --undo, --accept and --pending print.
#pragma once

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/undo_restore.hpp"

namespace holdfast::cli {

namespace detail {

inline const char* word_of(ops::RestoreState state) {
    return ops::detail::kRestoreStates.at(static_cast<std::size_t>(state));
}

inline Json texts(const std::vector<std::string>& list) {
    Json out = Json::array();
    for (const std::string& text : list) out.push_back(json_text(text));
    return out;
}

inline void say_all(const std::vector<std::string>& warnings, const std::vector<std::string>& notes,
                    const CommonFlags& flags) {
    for (const std::string& w : warnings) say("restore", "warning", w);
    if (flags.quiet) return;
    for (const std::string& n : notes) say("restore", "note", n);
}

}  // namespace detail

/// --dry-run: what would be replaced. `lack` of space is empty, or a warning.
inline void print_in_place_plan(const Manifest& manifest, const ops::RestoreJournal& plan,
                                const std::string& lack, const CommonFlags& flags) {
    Table table({{"COMPONENT"}, {"KIND"}, {"SIZE", Align::right}, {"REPLACES"}, {"NOW"}});
    Json json = {{"snapshot", manifest.id}, {"components", Json::array()}, {"warnings", Json::array()}};
    if (!lack.empty()) {
        say("restore", "warning", lack);
        say("restore", "hint", "prune, or remove old logs, before anything is stopped");
        json["warnings"].push_back(json_text(lack));
    }
    std::map<std::string, std::string> stays;
    for (const ops::JournalComponent& c : plan.components) {
        const Component& stored = *manifest.find(c.name);
        const bool exists = inode_of(c.target).has_value();
        const std::vector<std::string> left_out = ops::find_left_out(c.target, c.unsaved);
        if (!left_out.empty())
            stays[c.target] =
                ops::count_and_name(left_out) + " of " + in_quotes(c.target) + " " + c.unsaved.why();
        table.add({c.name, c.kind, format_bytes(stored.bytes), c.target, exists ? "exists" : "missing"});
        json["components"].push_back({{"name", c.name},
                                      {"kind", c.kind},
                                      {"bytes", stored.bytes},
                                      {"to", c.target},
                                      {"exists", exists},
                                      {"left_out", detail::texts(left_out)}});
    }
    if (flags.json) return print_json(json);
    print(table.text());
    for (const auto& [target, left_out] : stays)
        print_line(left_out + ": what has its folder in the snapshot stays in place");
}

/// The paths that were replaced, or JSON. Returns the exit code.
inline int print_in_place_report(const ops::InPlaceReport& report, const CommonFlags& flags) {
    const ops::RestoreJournal& journal = report.journal;
    detail::say_all(report.warnings, report.notes, flags);
    Json json = {{"restore", journal.id},
                 {"snapshot", journal.snapshot},
                 {"state", detail::word_of(journal.state)},
                 {"emergency", journal.emergency.empty() ? Json(nullptr) : Json(journal.emergency)},
                 {"components", Json::array()},
                 {"checks", Json::array()},
                 {"phases", Json::array()},
                 {"warnings", detail::texts(report.warnings)},
                 {"notes", detail::texts(report.notes)}};
    for (const ops::RestoredComponent& c : report.components) {
        json["components"].push_back({{"name", c.name},
                                      {"path", c.path},
                                      {"bytes", c.bytes},
                                      {"files", c.files},
                                      {"replaced", c.has_replaced}});
        if (!flags.json) print_line(tsv_cell(c.path));
    }
    for (const ops::CheckResult& c : report.checks)
        json["checks"].push_back({{"component", c.component},
                                  {"name", json_text(c.name)},
                                  {"state", word_for(c.state)},
                                  {"detail", json_text(c.detail)}});
    for (const ops::Phase& p : report.phases)
        json["phases"].push_back({{"name", p.name}, {"seconds", static_cast<double>(p.took.count()) / 1000}});
    if (flags.json) print_json(json);
    if (!flags.quiet && journal.state == ops::RestoreState::restored) {
        say("restore", "note",
            "restore " + journal.id + " is done" +
                (journal.is_online ? "" : "; what was there before is kept beside it"));
        say("restore", "hint",
            "if it is not right: restore --undo " + journal.id + "; when all is well: restore --accept " +
                journal.id);
    }
    return report.warnings.empty() ? 0 : static_cast<int>(Kind::partial);
}

/// Returns the exit code.
inline int print_undo_report(const ops::UndoReport& report, const char* verb, const CommonFlags& flags) {
    detail::say_all(report.warnings, report.notes, flags);
    Json json = {{"restore", report.journal.id},
                 {"snapshot", report.journal.snapshot},
                 {"state", verb},
                 {"components", Json::array()},
                 {"warnings", detail::texts(report.warnings)}};
    for (const ops::JournalComponent& c : report.journal.components) {
        json["components"].push_back({{"name", c.name}, {"path", c.target}});
        if (!flags.json) print_line(tsv_cell(c.target));
    }
    if (flags.json) print_json(json);
    if (!flags.quiet) say("restore", "note", std::string("restore ") + report.journal.id + " is " + verb);
    return report.warnings.empty() ? 0 : static_cast<int>(Kind::partial);
}

/// The journals that can be read; the others are named on standard error. Returns the exit code.
inline int print_pending(const Repository& repository, const CommonFlags& flags) {
    std::vector<Error> damaged;
    const std::vector<ops::RestoreJournal> journals = ops::readable_journals(repository, &damaged);
    for (const Error& e : damaged) {
        say("restore", "warning", e.what());
        say("restore", "hint", e.hint());
    }
    const int code = damaged.empty() ? 0 : static_cast<int>(Kind::corrupt);
    Table table({{"RESTORE"}, {"STATE"}, {"SNAPSHOT"}, {"EMERGENCY"}, {"COMPONENT"}, {"PATH"}, {"KEPT"}});
    Json json = Json::array();
    for (const ops::RestoreJournal& j : journals)
        for (const ops::JournalComponent& c : j.components) {
            const std::string kept = j.is_online ? "" : c.folder().string();
            table.add({j.id, detail::word_of(j.state), j.snapshot, j.emergency, c.name, c.target, kept});
            json.push_back({{"restore", j.id},
                            {"state", detail::word_of(j.state)},
                            {"snapshot", j.snapshot},
                            {"emergency", j.emergency.empty() ? Json(nullptr) : Json(j.emergency)},
                            {"component", c.name},
                            {"path", c.target},
                            {"kept", kept}});
        }
    if (flags.json) print_json(json);
    if (journals.empty() && !flags.quiet && code == 0)
        say("restore", "note", "no restore in place is pending");
    if (!journals.empty() && !flags.json) print(table.text());
    return code;
}

}  // namespace holdfast::cli
