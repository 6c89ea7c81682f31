// cli/verify_report.hpp - what verify prints: a row per finding, as a table on a terminal and as TSV for programs, and a
// summary for people.
#pragma once

#include <cstdio>
#include <set>
#include <string>

#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/verify_report.hpp"

namespace holdfast::cli {

namespace detail {

/// "touches data of 5 entries: a, b, c and 2 more"
inline std::string format_touched(const ops::Touched& t) {
    constexpr std::size_t kShown = 3;  // JSON has more
    if (t.part == "unknown") return "perhaps touches data: the recipe cannot be read";
    std::string text = "touches " + t.part;
    if (t.is_entire)
        return text + (t.part == "data" ? ": the index cannot be read, so every file counts"
                                        : ": the whole component");
    if (t.files.empty()) return text;
    text += " of " + std::to_string(t.file_count) + (t.file_count == 1 ? " entry: " : " entries: ");
    const std::size_t shown = std::min(t.files.size(), kShown);
    for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + printable(t.files[i]);
    if (t.file_count > shown) text += " and " + std::to_string(t.file_count - shown) + " more";
    return text;
}

inline Json finding_json(const ops::Finding& f) {
    Json touched = Json::array();
    for (const ops::Touched& t : f.touched) {
        Json files = Json::array();
        for (const std::string& path : t.files) files.push_back(json_text(path));
        touched.push_back({{"component", t.component},
                           {"part", t.part},
                           {"is_entire", t.is_entire},
                           {"files", files},
                           {"file_count", t.file_count}});
    }
    return {{"severity", ops::severity_name(f.severity)},
            {"snapshot", f.snapshot},
            {"component", f.component},
            {"item", json_text(f.item)},
            {"what", json_text(f.what)},
            {"touched", touched}};
}

/// A row for each component that a bad object touches, else one.
inline void add_finding(const ops::Finding& f, Table& table) {
    const char* severity = ops::severity_name(f.severity);
    for (const ops::Touched& t : f.touched)
        table.add({severity, f.snapshot, t.component, f.item, f.what + "; " + format_touched(t)});
    if (f.touched.empty()) table.add({severity, f.snapshot, f.component, f.item, f.what});
}

inline Json coverage_json(const ops::Coverage& c) {
    return {{"count", c.count},
            {"bytes", c.bytes},
            {"total_count", c.total_count},
            {"total_bytes", c.total_bytes},
            {"runs_for_everything", c.runs()},
            {"never_verified_count", c.never_count},
            {"oldest_age_s", c.oldest_age ? Json(c.oldest_age->count()) : Json(nullptr)}};
}

inline std::string format_coverage(const ops::Coverage& c, const std::string& unit) {
    const double percent =
        c.total_bytes == 0 ? 100 : 100 * static_cast<double>(c.bytes) / static_cast<double>(c.total_bytes);
    char part[16];
    std::snprintf(part, sizeof part, "%.1f %%", percent);
    return "this run: " + std::to_string(c.count) + " of " + std::to_string(c.total_count) + " " + unit +
           ", " + format_bytes(c.bytes) + " of " + format_bytes(c.total_bytes) + " (" + part + "); " +
           std::to_string(c.runs()) + " such runs cover everything; " +
           (c.oldest_age ? "the longest unverified was verified " + format_duration(*c.oldest_age) + " ago"
                         : std::to_string(c.never_count) + " never verified yet");
}

/// "5 snapshots, 7 objects, 1.2 MiB", or the part of them that was looked at.
inline std::string format_scope(const ops::VerifyReport& report) {
    return (report.is_part ? "a part of " : "") + std::to_string(report.snapshots.size()) +
           " snapshots: " + std::to_string(report.objects) + " objects, " + format_bytes(report.bytes);
}

/// What to do next depends on what was found.
inline std::vector<std::string> hints(const ops::VerifyReport& report) {
    bool has_bad = false, has_missing = false;
    for (const ops::Finding& f : report.findings) {
        if (!f.item.starts_with("object ")) continue;
        const bool is_missing = f.what.starts_with("is missing");
        (is_missing ? has_missing : has_bad) = true;
    }
    std::vector<std::string> out;
    if (has_bad && report.quarantined.empty())
        out.push_back(
            "first restore what you need with restore --path: what is not touched is still there; then "
            "verify "
            "--quarantine moves damaged objects away, and the next snap stores their content anew from the "
            "source");
    else if (has_bad)
        out.push_back("the next snap stores the moved content anew from the source");
    if (has_missing)
        out.push_back(
            "a missing object cannot be made here: put it back from another copy of the repository, or give "
            "up the "
            "snapshots that need it: prune --forget ID");
    if (!report.is_part && report.snapshots.size() > 1) out.push_back("the snapshots not listed are whole");
    return out;
}

inline void say_verify_notes(const ops::VerifyReport& report) {
    for (const std::string& note : report.notes) say("verify", "note", note);
    for (const ops::Quarantined& q : report.quarantined)
        say("verify", "note", "object " + q.object.hex() + " was moved to quarantine/" + q.file);
    if (report.coverage)
        say("verify", "note", format_coverage(*report.coverage, report.is_deep ? "components" : "objects"));
}

}  // namespace detail

inline void print_verify_report(const ops::VerifyReport& report, const CommonFlags& flags) {
    Json json = {{"snapshots", report.snapshots},
                 {"objects", report.objects},
                 {"stored_bytes", report.bytes},
                 {"result", report.exit_code() == 0             ? "ok"
                            : report.has(ops::Severity::damage) ? "damaged"
                                                                : "warnings"},
                 {"findings", Json::array()},
                 {"quarantined", Json::array()},
                 {"newest_rows", Json::array()}};
    for (const auto& [snapshot, rows] : report.newest_rows)
        for (const auto& [component, time] : rows)
            json["newest_rows"].push_back(
                {{"snapshot", snapshot}, {"component", component}, {"time_utc", format_utc(time)}});
    if (report.coverage) json["coverage"] = detail::coverage_json(*report.coverage);
    std::set<std::string> damaged;
    Table table({{"SEVERITY"}, {"SNAPSHOT"}, {"COMPONENT"}, {"ITEM"}, {"WHAT"}});
    for (const ops::Finding& f : report.findings) {
        if (f.severity == ops::Severity::damage) damaged.insert(f.snapshot);
        json["findings"].push_back(detail::finding_json(f));
        detail::add_finding(f, table);
    }
    for (const ops::Quarantined& q : report.quarantined)
        json["quarantined"].push_back({{"object", q.object.hex()}, {"file", q.file}});
    if (flags.json)
        print_json(json);
    else if (!table.empty())
        print(::isatty(STDOUT_FILENO) == 1 ? table.text() : table.tsv());
    if (!flags.quiet) detail::say_verify_notes(report);
    const std::string looked_at = detail::format_scope(report);
    if (report.has(ops::Severity::damage)) {
        say("verify", "error",
            "damage in " + std::to_string(damaged.size()) + " snapshots; looked at " + looked_at);
        for (const std::string& hint : detail::hints(report)) say("verify", "hint", hint);
    } else if (!flags.quiet) {
        say("verify", "note",
            (report.findings.empty() ? "no damage in " : "no damage, but warnings, in ") + looked_at);
    }
}

}  // namespace holdfast::cli
