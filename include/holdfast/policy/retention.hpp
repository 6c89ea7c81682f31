// policy/retention.hpp - which snapshots stay and which may go, with a reason for each. Pure.
//
// Laws, all tested: what the newest good snapshot of a source is, stays. Snapshots order by their running number, never
// by the clock alone; one from the future neither goes nor pushes others out. Ages are measured against the newest snapshot
// that has the same sources whole, so when backups stop, or the clock jumps ahead, nothing ages out. Partial, suspect and damaged snapshots follow
// the same rules, but among themselves: they never take a good one's place. A longer rule never drops anything.
// Judging what a plan left over changes nothing.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/base/utc.hpp"
#include "holdfast/policy/retention_config.hpp"

namespace holdfast {

inline constexpr std::chrono::minutes kClockSlack{5};  // what two hosts' clocks may differ by
inline constexpr std::chrono::days kClockJump{
    14};  // a snapshot so long after the one before has to be confirmed by another

inline constexpr std::chrono::days kQuietTime{
    2};  // without a backup for so long, the time of grace stands still

struct Pin {
    SystemSeconds until{};
    std::string reason;
};

struct SnapshotFacts {
    std::string id;
    std::uint64_t number = 0;
    SystemSeconds time{};  // when it was begun
    std::string type;
    std::set<std::string> sources;  // captured or missing: what it was meant to hold
    std::set<std::string>
        whole;            // the sources it has without a warning; none if it is suspect or was found damaged
    bool is_good = true;  // all of them
    bool is_verified = false;
    std::optional<Pin> pin;
    bool is_unwanted = false;  // somebody asked for its removal
};

struct Verdict {
    std::string id;
    bool keep = false;
    std::string reason;
};

namespace detail {

/// Equal for two times in the same local hour, day, week (Monday to Sunday), month or year. An hour that the clock
/// shows twice counts as two.
inline std::int64_t period_key(Period period, SystemSeconds at, const TimeZone& zone) {
    using namespace std::chrono;
    const seconds offset = zone.offset(at);
    if (period == Period::hour) return floor<hours>(at + offset % hours{1}).time_since_epoch().count();
    const sys_days day = floor<days>(at + offset);
    if (period == Period::day) return day.time_since_epoch().count();
    if (period == Period::week)  // the first day of 1970 was a Thursday
        return floor<weeks>(day.time_since_epoch() + days{3}).count();
    const year_month_day date{day};
    const std::int64_t year = static_cast<int>(date.year());
    return period == Period::year ? year : year * 12 + static_cast<unsigned>(date.month());
}

/// Snapshots that compete for the same places, newest first.
class Lane {
public:
    /// The rules that keep this one, as words; it takes its places whether or not they are still open.
    std::string keep(const SnapshotFacts& s, std::chrono::seconds age, const RetentionConfig& policy,
                     const TimeZone& zone) {
        const auto holds = [&](const KeepRule& rule, std::uint64_t place) {
            return rule.count != 0 ? place < rule.count : rule.age >= kForever || age <= rule.age;
        };
        ++taken_;
        if (const auto type = policy.types.find(s.type); type != policy.types.end())
            return holds(type->second, taken_ - 1) ? s.type : "";
        std::string reasons;
        for (std::size_t i = 0; i < kPeriods.size(); ++i) {
            if (!policy.keep[i]) continue;
            const Period period = static_cast<Period>(i);
            const std::uint64_t place = period == Period::last ? taken_ - 1 : seen_[i].size();
            if (period != Period::last && !seen_[i].insert(period_key(period, s.time, zone)).second) continue;
            if (holds(*policy.keep[i], place))
                reasons += (reasons.empty() ? "" : ", ") + std::string(kPeriods[i].name);
        }
        return reasons;
    }

private:
    std::uint64_t taken_ = 0;
    std::array<std::set<std::int64_t>, kPeriods.size()> seen_;
};

/// Without a list, every source is still backed up.
inline bool is_configured(const std::set<std::string>& configured, const std::string& source) {
    return configured.empty() || configured.contains(source);
}

/// By source, when it was captured whole last. One snapshot long after all others is a clock that is wrong, or the
/// first after a pause: it counts once there is a second.
inline std::map<std::string, SystemSeconds> last_whole(const std::vector<SnapshotFacts>& newest_first,
                                                       SystemSeconds now) {
    std::map<std::string, std::vector<SystemSeconds>> times;
    for (const SnapshotFacts& s : newest_first)
        if (s.time <= now + kClockSlack)
            for (const std::string& source : s.whole) times[source].push_back(s.time);
    std::map<std::string, SystemSeconds> out;
    for (const auto& [source, of] : times)
        out[source] = of.size() > 1 && of[0] > of[1] + kClockJump ? of[1] : of[0];
    return out;
}

inline void add_reason(std::string& reasons, const std::string& reason) {
    reasons += (reasons.empty() ? "" : ", ") + reason;
}

/// What no rule may remove: the newest of each source set and the newest good one of each source, `min_keep` of each source
/// (proven ones first, and damaged ones rather than none), pinned ones and ones from the future. `reasons` is by position
/// in `newest_first`.
inline void apply_floors(const std::vector<SnapshotFacts>& newest_first, const RetentionConfig& policy,
                         SystemSeconds now, const std::set<std::string>& configured,
                         std::vector<std::string>& reasons) {
    std::set<std::set<std::string>> groups;
    std::set<std::string> has_good;
    std::map<std::string, std::vector<std::size_t>> places_of;
    for (std::size_t i = 0; i < newest_first.size(); ++i) {
        const SnapshotFacts& s = newest_first[i];
        const bool is_future = s.time > now + kClockSlack;
        if (s.pin && s.pin->until > now)
            add_reason(reasons[i], "pinned until " + format_utc(s.pin->until) +
                                       (s.pin->reason.empty() ? "" : " (" + s.pin->reason + ")"));
        if (is_future && !s.is_unwanted) add_reason(reasons[i], "from the future");
        // What is broken, or was taken by mistake of a source that nobody backs up, may go when somebody asks for it.
        const auto counts = [&](const std::string& source) {
            return !s.is_unwanted || (s.whole.contains(source) && is_configured(configured, source));
        };
        const bool is_first = groups.insert(s.sources).second;
        if (i == 0 || (is_first && std::any_of(s.sources.begin(), s.sources.end(), counts)))
            add_reason(reasons[i], "newest");
        if (is_future) continue;
        for (const std::string& source : s.sources) {
            if (!counts(source)) continue;
            places_of[source].push_back(i);
            if (s.whole.contains(source) && has_good.insert(source).second &&
                reasons[i].find("newest") == std::string::npos)
                add_reason(reasons[i], "newest of " + source);
        }
    }
    for (auto& [source, places] : places_of) {
        const auto rank = [&, name = source](std::size_t i) {
            const SnapshotFacts& s = newest_first[i];
            return std::tuple(s.is_unwanted, !s.whole.contains(name), !s.is_verified);
        };
        std::stable_sort(places.begin(), places.end(),
                         [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
        places.resize(std::min<std::size_t>(places.size(), policy.min_keep));
        for (const std::size_t i : places)
            if (reasons[i].empty())
                reasons[i] = "floor: one of the last " + std::to_string(places.size()) +
                             (newest_first[i].is_verified ? " verified of " : " of ") + source;
    }
}

}  // namespace detail

/// The coarsest rule among the reasons of a verdict, which is the one that lasts; "other" if there is none.
inline std::string lasting_rule(std::string_view reasons) {
    std::set<std::string_view> words;
    for (std::string_view word : split(reasons, ',')) {
        word.remove_prefix(word.starts_with(' ') ? 1 : 0);
        words.insert(word);
    }
    for (std::size_t i = kPeriods.size(); i-- > 0;)
        if (words.contains(kPeriods[i].name)) return kPeriods[i].name;
    return "other";
}

/// The time to count other ages from: not `now` if that is long after the last snapshot, because then it is the clock that
/// is wrong, or nobody backs up and nothing should go.
inline SystemSeconds trusted_now(std::vector<SnapshotFacts> snapshots, SystemSeconds now) {
    std::sort(snapshots.begin(), snapshots.end(),
              [](const SnapshotFacts& a, const SnapshotFacts& b) { return a.number > b.number; });
    std::optional<SystemSeconds> last;
    for (const auto& [source, at] : detail::last_whole(snapshots, now))
        last = std::max(last.value_or(at), at);
    return last ? std::min(now, *last + kQuietTime) : now;
}

/// One verdict each, newest first. `configured` are the sources that are still backed up, all of them if it is empty: only
/// they hold back the ages of others when their own backups stop.
inline std::vector<Verdict> judge(std::vector<SnapshotFacts> snapshots, const RetentionConfig& policy,
                                  const TimeZone& zone, SystemSeconds now,
                                  const std::set<std::string>& configured) {
    std::sort(snapshots.begin(), snapshots.end(), [](const SnapshotFacts& a, const SnapshotFacts& b) {
        return std::pair(a.number, a.id) > std::pair(b.number, b.id);
    });
    const std::map<std::string, SystemSeconds> newest_good = detail::last_whole(snapshots, now);
    const auto age = [&](const SnapshotFacts& s) {
        SystemSeconds reference = now;
        for (const std::string& source : s.sources)
            if (const auto at = newest_good.find(source);
                at != newest_good.end() && detail::is_configured(configured, source))
                reference = std::min(reference, at->second);
        return reference - s.time;
    };

    std::vector<std::string> reasons(snapshots.size());
    std::map<std::tuple<std::set<std::string>, bool, std::string>, detail::Lane> lanes;
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
        const SnapshotFacts& s = snapshots[i];
        if (s.is_unwanted || s.time > now + kClockSlack) continue;
        detail::Lane& lane = lanes[{s.sources, s.is_good, policy.types.contains(s.type) ? s.type : ""}];
        reasons[i] = lane.keep(s, age(s), policy, zone);
    }
    detail::apply_floors(snapshots, policy, now, configured, reasons);

    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
        const bool keep = !reasons[i].empty();
        verdicts.push_back({snapshots[i].id, keep,
                            keep                       ? reasons[i]
                            : snapshots[i].is_unwanted ? "asked for"
                                                       : "no rule keeps it"});
    }
    return verdicts;
}

}  // namespace holdfast
