// policy/simulate_retention.hpp - what a policy would hold, day by day, if backups ran as they should. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "holdfast/policy/retention.hpp"

namespace holdfast {

struct SimulatedSnapshot {
    SystemSeconds taken{};
    std::string type;
    std::optional<SystemSeconds> removed;
    std::string last_reason;  // why it was kept, the last time it was
};

/// One full snapshot a day at 02:00 UTC, and a prune after it; of the types that have rules of their own, hourly ones every
/// other hour of the day and others once a week. In the order they were taken.
inline std::vector<SimulatedSnapshot> simulate_retention(const RetentionConfig& policy, const TimeZone& zone,
                                                         std::chrono::sys_days first, std::uint64_t days) {
    using namespace std::chrono;
    std::vector<SimulatedSnapshot> all;
    std::vector<SnapshotFacts> held;
    const auto take = [&](SystemSeconds at, const std::string& type) {
        SnapshotFacts s;
        s.number = all.size();
        s.id = std::to_string(s.number);
        s.time = at;
        s.type = type;
        s.sources = s.whole = {"source"};
        s.is_verified = true;
        held.push_back(std::move(s));
        all.push_back({at, type, {}, {}});
    };
    for (std::uint64_t day = 0; day < days; ++day) {
        const sys_seconds midnight = first + std::chrono::days{day};
        for (int hour = -21; hour < 2; ++hour)
            for (const auto& [type, rule] : policy.types)
                if (type == "hourly" || (type != "full" && hour == 1 && day % 7 == 0))
                    take(midnight + hours{hour}, type);
        take(midnight + hours{2}, "full");
        std::set<std::string> gone;
        for (const Verdict& v : judge(held, policy, zone, midnight + hours{2}, {"source"})) {
            SimulatedSnapshot& s = all[std::stoul(v.id)];
            if (v.keep) {
                s.last_reason = v.reason;
            } else {
                s.removed = midnight + hours{2};
                gone.insert(v.id);
            }
        }
        std::erase_if(held, [&](const SnapshotFacts& s) { return gone.contains(s.id); });
    }
    return all;
}

}  // namespace holdfast
