// policy/status.hpp - what a status page tells beside the results of the checks: sources, days, proofs, and what prune would do.
//
// Pure: facts in, facts out.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "holdfast/policy/health.hpp"
#include "holdfast/policy/health_backups.hpp"
#include "holdfast/policy/retention.hpp"

namespace holdfast {

/// A source in one snapshot.
struct SourcePoint {
    SystemSeconds at{};
    std::uint64_t bytes = 0;  // of the source
    std::uint64_t added = 0;  // that it added to the repository
};

struct SourceTrend {
    std::string name, kind;
    bool is_configured = true;
    std::uint64_t snapshots = 0;      // that hold it
    std::vector<SourcePoint> points;  // of the last ones, oldest first
};

enum class DayState { empty, good, incomplete, damaged };  // the worst of the day's snapshots
struct StatusDay {
    std::chrono::sys_days day{};
    std::uint64_t snapshots = 0, stored_bytes = 0;
    DayState state = DayState::empty;
};

/// A day on which verify looked.
struct VerifiedDay {
    std::chrono::sys_days day{};
    std::uint64_t good = 0, deep = 0, damaged = 0;  // snapshots; deep ones are good ones
};

struct DrillPoint {
    SystemSeconds at{};
    double seconds = 0;
    bool has_passed = false;
};

struct RetentionPreview {
    bool is_set = false;  // without a policy nothing is removed
    std::string refused;  // why prune would not remove anything now
    std::chrono::seconds grace{};
    std::vector<Verdict> verdicts;                                       // newest first
    std::map<std::string, std::pair<SystemSeconds, std::string>> taken;  // by id: when, and its type
};

struct StatusFacts {
    std::string host, repository;
    SystemSeconds now{};
    std::vector<HealthResult> results;
    std::optional<SystemSeconds> created;  // the repository
    std::optional<SystemSeconds> newest;   // backup
    std::uint64_t snapshots = 0;
    std::vector<SourceTrend> sources;
    std::vector<StatusDay> days;                 // the last year, oldest first, whole weeks from Monday on
    std::map<std::string, std::uint64_t> trust;  // how many snapshots are captured, verified, … at best
    std::optional<Proof> last_verified, last_drill;
    std::vector<VerifiedDay> verifications;  // newest first
    std::vector<DrillPoint> drills;          // oldest first
    RetentionPreview retention;
    std::vector<std::string> gaps;  // what could not be found out, and why
};

inline constexpr std::size_t kTrendPoints = 60;
inline constexpr std::size_t kMostTrends = 200;  // a repository may name any number of sources

/// Configured sources first, in their order; then those that snapshots hold as well, by name.
inline std::vector<SourceTrend> source_trends(const std::vector<Manifest>& newest_first,
                                              const std::vector<std::string>& configured) {
    std::map<std::string, SourceTrend> found;
    for (const Manifest& m : newest_first) {
        std::map<std::string, SourcePoint> here;
        for (const Component& c : m.components) {
            SourcePoint& point = here[c.source];
            point.at = m.started;
            point.bytes += c.bytes;
            point.added += c.new_stored_bytes.value_or(c.new_bytes);
            std::string& kind = found[c.source].kind;
            if (kind.empty()) kind = c.kind;
        }
        for (const auto& [name, point] : here) {
            SourceTrend& trend = found[name];
            ++trend.snapshots;
            if (trend.points.size() < kTrendPoints) trend.points.push_back(point);
        }
    }
    std::vector<SourceTrend> out;
    const auto take = [&](const std::string& name, bool is_configured) {
        SourceTrend trend = std::move(found[name]);
        found.erase(name);
        trend.name = name;
        trend.is_configured = is_configured;
        std::reverse(trend.points.begin(), trend.points.end());
        out.push_back(std::move(trend));
    };
    for (const std::string& name : configured) take(name, true);
    while (!found.empty() && out.size() < kMostTrends)
        take(std::string(found.begin()->first), configured.empty());
    return out;
}

/// 53 weeks, the last of which has `now` in it. A day's snapshots are those that were begun on it, in UTC.
inline std::vector<StatusDay> status_days(const std::vector<Manifest>& newest_first,
                                          const std::vector<std::string>& damaged, SystemSeconds now) {
    using namespace std::chrono;
    constexpr int kWeeks = 53;
    const sys_days today = floor<days>(now);
    const sys_days monday = today - (weekday{today} - Monday);
    std::vector<StatusDay> out;
    for (sys_days day = monday - weeks{kWeeks - 1}; day <= today; day += days{1}) out.push_back({day});
    const std::set<std::string> bad(damaged.begin(), damaged.end());
    for (const Manifest& m : newest_first) {
        const auto at = (floor<days>(m.started) - out.front().day).count();
        if (at < 0 || at >= static_cast<std::int64_t>(out.size())) continue;
        StatusDay& day = out[static_cast<std::size_t>(at)];
        ++day.snapshots;
        day.stored_bytes += m.stored_bytes;
        const DayState state = bad.contains(m.id)        ? DayState::damaged
                               : m.state() != "complete" ? DayState::incomplete
                                                         : DayState::good;
        day.state = std::max(day.state, state);
    }
    return out;
}

/// One line of the ledger about a snapshot that verify looked at.
inline void note_verified(std::map<std::chrono::sys_days, VerifiedDay>& days, SystemSeconds at, bool is_good,
                          bool is_deep) {
    VerifiedDay& day = days[std::chrono::floor<std::chrono::days>(at)];
    day.day = std::chrono::floor<std::chrono::days>(at);
    ++(is_good ? day.good : day.damaged);
    if (is_good && is_deep) ++day.deep;
}

/// How many snapshots are kept for which reason, the first one that is named; the rules come in their order, the rest by name.
inline std::vector<std::pair<std::string, std::uint64_t>> kept_by_rule(const std::vector<Verdict>& verdicts) {
    std::map<std::string, std::uint64_t> counts;
    for (const Verdict& v : verdicts)
        if (v.keep) ++counts[lasting_rule(v.reason)];
    std::vector<std::pair<std::string, std::uint64_t>> out;
    for (const PeriodWords& words : kPeriods)
        if (const auto at = counts.find(words.name); at != counts.end()) out.emplace_back(*at);
    if (const auto at = counts.find("other"); at != counts.end()) out.emplace_back(*at);
    return out;
}

}  // namespace holdfast
