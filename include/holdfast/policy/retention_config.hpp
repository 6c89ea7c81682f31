// policy/retention_config.hpp - which snapshots to keep: the [retention] section as checked values.
//
// A rule is a count (keep_daily = 7: of the newest seven days that have a snapshot) or an age (keep_daily = "30d").
// Types named in [retention.types] leave the calendar and follow a rule of their own. Rules that would keep nothing,
// nothing beyond a finer one, or nothing because no type is left for them, are errors: they are somebody's typo.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "holdfast/base/units.hpp"
#include "holdfast/policy/words.hpp"
#include "holdfast/wrap/time_zone.hpp"
#include "holdfast/wrap/toml.hpp"

namespace holdfast {

/// Exactly one of the two is not zero.
struct KeepRule {
    std::uint64_t count = 0;
    std::chrono::seconds age{0};

    bool operator==(const KeepRule&) const = default;
};

enum class Period { last, hour, day, week, month, year };

struct PeriodWords {
    const char* key;
    const char* name;
};
/// By Period.
inline constexpr std::array<PeriodWords, 6> kPeriods = {{{"keep_last", "last"},
                                                         {"keep_hourly", "hourly"},
                                                         {"keep_daily", "daily"},
                                                         {"keep_weekly", "weekly"},
                                                         {"keep_monthly", "monthly"},
                                                         {"keep_yearly", "yearly"}}};

struct RetentionConfig {
    std::array<std::optional<KeepRule>, kPeriods.size()> keep;  // by Period
    std::map<std::string, KeepRule> types;
    std::uint64_t min_keep = 3;  // verified snapshots of each source that no rule may remove
    std::string zone = "UTC";    // whose days, weeks and months count
    std::chrono::seconds grace = std::chrono::days{7};  // pruned snapshots stay in trash/ so long

    bool operator==(const RetentionConfig&) const = default;

    /// Without a policy nothing is ever removed.
    bool is_set() const {
        return std::any_of(keep.begin(), keep.end(), [](const auto& rule) { return rule.has_value(); });
    }
};

inline const std::optional<KeepRule>& rule_for(const RetentionConfig& config, Period period) {
    return config.keep[static_cast<std::size_t>(period)];
}

namespace detail {

inline std::optional<KeepRule> read_keep_rule(TomlTable& table, const char* key) {
    if (!table.has(key)) return std::nullopt;
    if (!table.is_text(key)) {
        const std::int64_t count = *table.whole_number(key);
        if (count < 1) table.fail(key, "keeps nothing", "leave the rule out to not have it");
        return KeepRule{static_cast<std::uint64_t>(count), {}};
    }
    const auto age = parse_duration(*table.text(key));
    if (!age)
        table.fail(key, "is neither a number nor a duration", "write 7, \"30d\", \"1y\" or \"forever\"");
    if (age->count() < 1) table.fail(key, "keeps nothing", "leave the rule out to not have it");
    return KeepRule{0, *age};
}

/// How many hours, days, weeks and months, at most, one day, week, month and year touch. [fine][coarse], by Period; 0: no
/// such number is known. The changes of a clock count: an hour that it shows twice is two.
inline constexpr std::uint64_t kMostIn[kPeriods.size()][kPeriods.size()] = {
    {0, 0, 0, 0, 0, 0},          // last: there may be any number in an hour
    {0, 0, 28, 172, 748, 8808},  // hours
    {0, 0, 0, 7, 31, 366},       // days
    {0, 0, 0, 0, 6, 54},         // weeks
    {0, 0, 0, 0, 0, 12},         // months
    {0, 0, 0, 0, 0, 0}};

/// True if `b` never keeps anything older than what `a` keeps, however many snapshots there are. A count and an age
/// cannot be compared that way: it depends on how often snapshots are taken.
inline bool reaches_no_further(const KeepRule& a, std::size_t fine, const KeepRule& b, std::size_t coarse) {
    if (a.age >= kForever) return true;
    if (a.count == 0 || b.count == 0) return a.count == b.count && b.age <= a.age;
    // The last of the b-th period is preceded by at most so many in the periods before it.
    const std::uint64_t most = kMostIn[fine][coarse];
    return b.count == 1 || (most != 0 && b.count - 1 <= (a.count - 1) / most);
}

/// Rules without effect. Throws: config.
inline void check_reach(const TomlTable& table, const RetentionConfig& config) {
    for (std::size_t fine = 0; fine < kPeriods.size(); ++fine)
        for (std::size_t coarse = fine + 1; coarse < kPeriods.size(); ++coarse) {
            const auto &a = config.keep[fine], &b = config.keep[coarse];
            if (a && b && reaches_no_further(*a, fine, *b, coarse))
                table.fail(kPeriods[coarse].key,
                           std::string("does not reach further back than ") + kPeriods[fine].key +
                               ", so it would keep nothing older",
                           b->count == 1 ? "the newest one is kept anyway: give it 2 or more, or leave it out"
                           : a->age >= kForever ? "leave one of the two out"
                                                : "give it more, or leave it out");
        }
    if (config.types.size() < words_of<SnapshotType>().size()) return;
    for (std::size_t i = 0; i < kPeriods.size(); ++i)
        if (config.keep[i])
            table.fail(kPeriods[i].key,
                       "never applies: every type has a rule of its own in [retention.types]",
                       "leave out the type that it is for");
}

}  // namespace detail

/// Throws: config.
inline RetentionConfig read_retention(TomlTable table) {
    RetentionConfig out;
    for (std::size_t i = 0; i < kPeriods.size(); ++i)
        out.keep[i] = detail::read_keep_rule(table, kPeriods[i].key);
    if (auto types = table.table("types")) {
        for (const std::string& type : words_of<SnapshotType>())
            if (const auto rule = detail::read_keep_rule(*types, type.c_str())) out.types[type] = *rule;
        types->finish();
    }
    if (const auto count = table.whole_number("min_keep")) {
        if (*count < 1)
            table.fail("min_keep", "would let a mistake in a rule remove everything", "1 is the least");
        out.min_keep = static_cast<std::uint64_t>(*count);
    }
    if (const auto zone = table.text("zone")) {
        try {
            TimeZone::find(*zone);
        } catch (const Error& e) {
            table.fail("zone", std::string("cannot be used: ") + e.what(), e.hint());
        }
        out.zone = *zone;
    }
    if (const auto text = table.text("grace")) {
        const auto grace = parse_duration(*text);
        if (!grace) table.fail("grace", "is not a duration: " + in_quotes(*text), "write 12h, 7d or 0s");
        out.grace = *grace;
    }
    table.finish();
    if (!out.is_set())
        throw Error(Kind::config, table.where() + ": [retention] keeps nothing",
                    "name at least one of keep_last, keep_hourly, keep_daily, keep_weekly, keep_monthly, "
                    "keep_yearly, or leave the section out to keep everything");
    detail::check_reach(table, out);
    return out;
}

}  // namespace holdfast
