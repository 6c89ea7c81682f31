// cli/calendar.hpp - the snapshots of a year, day by day, as a picture and as a table.
#pragma once

#include "holdfast/cli/drill_text.hpp"
#include "holdfast/cli/svg.hpp"
#include "holdfast/policy/status.hpp"

namespace holdfast::cli {

namespace detail {

inline constexpr double kDayStep = 12, kDaySize = 10, kDaysLeft = 24, kDaysTop = 14;

inline const char* day_colour(const StatusDay& day, bool is_before) {
    switch (day.state) {
        case DayState::empty: return is_before ? "quiet" : "hollow";
        case DayState::good: return day.snapshots > 9 ? "blue" : day.snapshots > 1 ? "blue-2" : "blue-3";
        case DayState::incomplete: return "orange";
        case DayState::damaged: return "red";
    }
    return "quiet";
}

inline Html day_words(const StatusDay& day) {
    const Html which = format_time(SystemSeconds{day.day}, "%a %Y-%m-%d: ");
    if (day.snapshots == 0) return which + "no snapshot";
    return which + count_of(day.snapshots, "snapshot") +
           (day.state == DayState::damaged      ? ", damage found"
            : day.state == DayState::incomplete ? ", partial or suspect"
                                                : "");
}

/// The cell of a day; what is not good has a mark in it, so that it shows without colour too.
inline Html day_cell(const StatusDay& day, double x, double y, bool is_before) {
    const double inset = day.state == DayState::empty && !is_before ? 0.5 : 0;
    Html cell = svg_rect(x + inset, y + inset, kDaySize - 2 * inset, kDaySize - 2 * inset,
                         day_colour(day, is_before));
    if (day.state == DayState::damaged)
        cell += svg_line("mark", x + 2.5, y + 2.5, x + 7.5, y + 7.5) +
                svg_line("mark", x + 7.5, y + 2.5, x + 2.5, y + 7.5);
    if (day.state == DayState::incomplete) cell += svg_line("mark", x + 2.5, y + 5, x + 7.5, y + 5);
    return svg_titled(day_words(day), cell);
}

inline Html svg_word(double x, double y, const char* anchor, const Html& word) {
    return "<text x=\""_html + svg_number(x) + "\" y=\""_html + svg_number(y) + "\" text-anchor=\""_html +
           anchor + "\">"_html + word + "</text>\n"_html;
}

/// Some weeks of the year as columns of seven days, Monday at the top.
inline Html weeks_svg(const std::vector<StatusDay>& days, std::size_t first, std::size_t last,
                      std::chrono::sys_days begun) {
    const std::size_t weeks = (last - first + 6) / 7;
    const Html width = svg_number(kDaysLeft + kDayStep * 27), height = svg_number(kDaysTop + kDayStep * 7);
    std::uint64_t full = 0;
    for (std::size_t i = first; i < last; ++i) full += days[i].snapshots > 0 ? 1 : 0;
    const auto date = [&](std::size_t i) { return format_time(SystemSeconds{days[i].day}, "%Y-%m-%d"); };
    Html out = "<svg viewBox=\"0 0 "_html + width + " "_html + height + "\" role=\"img\" aria-label=\""_html +
               "Snapshots from " + date(first) + " to " + date(last - 1) + ": on " + std::to_string(full) +
               " of " + std::to_string(last - first) +
               " days there is one. The table below has the months.\">\n"_html;
    const char* const names[] = {"Mon", "", "Wed", "", "Fri", "", ""};
    for (int row = 0; row < 7; ++row)
        if (*names[row] != '\0')
            out += svg_word(kDaysLeft - 4, kDaysTop + kDayStep * row + 8, "end", names[row]);
    for (std::size_t week = 0; week < weeks; ++week) {
        const double x = kDaysLeft + kDayStep * static_cast<double>(week);
        for (std::size_t i = first + week * 7; i < std::min(last, first + week * 7 + 7); ++i) {
            const std::chrono::year_month_day date_of{days[i].day};
            if (date_of.day() == std::chrono::day{1} && week + 1 < weeks)
                out += svg_word(x, kDaysTop - 5, "start", format_time(SystemSeconds{days[i].day}, "%b"));
            out += day_cell(days[i], x, kDaysTop + kDayStep * static_cast<double>((i - first) % 7),
                            days[i].day < begun);
        }
    }
    return out + "</svg>\n"_html;
}

}  // namespace detail

/// Two half years, which stand side by side where there is room.
inline Html calendar_svg(const std::vector<StatusDay>& days, std::chrono::sys_days begun) {
    constexpr std::size_t kHalf = std::size_t{26} * 7;
    return "<div class=\"year\">\n"_html + detail::weeks_svg(days, 0, kHalf, begun) +
           detail::weeks_svg(days, kHalf, days.size(), begun) + "</div>\n<ul class=\"keys\">\n"_html +
           html_key("blue-3", "1 snapshot") + html_key("blue-2", "2 to 9") + html_key("blue", "10 and more") +
           html_key("orange", "\xe2\x88\x92 partial or suspect") + html_key("red", "\xc3\x97 damage found") +
           html_key("hollow", "none") + "</ul>\n"_html;
}

/// The same in words: a row for each month.
inline Html calendar_table(const std::vector<StatusDay>& days, std::chrono::sys_days begun) {
    HtmlTable table("Snapshots by the month in which they were begun (UTC), as far as they are still kept.",
                    {{"Month"},
                     {"Days with one", Align::right},
                     {"Snapshots", Align::right},
                     {"Days partial or suspect", Align::right},
                     {"Days with damage", Align::right},
                     {"Added", Align::right}});
    for (std::size_t i = days.size(); i > 0;) {
        const std::string month = format_time(SystemSeconds{days[i - 1].day}, "%Y-%m");
        std::uint64_t all = 0, full = 0, snapshots = 0, incomplete = 0, damaged = 0, bytes = 0;
        for (; i > 0 && format_time(SystemSeconds{days[i - 1].day}, "%Y-%m") == month; --i) {
            const StatusDay& day = days[i - 1];
            all += day.day >= begun ? 1 : 0;
            full += day.snapshots > 0 ? 1 : 0;
            incomplete += day.state == DayState::incomplete ? 1 : 0;
            damaged += day.state == DayState::damaged ? 1 : 0;
            snapshots += day.snapshots;
            bytes += day.stored_bytes;
        }
        if (all == 0 && full == 0) continue;
        table.add({month, std::to_string(full) + " of " + std::to_string(std::max(all, full)),
                   std::to_string(snapshots), std::to_string(incomplete), std::to_string(damaged),
                   format_bytes(bytes)});
    }
    return table.markup();
}

}  // namespace holdfast::cli
