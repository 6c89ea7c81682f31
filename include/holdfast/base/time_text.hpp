// base/time_text.hpp - times as databases hold them: ISO 8601 in its usual forms, or a number since 1970.
//
// "2026-11-20T14:00:05.123+01:00", a blank for the T, no zone (then UTC), no seconds, a date alone. A number is taken for
// seconds, milliseconds, microseconds or nanoseconds by its size: as seconds, 1e11 would be the year 5138. 20261120 is a
// day: as seconds it would lie in 1970.
#pragma once

#include <cctype>

#include "holdfast/base/units.hpp"
#include "holdfast/base/utc.hpp"

namespace holdfast {

/// As text or as a database gives it; a fraction of a second is dropped. Nothing if it is no number.
inline std::optional<SystemSeconds> parse_unix_time(std::string_view text) {
    const auto number = parse_number<double>(text);
    if (!number || !(*number > -1e20 && *number < 1e20)) return std::nullopt;
    double seconds = *number;
    for (int unit = 0; unit < 3 && (seconds >= 1e11 || seconds <= -1e11); ++unit) seconds /= 1000;
    if (seconds >= 1e11 || seconds <= -1e11) return std::nullopt;
    const auto whole = static_cast<std::int64_t>(seconds);
    return SystemSeconds{std::chrono::seconds{static_cast<double>(whole) > seconds ? whole - 1 : whole}};
}

namespace detail {

/// Cuts "+01:00", "+0100" or "+01" off the end of a time of day; nothing if what follows is no zone.
inline std::optional<std::chrono::minutes> cut_zone(std::string_view& text) {
    const std::size_t day = text.find_first_of("T ");
    const std::size_t sign = day == std::string_view::npos ? day : text.find_first_of("+-", day);
    if (sign == std::string_view::npos) return std::chrono::minutes{0};
    std::string digits;
    const std::string_view zone = text.substr(sign + 1);
    for (std::size_t i = 0; i < zone.size(); ++i)
        if (zone[i] != ':' || i != 2) digits += zone[i];
    if (digits.size() == 2) digits += "00";
    const auto hours = parse_number<unsigned>(std::string_view(digits).substr(0, 2));
    const auto minutes = digits.size() == 4 ? parse_number<unsigned>(digits.substr(2)) : std::nullopt;
    if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
    const std::chrono::minutes east{*hours * 60 + *minutes};
    const bool is_west = text[sign] == '-';
    text = text.substr(0, sign);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return is_west ? -east : east;
}

/// Cuts ".123" or ",123" off the end; false if what follows the dot is no fraction.
inline bool cut_fraction(std::string_view& text) {
    const std::size_t dot = text.find_first_of(".,");
    if (dot == std::string_view::npos) return true;
    const std::string_view digits = text.substr(dot + 1);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return false;
    text = text.substr(0, dot);
    return true;
}

}  // namespace detail

/// Nothing if it is no time.
inline std::optional<SystemSeconds> parse_time(std::string_view text) {
    if (text.size() == 8 && (text.starts_with("19") || text.starts_with("20"))) {
        const std::string day{text};
        if (const auto at = parse_utc(day.substr(0, 4) + "-" + day.substr(4, 2) + "-" + day.substr(6)))
            return at;
    }
    if (const auto number = parse_unix_time(text)) return number;
    for (const std::string_view utc : {" UTC", "Z", "z"})
        if (text.ends_with(utc)) {
            text.remove_suffix(utc.size());
            text = text.substr(0, text.find_last_not_of(' ') + 1);
            break;
        }
    const auto east = detail::cut_zone(text);
    if (!east || !detail::cut_fraction(text)) return std::nullopt;
    std::string iso{text};
    if (iso.size() > 10 && iso[10] == ' ') iso[10] = 'T';
    if (iso.find(' ') != std::string::npos) return std::nullopt;  // strptime would skip it
    const auto at = parse_utc(iso);
    return at ? std::optional(*at - *east) : std::nullopt;
}

}  // namespace holdfast
