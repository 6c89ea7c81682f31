// policy/cron_translate.hpp - a schedule of one zone, said to a scheduler that cannot name it, or in systemd's words.
//
// Debian's cron reads every line in the zone of the host. For another zone it is woken at each minute that may be
// the one (offsets of zones are multiples of 15 minutes), and is_due() decides: exact also when either zone
// changes its clocks, and when the host is set to another zone.
#pragma once

#include <bitset>
#include <chrono>
#include <string>
#include <vector>

#include "holdfast/policy/cron_runs.hpp"

namespace holdfast {

namespace detail {

/// "00,15..20" from a set; "*" if it is everything from `low` to `high`.
template <class Set, class Name>
std::string calendar_list(const Set& set, unsigned low, unsigned high, Name name) {
    std::string out;
    bool all = true;
    for (unsigned i = low; i <= high; ++i) {
        if (!set[i]) {
            all = false;
            continue;
        }
        unsigned last = i;
        while (last < high && set[last + 1]) ++last;
        out += (out.empty() ? "" : ",") + name(i);
        if (last > i) out += (last == i + 1 ? "," : "..") + name(last);
        i = last;
    }
    return all ? "*" : out;
}

inline std::string two_digits(unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); }

/// By minute of the hour.
inline std::bitset<60> wake_minutes(const CronSchedule& schedule) {
    std::bitset<60> out;
    for (unsigned m = 0; m < 60; ++m)
        if (schedule.minutes[m])
            for (unsigned other = m % 15; other < 60; other += 15) out.set(other);
    return out;
}

}  // namespace detail

/// Values of OnCalendar= that elapse at the same times; two if day and weekday are alternatives, as in cron.
inline std::vector<std::string> calendar_lines(const CronSchedule& s, const std::string& zone) {
    using namespace detail;
    constexpr const char* kDays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    std::bitset<7> from_monday;
    for (unsigned i = 0; i < 7; ++i) from_monday[i] = s.weekdays[(i + 1) % 7];
    const std::string weekdays =
        calendar_list(from_monday, 0, 6, [&](unsigned i) { return std::string(kDays[i]); });
    const std::string months = calendar_list(s.months, 1, 12, two_digits);
    const std::string days = calendar_list(s.days, 1, 31, two_digits);
    const std::string time = " " + calendar_list(s.hours, 0, 23, two_digits) + ":" +
                             calendar_list(s.minutes, 0, 59, two_digits) + ":00 " + zone;
    const std::string on_weekday = weekdays == "*" ? "" : weekdays + " ";
    if (s.star_day || s.star_weekday || weekdays == "*" || days == "*") {
        // Without a star, either suffices: "any day, or Monday" is any day.
        const bool both = s.star_day || s.star_weekday;
        return {(both ? on_weekday : "") + "*-" + months + "-" + (both ? days : "*") + time};
    }
    return {"*-" + months + "-" + days + time, on_weekday + "*-" + months + "-*" + time};
}

/// The minutes at which cron must ask is_due(), as an expression that means the same in every zone.
inline std::string wake_expression(const CronSchedule& schedule) {
    const std::bitset<60> minutes = detail::wake_minutes(schedule);
    std::string list;
    for (unsigned m = 0; m < 60 && !minutes.all(); ++m)
        if (minutes[m]) list += (list.empty() ? "" : ",") + std::to_string(m);
    return (list.empty() ? "*" : list) + " * * * *";
}

/// True if a run fell due after the last but one time to wake and not after the last: asked once at each such
/// minute, or a little late, it says so once for each run.
inline bool is_due(const CronSchedule& schedule, const TimeZone& zone, SystemSeconds now) {
    const std::bitset<60> minutes = detail::wake_minutes(schedule);
    const auto wake_before = [&](SystemMinutes at) {
        do at -= std::chrono::minutes{1};
        while (!minutes[static_cast<std::size_t>(at.time_since_epoch().count() % 60)]);
        return at;
    };
    const SystemMinutes last =
        wake_before(std::chrono::floor<std::chrono::minutes>(now) + std::chrono::minutes{1});
    const auto run = next_run(schedule, zone, wake_before(last));
    return run && *run <= last;
}

}  // namespace holdfast
