// base/utc.hpp - UTC times as text: every time in the repository is written 2026-03-01T02:30:00Z.
#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

using SystemSeconds = std::chrono::sys_seconds;

inline std::string format_time(SystemSeconds at, const char* pattern) {
    const std::time_t seconds = at.time_since_epoch().count();
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, pattern, &parts)};
}
inline std::string format_utc(SystemSeconds at) { return format_time(at, "%Y-%m-%dT%H:%M:%SZ"); }

/// Parses "2026-11-20", "2026-11-20T14:00", "2026-11-20T14:00:05" with an optional trailing Z: all UTC.
inline std::optional<SystemSeconds> parse_utc(std::string_view text) {
    if (text.ends_with('Z')) text.remove_suffix(1);
    for (const char* pattern : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
        std::tm parts{};
        const std::string copy{text};
        const char* end = ::strptime(copy.c_str(), pattern, &parts);
        if (end == nullptr || *end != '\0') continue;
        const int day = parts.tm_mday;
        const SystemSeconds at{std::chrono::seconds{::timegm(&parts)}};
        if (parts.tm_mday == day) return at;  // not 31 February
    }
    return std::nullopt;
}

}  // namespace holdfast
