// cli/drill_text.hpp - a drill for people: the lines on a terminal, and the record in Markdown.
#pragma once

#include <cstdio>
#include <string>

#include "holdfast/base/units.hpp"
#include "holdfast/cli/notes.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/ops/drill_report.hpp"

namespace holdfast::cli {

/// "0.012 s", "3.4 s", "5 min 12 s", "2 h"
inline std::string format_seconds(double seconds) {
    char text[64];
    if (seconds < 120) {
        std::snprintf(text, sizeof text, seconds < 1 && seconds > 0 ? "%.3f s" : "%.1f s", seconds);
        return text;
    }
    const auto whole = static_cast<long long>(seconds);
    const bool in_hours = whole >= 7200;
    const long long coarse = whole / (in_hours ? 3600 : 60), fine = in_hours ? whole % 3600 / 60 : whole % 60;
    const std::string rest = fine == 0 ? "" : " " + std::to_string(fine) + (in_hours ? " min" : " s");
    return std::to_string(coarse) + (in_hours ? " h" : " min") + rest;
}

/// "1 file", "2 files"
inline std::string count_of(std::uint64_t n, const std::string& what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

inline std::string drill_verdict(const ops::DrillReport& r) {
    const std::string_view result = r.result();
    if (result == "failed") return "FAILED: not everything came back as it should";
    if (result == "missed") return "MISSED: everything came back, but not within its targets";
    return "PASSED: everything came back, proven, within its targets";
}

inline Table drill_table(const ops::DrillReport& r) {
    Table table({{"SOURCE"},
                 {"RESULT"},
                 {"SNAPSHOT"},
                 {"IDENTIFY", Align::right},
                 {"RETRIEVE", Align::right},
                 {"RESTORE", Align::right},
                 {"VERIFY", Align::right},
                 {"SIZE", Align::right},
                 {"AGE", Align::right}});
    for (const ops::DrilledSource& s : r.sources)
        table.add({s.source, s.has_passed() ? "passed" : "failed", s.snapshot.empty() ? "-" : s.snapshot,
                   format_seconds(s.seconds[0]), format_seconds(s.seconds[1]), format_seconds(s.seconds[2]),
                   format_seconds(s.seconds[3]), format_bytes(s.bytes),
                   s.started == SystemSeconds{} ? "-" : format_duration(s.age(r.began))});
    return table;
}

/// What went wrong, a line each, worst first; then what is worth knowing.
inline void say_drill(const ops::DrillReport& r, bool is_quiet) {
    const auto fail = [](const std::string& where, const ops::DrillFailure& f) {
        say("drill", "error", where + ": " + kDrillPhases[static_cast<std::size_t>(f.phase)] + ": " + f.what);
        if (!f.hint.empty()) say("drill", "hint", f.hint);
    };
    for (const ops::DrilledSource& s : r.sources) {
        if (s.failure) fail(in_quotes(s.source), *s.failure);
        for (const ops::CheckResult& c : s.checks)
            if (c.state == ops::CheckResult::State::failed)
                say("drill", "error",
                    in_quotes(c.component) + ": check " + in_quotes(c.name) + " failed: " + c.detail);
    }
    if (r.start_failure) fail("start", *r.start_failure);
    for (const ops::MissedTarget& m : r.missed)
        say("drill", "error",
            "target missed: " + m.what + " is " + format_seconds(m.actual_s) + ", allowed " +
                format_seconds(m.target_s));
    for (const ops::DrilledSource& s : r.sources) {
        for (const ops::CheckResult& c : s.checks)
            if (c.state == ops::CheckResult::State::unchecked)
                say("drill", "warn",
                    in_quotes(c.component) + ": " + in_quotes(c.name) + " proves nothing: " + c.detail);
        for (const std::string& w : s.warnings) say("drill", "warn", in_quotes(s.source) + ": " + w);
    }
    if (is_quiet) return;
    for (const std::string& note : r.notes) say("drill", "note", note);
    if (!r.kept.empty()) say("drill", "note", "what was restored is kept in " + in_quotes(r.kept));
    say("drill", "note", drill_verdict(r) + "; " + format_seconds(r.total_s()) + " in all");
}

namespace detail {

/// A cell of a Markdown table: what is read from a repository must not become markup.
inline std::string md(const std::string& text) {
    std::string out;
    for (const char c : printable(text)) {
        if (std::string_view("|*_`<>[]\\#&").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

inline std::string md_row(const std::vector<std::string>& cells) {
    std::string out = "|";
    for (const std::string& cell : cells) out += " " + cell + " |";
    return out + "\n";
}

inline std::string md_phases(const ops::DrillReport& r) {
    std::string out = "| phase | took | allowed | |\n| --- | ---: | ---: | --- |\n";
    const auto row = [&](const std::string& name, double took, std::optional<std::chrono::seconds> target) {
        const bool is_over = target && took > static_cast<double>(target->count());
        out += md_row({name, format_seconds(took),
                       target ? format_seconds(static_cast<double>(target->count())) : "",
                       !target   ? ""
                       : is_over ? "**missed**"
                                 : "met"});
    };
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (i != static_cast<std::size_t>(DrillPhase::start) || !r.config.start.empty())
            row(kDrillPhases[i], r.seconds[i], r.config.target[i]);
    row("total (RTO)", r.total_s(), r.config.total);
    if (r.data_loss)
        row("data loss (RPO)", static_cast<double>(r.data_loss->count()), r.config.max_data_loss);
    return out;
}

inline std::string md_source(const ops::DrilledSource& s, SystemSeconds began) {
    std::string out = "\n### " + md(s.source) + ": " + (s.has_passed() ? "passed" : "**failed**") + "\n\n";
    if (!s.snapshot.empty()) {
        out += "Snapshot `" + printable(s.snapshot) + "`" + (s.state.empty() ? "" : " (" + s.state + ")");
        if (s.started != SystemSeconds{})
            out += ", begun " + format_utc(s.started) + ", " + format_duration(s.age(began)) +
                   " before this drill";
        out += ".\n";
    }
    if (!s.signature.empty()) out += "Its signature is " + md(s.signature) + ".\n";
    if (const auto newest = s.newest())
        out += "The newest row in it is of " + format_utc(*newest) + ", " + format_duration(began - *newest) +
               " before this drill.\n";
    if (s.components != 0)
        out += "Restored: " + count_of(s.components, "component") + ", " + count_of(s.files, "file") + ", " +
               format_bytes(s.bytes) + ", out of " + count_of(s.objects, "object") + " of " +
               format_bytes(s.stored_bytes) + ".\n";
    if (s.failure)
        out += "\n**It ended in " + std::string(kDrillPhases[static_cast<std::size_t>(s.failure->phase)]) +
               "**: " + md(s.failure->what) +
               (s.failure->hint.empty() ? "" : "\nWhat to do: " + md(s.failure->hint)) + "\n";
    out += "\n| phase | took |\n| --- | ---: |\n";
    for (std::size_t i = 0; i + 1 < kDrillPhases.size(); ++i)
        out += md_row({kDrillPhases[i], format_seconds(s.seconds[i])});
    if (!s.checks.empty()) out += "\n| check | component | result | |\n| --- | --- | --- | --- |\n";
    for (const ops::CheckResult& c : s.checks) {
        const std::string state = ops::word_for(c.state);
        out +=
            md_row({md(c.name), md(c.component),
                    c.state == ops::CheckResult::State::passed ? state : "**" + state + "**", md(c.detail)});
    }
    for (const std::string& w : s.warnings) out += "\n- " + md(w);
    return out + (s.warnings.empty() ? "" : "\n");
}

}  // namespace detail

inline std::string drill_markdown(const ops::DrillReport& r) {
    std::string out =
        "# Recovery test of " + format_time(r.began, "%Y-%m-%d") + "\n\n**" + drill_verdict(r) + ".**\n\n";
    out += "- began: " + format_utc(r.began) + "\n- repository: " + detail::md(r.repository) +
           "\n- snapshots: the " + r.pick + (r.pick == "named" ? " one" : " of each source") +
           "\n- restored by: " + (r.with_stock_tools ? "recover.sh with stock tools only" : "holdfast") +
           (r.is_rehearsal ? "\n- a rehearsal on a copy of the live data, whose loss was simulated" : "") +
           "\n\n" + detail::md_phases(r) + "\n";
    if (!r.data_loss)
        out += "The loss of data is not judged: it was not the newest snapshots that were restored.\n\n";
    if (r.start_failure)
        out += "**Starting on the restored data failed**: " + detail::md(r.start_failure->what) + "\n\n";
    out += "## Sources\n";
    for (const ops::DrilledSource& s : r.sources) out += detail::md_source(s, r.began);
    out += "\n## Earlier drills\n\n| began | took | |\n| --- | ---: | --- |\n";
    constexpr std::size_t kShown = 12;
    const std::size_t first = r.history.size() > kShown ? r.history.size() - kShown : 0;
    for (std::size_t i = r.history.size(); i-- > first;)
        out += detail::md_row({detail::md(r.history[i].time_utc), format_seconds(r.history[i].total_s),
                               r.history[i].has_passed ? "passed" : "not passed"});
    for (const std::string& note : r.notes) out += "\n- " + detail::md(note);
    return out + (r.notes.empty() ? "" : "\n");
}

}  // namespace holdfast::cli
