// policy/cron_runs.hpp - when Debian's cron runs an expression: the next times after a given one, in a zone.
//
// When clocks jump by less than three hours, cron does this (crontab(5), and cron.c of 3.0pl1-162):
//   forward   jobs with fixed minutes and hours that fall into the gap run right after it; wildcard jobs do not
//   backward  jobs with fixed minutes and hours do not run again in the hour that repeats; wildcard jobs do
// A greater jump is taken as a clock that was set: what falls into it is left out, what repeats runs again.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "holdfast/policy/cron_schedule.hpp"
#include "holdfast/wrap/time_zone.hpp"

namespace holdfast {

using SystemMinutes = std::chrono::sys_time<std::chrono::minutes>;
using LocalMinutes = std::chrono::local_time<std::chrono::minutes>;

namespace detail {

inline constexpr std::chrono::minutes kSmallestGap{5};  // less is cron waking up late, which it makes up for
inline constexpr std::chrono::minutes kGreatestJump{180};
inline constexpr std::chrono::days kCalendarCycle{146097};  // 400 years: dates and weekdays repeat

inline LocalMinutes local_minute(SystemSeconds at, std::chrono::seconds offset) {
    return LocalMinutes{std::chrono::floor<std::chrono::minutes>(at.time_since_epoch() + offset)};
}
inline SystemMinutes minute_from(SystemSeconds at) { return std::chrono::ceil<std::chrono::minutes>(at); }

}  // namespace detail

/// The first minute in [from, end) of the wall clock that the fields name.
inline std::optional<LocalMinutes> first_match(const CronSchedule& schedule, LocalMinutes from,
                                               LocalMinutes end) {
    using namespace std::chrono;
    for (auto day = floor<days>(from); day < end; day += days{1}) {
        if (!schedule.has_date(day)) continue;
        for (unsigned h = 0; h < 24; ++h)
            for (unsigned m = 0; schedule.hours[h] && m < 60; ++m) {
                const LocalMinutes at = day + hours{h} + minutes{m};
                if (schedule.minutes[m] && at >= from && at < end) return at;
            }
    }
    return std::nullopt;
}

/// The change of the clock at the start of a stretch; zero if there is none.
inline std::chrono::minutes jump_at(const TimeZone& zone, const TimeZone::Stretch& stretch) {
    const auto before = zone.stretch(stretch.begin - std::chrono::seconds{1}).offset;
    return std::chrono::duration_cast<std::chrono::minutes>(stretch.offset - before);
}

/// Whether two zones show the same time for two years, whatever they are called.
inline bool same_clock(const TimeZone& a, const TimeZone& b, SystemSeconds from) {
    for (SystemSeconds at = from; at < from + std::chrono::days{730};) {
        const TimeZone::Stretch one = a.stretch(at), other = b.stretch(at);
        if (one.offset != other.offset) return false;
        at = std::min(one.end, other.end);
    }
    return true;
}

/// The first run later than `after`; nothing if there is no such date in the calendar.
inline std::optional<SystemMinutes> next_run(const CronSchedule& schedule, const TimeZone& zone,
                                             SystemSeconds after) {
    using namespace detail;
    SystemMinutes from = std::chrono::floor<std::chrono::minutes>(after) + std::chrono::minutes{1};
    const SystemMinutes horizon = from + kCalendarCycle;
    while (from < horizon) {
        const TimeZone::Stretch stretch = zone.stretch(from);
        const SystemMinutes end = std::min(minute_from(stretch.end), horizon);
        if (!schedule.is_wildcard() && from < stretch.begin + kGreatestJump) {
            const auto begin = minute_from(stretch.begin);
            const auto jump = jump_at(zone, stretch);
            const LocalMinutes resumed = local_minute(begin, stretch.offset);
            if (jump >= kSmallestGap && jump < kGreatestJump && from <= begin &&
                first_match(schedule, resumed - jump, resumed))
                return begin;
            if (jump < jump.zero() && jump >= -kGreatestJump) from = std::max(from, begin - jump);
        }
        const LocalMinutes local = local_minute(from, stretch.offset);
        if (const auto at = first_match(schedule, local, local + (end - from))) return from + (*at - local);
        from = std::max(from, end);
    }
    return std::nullopt;
}

/// Up to `count` runs, ascending.
inline std::vector<SystemMinutes> next_runs(const CronSchedule& schedule, const TimeZone& zone,
                                            SystemSeconds after, std::size_t count) {
    std::vector<SystemMinutes> out;
    SystemSeconds last = after;
    while (out.size() < count) {
        const auto at = next_run(schedule, zone, last);
        if (!at) break;
        out.push_back(*at);
        last = *at;
    }
    return out;
}

}  // namespace holdfast
