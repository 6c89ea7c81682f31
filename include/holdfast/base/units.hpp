// base/units.hpp - sizes, durations and shares as people write them.
//
// Sizes print in IEC units (1.5 GiB) and parse in IEC and SI. Durations parse as 90s 15m 25h 30d 52w 1y
// (a year is 365 days) and "forever". Shares parse as 5%, 0.5% and 100%.
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

constexpr std::uint64_t operator""_KiB(unsigned long long n) { return n << 10; }
constexpr std::uint64_t operator""_MiB(unsigned long long n) { return n << 20; }
constexpr std::uint64_t operator""_GiB(unsigned long long n) { return n << 30; }

inline constexpr std::chrono::seconds kForever{std::numeric_limits<std::int32_t>::max()};

/// Any whole decimal number that fits, nothing around it.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

inline std::string format_bytes(std::uint64_t bytes) {
    static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
        value /= 1024;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
    return text;
}

inline std::string format_duration(std::chrono::seconds d) {
    const long long s = d.count();
    if (s >= kForever.count()) return "forever";
    if (s < 120) return std::to_string(s) + " s";
    if (s < 2 * 3600) return std::to_string(s / 60) + " min";
    if (s < 2 * 86400) return std::to_string(s / 3600) + " h";
    return std::to_string(s / 86400) + " d";
}

namespace detail {
/// Splits "1.5GiB" into digits and unit; no sign, no exponent.
inline std::optional<std::pair<double, std::string_view>> parse_quantity(std::string_view text) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    const std::string_view number = text.substr(0, digits);
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (number.empty() || error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
    std::string_view unit = digits == std::string_view::npos ? std::string_view{} : text.substr(digits);
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    return std::pair{value, unit};
}
}  // namespace detail

inline std::optional<std::uint64_t> parse_bytes(std::string_view text) {
    struct Unit {
        std::string_view name;
        double factor;
    };
    static constexpr Unit kUnits[] = {{"", 1},
                                      {"B", 1},
                                      {"K", 1024},
                                      {"KiB", 1024},
                                      {"M", 1048576},
                                      {"MiB", 1048576},
                                      {"G", 1073741824},
                                      {"GiB", 1073741824},
                                      {"T", 1099511627776},
                                      {"TiB", 1099511627776},
                                      {"kB", 1e3},
                                      {"KB", 1e3},
                                      {"MB", 1e6},
                                      {"GB", 1e9},
                                      {"TB", 1e12}};
    const auto quantity = detail::parse_quantity(text);
    if (!quantity) return std::nullopt;
    for (const Unit& unit : kUnits)
        if (unit.name == quantity->second && quantity->first * unit.factor < 9e18)
            return static_cast<std::uint64_t>(quantity->first * unit.factor);
    return std::nullopt;
}

inline std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
    if (text == "forever") return kForever;
    struct Unit {
        std::string_view name;
        double seconds;
    };
    static constexpr Unit kUnits[] = {{"s", 1},     {"m", 60},     {"min", 60},    {"h", 3600},
                                      {"d", 86400}, {"w", 604800}, {"y", 31536000}};
    const auto quantity = detail::parse_quantity(text);
    if (!quantity) return std::nullopt;
    for (const Unit& unit : kUnits) {
        const double seconds = quantity->first * unit.seconds;
        if (unit.name == quantity->second && seconds < static_cast<double>(kForever.count()))
            return std::chrono::seconds{static_cast<std::int64_t>(seconds)};
    }
    return std::nullopt;
}

/// "5%" is 0.05. Nothing for a number without its sign, or above 100 %.
inline std::optional<double> parse_percent(std::string_view text) {
    const auto quantity = detail::parse_quantity(text);
    if (!quantity || quantity->second != "%" || quantity->first > 100) return std::nullopt;
    return quantity->first / 100;
}

/// 0.05 is "5%"; parses to the same share if it has at most four significant digits.
inline std::string format_percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g%%", share * 100);
    return text;
}

}  // namespace holdfast
