// policy/cron_lint.hpp - what an administrator should know about a schedule before trusting it.
//
// Warnings, not errors: each expression here is one that cron takes and runs, but perhaps not when it seems.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/policy/cron_runs.hpp"

namespace holdfast {

struct ScheduleWarning {
    std::string what;  // a word for programs: "day-or-weekday"
    std::string message, hint;
};

struct LintContext {
    const TimeZone& zone;
    bool zone_is_named = true;  // false: it is only what the host happens to be set to
    SystemSeconds now;
    std::string_view command = {};  // as it stands in the crontab; empty: not known
};

namespace detail {

inline constexpr std::chrono::days kLintReach{730};
inline constexpr std::chrono::minutes kOften{5};

inline std::string local_text(SystemSeconds at, const TimeZone& zone, const char* pattern) {
    return format_time(at + zone.offset(at), pattern);
}

inline void lint_days(const CronSchedule& s, std::vector<ScheduleWarning>& out) {
    const bool all_days = s.days.count() == 31, all_weekdays = s.weekdays.all();
    const bool star = s.star_day || s.star_weekday;
    if (star ? all_days || all_weekdays : all_days && all_weekdays) return;
    if (star)
        out.push_back(
            {"day-and-weekday",
             "a field that begins with * counts as a star: the line runs on days that match both the "
             "day of month and the day of week",
             "if that is not meant, write the days as a list"});
    else
        out.push_back(
            {"day-or-weekday",
             "day of month and day of week are both given, and cron runs the line when either matches",
             "the first Sunday of a month: 1-7 as days and a command that tests the weekday, or a systemd "
             "timer "
             "on Sun *-*-1..7"});
}

/// An unescaped % ends the command; the rest becomes its standard input.
inline void lint_command(std::string_view command, std::vector<ScheduleWarning>& out) {
    for (std::size_t i = 0; i < command.size(); ++i) {
        if (command[i] == '\\')
            ++i;
        else if (command[i] == '%')
            return out.push_back({"percent",
                                  "the command has a %, which crontab turns into the end of the line",
                                  "write \\% there, or move the command into a script"});
    }
}

/// Clock changes that meet the schedule. One that runs in every hour does not mind.
inline void lint_clock_changes(const CronSchedule& s, const LintContext& in,
                               std::vector<ScheduleWarning>& out) {
    if (s.hours.all()) return;
    std::string gaps, repeats;
    TimeZone::Stretch stretch = in.zone.stretch(in.now);
    while (stretch.end < in.now + kLintReach) {
        const auto old_offset = stretch.offset;
        stretch = in.zone.stretch(stretch.end);
        const auto jump = jump_at(in.zone, stretch);
        const LocalMinutes before = local_minute(stretch.begin, old_offset);
        const LocalMinutes after = local_minute(stretch.begin, stretch.offset);
        if (!first_match(s, std::min(before, after), std::max(before, after))) continue;
        std::string& list = jump > jump.zero() ? gaps : repeats;
        list += (list.empty() ? "" : ", ") + local_text(stretch.begin, in.zone, "%Y-%m-%d");
    }
    const std::string hint = "choose an hour that no clock change touches, or the zone UTC";
    if (!gaps.empty())
        out.push_back({"gap",
                       "in " + in.zone.name() + " that time does not exist on " + gaps +
                           (s.is_wildcard() ? ": cron leaves it out" : ": cron runs it right after the gap"),
                       hint});
    if (!repeats.empty())
        out.push_back(
            {"repeat",
             "in " + in.zone.name() + " that time comes twice on " + repeats +
                 (s.is_wildcard() ? ": cron runs it both times" : ": cron runs it the first time only"),
             hint});
}

inline void lint_runs(const CronSchedule& s, const LintContext& in, std::vector<ScheduleWarning>& out) {
    const auto runs = next_runs(s, in.zone, in.now, 300);
    if (runs.empty())
        return out.push_back(
            {"never", "there is no such date: it never runs", "correct the day or the month"});
    if (runs.front() - in.now > std::chrono::days{366})
        out.push_back({"rare",
                       "the next run is as far away as " + local_text(runs.front(), in.zone, "%Y-%m-%d"),
                       "29 February comes every four years"});
    for (std::size_t i = 1; i < runs.size(); ++i)
        if (runs[i] - runs[i - 1] < kOften)
            return out.push_back(
                {"often",
                 "runs follow each other within " + std::to_string((runs[i] - runs[i - 1]).count()) + " min",
                 "a run that takes longer makes the next one wait, or end as busy"});
}

}  // namespace detail

/// In the order in which they should be read; empty: nothing to say.
inline std::vector<ScheduleWarning> lint(const CronSchedule& schedule, const LintContext& in) {
    std::vector<ScheduleWarning> out;
    detail::lint_runs(schedule, in, out);
    detail::lint_days(schedule, out);
    detail::lint_command(in.command, out);
    detail::lint_clock_changes(schedule, in, out);
    if (!in.zone_is_named && !same_clock(in.zone, TimeZone::find("UTC"), in.now))
        out.push_back({"zone",
                       "no zone is named: the times are those of this host, " + in.zone.name() +
                           ", and move when it is set to another",
                       "name one with --zone " + in.zone.name() + ", or --zone UTC"});
    return out;
}

}  // namespace holdfast
