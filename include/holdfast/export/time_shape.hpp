// export/time_shape.hpp - texts that are times, as numbers and exactly back again.
//
// A shape is a time with zeros for its digits: "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00.000Z". A column of
// one shape becomes microseconds and nothing is lost. Times without Z count as UTC.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

/// Nothing if it is none: date, then perhaps blank or T, hours and minutes, seconds, 1 to 6 decimals, Z.
inline std::optional<std::string> time_shape_of(std::string_view text) {
    constexpr std::size_t kLongest = 27;
    if (text.size() < 10 || text.size() > kLongest) return std::nullopt;
    std::string shape(text);
    std::replace_if(
        shape.begin(), shape.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
    std::string_view rest = shape;
    const auto eat = [&](std::string_view part) {
        if (!rest.starts_with(part)) return false;
        rest.remove_prefix(part.size());
        return true;
    };
    if (!eat("0000-00-00")) return std::nullopt;
    if (rest.empty()) return shape;
    if (!eat(" 00:00") && !eat("T00:00")) return std::nullopt;
    if (eat(":00") && eat(".")) {
        const std::size_t digits = std::min(rest.find_first_not_of('0'), rest.size());
        if (digits < 1 || digits > 6) return std::nullopt;
        rest.remove_prefix(digits);
    }
    eat("Z");
    return rest.empty() ? std::optional(shape) : std::nullopt;
}

namespace detail {
inline constexpr std::int64_t kMicros = 1'000'000;

/// The number at `at`; 0 where the text has no such part.
inline std::int64_t digits_at(std::string_view text, std::size_t at, std::size_t count) {
    std::int64_t number = 0;
    for (std::size_t i = at; i < at + count && i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
        number = number * 10 + (text[i] - '0');
    return number;
}
inline std::size_t decimals_of(std::string_view shape) {
    return shape.size() < 21 || shape[19] != '.' ? 0 : shape.substr(20).find_last_of('0') + 1;
}
}  // namespace detail

/// Microseconds since 1970; nothing if the text has another shape or is no time, such as 30 February.
inline std::optional<std::int64_t> micros_of(std::string_view text, std::string_view shape) {
    if (time_shape_of(text) != std::optional(std::string(shape))) return std::nullopt;
    const auto part = [&](std::size_t at, std::size_t count) { return detail::digits_at(text, at, count); };
    const std::chrono::year_month_day day{std::chrono::year{static_cast<int>(part(0, 4))},
                                          std::chrono::month{static_cast<unsigned>(part(5, 2))},
                                          std::chrono::day{static_cast<unsigned>(part(8, 2))}};
    const std::int64_t hour = part(11, 2), minute = part(14, 2), second = part(17, 2);
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const std::size_t decimals = detail::decimals_of(shape);
    std::int64_t fraction = part(20, decimals);
    for (std::size_t i = decimals; i < 6; ++i) fraction *= 10;
    const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * detail::kMicros +
           (decimals > 0 ? fraction : 0);
}

/// The text again; nothing if the time does not have that shape, such as seconds in a date.
inline std::optional<std::string> text_of_micros(std::int64_t micros, std::string_view shape) {
    const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds{micros}};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{day};
    const std::int64_t inside = (at - day).count();
    std::string text(shape);
    const auto put = [&](std::size_t place, std::size_t count, std::int64_t number) {
        for (std::size_t i = count; i-- > 0; number /= 10)
            if (place + i < text.size()) text[place + i] = static_cast<char>('0' + number % 10);
    };
    put(0, 4, static_cast<int>(date.year()));
    put(5, 2, static_cast<unsigned>(date.month()));
    put(8, 2, static_cast<unsigned>(date.day()));
    if (shape.size() > 10) {
        put(11, 2, inside / (3600 * detail::kMicros));
        put(14, 2, inside / (60 * detail::kMicros) % 60);
    }
    if (shape.size() > 18 && shape[16] == ':') put(17, 2, inside / detail::kMicros % 60);
    if (const std::size_t decimals = detail::decimals_of(shape); decimals > 0) {
        std::int64_t fraction = inside % detail::kMicros;
        for (std::size_t i = decimals; i < 6; ++i) fraction /= 10;
        put(20, decimals, fraction);
    }
    return micros_of(text, shape) == std::optional(micros) ? std::optional(text) : std::nullopt;
}

/// Are all texts of a column times of one shape?
class CommonShape {
public:
    void add(std::string_view text) {
        if (is_broken_) return;
        if (shape_.empty()) shape_ = time_shape_of(text).value_or("");
        is_broken_ = shape_.empty() || !micros_of(text, shape_);
    }
    void add_other() { is_broken_ = true; }
    /// Empty: they are not, or there is no text.
    std::string shape() const { return is_broken_ ? std::string{} : shape_; }

private:
    std::string shape_;
    bool is_broken_ = false;
};

}  // namespace holdfast
