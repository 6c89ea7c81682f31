// policy/retention_config.hpp - which snapshots to keep: the [retention] section as checked values.
//
// A rule is a count (keep_daily = 7: of the newest seven days that have a snapshot) or an age (keep_daily = "30d").
// Types named in [retention.types] leave the calendar and follow a rule of their own. Rules that would keep nothing,
// or nothing beyond a finer one, are errors: they are somebody's typo.
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

/// A week's snapshot that is younger than what keep_daily holds anyway is a rule without effect.
inline void check_reach(const TomlTable& table, const RetentionConfig& config) {
    for (std::size_t fine = 0; fine < kPeriods.size(); ++fine)
        for (std::size_t coarse = fine + 1; coarse < kPeriods.size(); ++coarse) {
            const auto &a = config.keep[fine], &b = config.keep[coarse];
            if (a && b && a->age.count() != 0 && b->age.count() != 0 && b->age <= a->age)
                table.fail(kPeriods[coarse].key,
                           std::string("does not reach further back than ") + kPeriods[fine].key +
                               ", so it would keep nothing more",
                           "give it a longer time, or leave it out");
        }
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
