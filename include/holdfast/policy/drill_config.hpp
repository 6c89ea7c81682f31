// policy/drill_config.hpp - how recovery is rehearsed: the [drill] section as checked values.
//
// Only targets that are named are judged, and the total, which has one anyway.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/policy/toml_values.hpp"

namespace holdfast {

/// The way back, in its order: find the snapshot, read its objects, put it together, prove it, start what uses it.
enum class DrillPhase { identify, retrieve, restore, verify, start };
inline constexpr std::array<const char*, 5> kDrillPhases = {"identify", "retrieve", "restore", "verify",
                                                            "start"};

struct DrillConfig {
    std::string scratch;  // absolute; empty: beside the repository, or in the host's cache if that is sealed
    std::string report_dir;          // absolute; empty: see report_folder()
    std::vector<std::string> start;  // argv, or one line for bash if `shell`; empty: nothing is started
    bool shell = false;
    std::chrono::seconds start_timeout{600};
    std::array<std::optional<std::chrono::seconds>, kDrillPhases.size()> target;  // by DrillPhase
    std::chrono::seconds total = std::chrono::hours{2};
    std::chrono::seconds max_data_loss = std::chrono::hours{25};  // a day, and an hour for the backup itself

    bool operator==(const DrillConfig&) const = default;
};

namespace detail {

inline void read_targets(TomlTable table, DrillConfig& out) {
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (table.has(kDrillPhases[i]))
            read_duration(table, kDrillPhases[i], std::chrono::seconds{1}, out.target[i].emplace());
    read_duration(table, "total", std::chrono::seconds{1}, out.total);
    table.finish();
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (out.target[i] > out.total)
            table.fail(kDrillPhases[i], "is longer than the total of " + format_duration(out.total),
                       "raise total, or leave it to the total alone");
}

/// `absolute` checks a path and makes it absolute.
inline DrillConfig read_drill(
    TomlTable table, const std::function<std::string(const char* key, const std::string&)>& absolute) {
    DrillConfig out;
    if (const auto path = table.text("scratch")) out.scratch = absolute("scratch", *path);
    if (const auto path = table.text("report_dir")) out.report_dir = absolute("report_dir", *path);
    if (table.has("start"))
        read_command(table, "start", "start = [\"program\", \"argument\"], or one line for bash in quotes",
                     out.start, out.shell);
    read_duration(table, "start_timeout", std::chrono::seconds{1}, out.start_timeout);
    read_duration(table, "max_data_loss", std::chrono::seconds{1}, out.max_data_loss);
    if (auto targets = table.table("target")) read_targets(*targets, out);
    table.finish();
    return out;
}

}  // namespace detail

/// logs/ for a log_dir logs/backups, else log_dir itself.
inline std::string report_folder(const DrillConfig& drill, const std::string& log_dir) {
    constexpr std::string_view kBackups = "/backups";
    if (!drill.report_dir.empty()) return drill.report_dir;
    const bool is_below = log_dir.ends_with(kBackups) && log_dir.size() > kBackups.size();
    return is_below ? log_dir.substr(0, log_dir.size() - kBackups.size()) : log_dir;
}

}  // namespace holdfast
