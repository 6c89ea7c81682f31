// cli/schedule_report.hpp - what the tool schedule answers: the next runs, warnings, and other forms of a schedule.
#pragma once

#include <string>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/cli/flags.hpp"
#include "holdfast/cli/output.hpp"
#include "holdfast/cli/report.hpp"
#include "holdfast/policy/cron_lint.hpp"
#include "holdfast/policy/cron_translate.hpp"

namespace holdfast::cli {

struct ScheduleFlags {
    std::string expression, zone, host, after, command;
    std::size_t count = 5;
    bool json = false;

    TimeZone host_zone() const { return host.empty() ? TimeZone::of_host() : TimeZone::find(host); }
    TimeZone chosen_zone() const { return zone.empty() ? host_zone() : TimeZone::find(zone); }
    SystemSeconds start() const {
        if (after.empty()) return now_utc();
        if (const auto at = parse_utc(after)) return *at;
        throw Error(Kind::usage, in_quotes(after) + " is not a time", "write 2026-11-20T14:00, which is UTC");
    }
};

namespace detail {

inline std::string run_local(SystemSeconds at, const TimeZone& zone) {
    return holdfast::detail::local_text(at, zone, "%a %Y-%m-%d %H:%M");
}

inline Json runs_json(const std::vector<SystemMinutes>& runs, const TimeZone& zone) {
    Json out = Json::array();
    for (const SystemMinutes at : runs)
        out.push_back({{"utc", format_utc(at)}, {"local", run_local(at, zone)}});
    return out;
}

inline std::string runs_text(const std::vector<SystemMinutes>& runs, const TimeZone& zone) {
    Table table({{zone.name()}, {"UTC"}});
    for (const SystemMinutes at : runs) table.add({run_local(at, zone), format_utc(at)});
    return table.text();
}

}  // namespace detail

/// Throws: usage, not_found if it never runs.
inline void print_next(const ScheduleFlags& flags) {
    const CronSchedule schedule = parse_cron(flags.expression);
    const TimeZone zone = flags.chosen_zone();
    const auto runs = next_runs(schedule, zone, flags.start(), flags.count);
    if (runs.empty())
        throw Error(Kind::not_found, in_quotes(schedule.text) + " never runs: there is no such date",
                    "correct the day or the month");
    if (flags.json)
        print_json(
            {{"expression", schedule.text}, {"zone", zone.name()}, {"runs", detail::runs_json(runs, zone)}});
    else
        print(detail::runs_text(runs, zone));
}

/// 0, or 4 if there are warnings.
inline int print_lint(const ScheduleFlags& flags) {
    const CronSchedule schedule = parse_cron(flags.expression);
    const TimeZone zone = flags.chosen_zone();
    const SystemSeconds now = flags.start();
    const auto warnings = lint(schedule, {zone, !flags.zone.empty(), now, flags.command});
    const auto runs = next_runs(schedule, zone, now, flags.count);
    if (flags.json) {
        Json found = Json::array();
        for (const ScheduleWarning& w : warnings)
            found.push_back({{"what", w.what}, {"message", w.message}, {"hint", w.hint}});
        print_json({{"expression", schedule.text},
                    {"zone", zone.name()},
                    {"runs", detail::runs_json(runs, zone)},
                    {"warnings", found}});
    } else {
        if (!runs.empty()) print(detail::runs_text(runs, zone));
        for (const ScheduleWarning& w : warnings)
            print("warning: " + printable(w.message) + "\n   hint: " + printable(w.hint) + "\n");
    }
    return warnings.empty() ? 0 : static_cast<int>(Kind::partial);
}

/// One line for a crontab of this host: "exact", or "wake" if the job must ask `schedule due` first; a tab; the fields.
inline void print_cron(const ScheduleFlags& flags) {
    const CronSchedule schedule = parse_cron(flags.expression);
    const bool exact = same_clock(flags.chosen_zone(), flags.host_zone(), flags.start());
    print(tsv_line({exact ? "exact" : "wake", exact ? schedule.text : wake_expression(schedule)}));
}

inline void print_calendar(const ScheduleFlags& flags) {
    const CronSchedule schedule = parse_cron(flags.expression);
    for (const std::string& line : calendar_lines(schedule, flags.chosen_zone().name())) print_line(line);
}

inline void print_due(const ScheduleFlags& flags) {
    const CronSchedule schedule = parse_cron(flags.expression);
    print_line(is_due(schedule, flags.chosen_zone(), flags.start()) ? "yes" : "no");
}

}  // namespace holdfast::cli
