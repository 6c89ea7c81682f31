// cli/retention_strip.hpp - what prune would keep and remove now: a strip of ages, counts by rule, and who would go.
#pragma once

#include "holdfast/cli/level_mark.hpp"
#include "holdfast/cli/svg.hpp"
#include "holdfast/policy/status.hpp"

namespace holdfast::cli {

namespace detail {

struct AgeMark {
    const char* word;
    double days;
};
/// Each part of the strip is as wide as the others, so that the many young ones and the few old ones both have room.
inline constexpr AgeMark kAgeMarks[] = {{"now", 0},   {"1 w", 7},   {"1 mo", 30},
                                        {"3 mo", 90}, {"1 y", 365}, {"older", 3650}};
inline constexpr std::size_t kAgeParts = std::size(kAgeMarks) - 1;

/// Where an age lies, 0 to 1.
inline double place_of(std::chrono::seconds age) {
    const double days = std::max(0.0, static_cast<double>(age.count()) / 86400);
    for (std::size_t i = 0; i < kAgeParts; ++i)
        if (days < kAgeMarks[i + 1].days)
            return (static_cast<double>(i) +
                    (days - kAgeMarks[i].days) / (kAgeMarks[i + 1].days - kAgeMarks[i].days)) /
                   kAgeParts;
    return 1;
}

inline const char* rule_class(const std::string& rule) {
    if (rule == "last" || rule == "hourly") return "blue-2";
    if (rule == "daily") return "blue";
    if (rule == "weekly") return "green";
    if (rule == "monthly" || rule == "yearly") return "orange";
    return "violet";
}

inline Html strip_svg(const RetentionPreview& r, SystemSeconds now, std::size_t removed) {
    constexpr double kWidth = 1000, kTick = 3;
    Html ticks;
    for (std::size_t i = 1; i < kAgeParts; ++i) {
        const double x = kWidth * static_cast<double>(i) / kAgeParts;
        ticks += svg_line("axis", x, 0, x, 4) + svg_line("axis", x, 54, x, 60);
    }
    ticks += svg_line("axis", 0, 32, kWidth, 32);
    for (const Verdict& v : r.verdicts) {
        const auto at = r.taken.find(v.id);
        if (at == r.taken.end()) continue;
        const double x = (kWidth - kTick) * place_of(now - at->second.first);
        ticks += v.keep ? svg_rect(x, 6, kTick, 25, rule_class(lasting_rule(v.reason)))
                        : svg_rect(x, 34, kTick, 18, "grey");
    }
    return svg_stretched("chart",
                         "Snapshots by age: " + std::to_string(r.verdicts.size() - removed) +
                             " kept above the line, " + std::to_string(removed) +
                             " removed below it. The lists below say which.",
                         kWidth, 60, ticks);
}

inline Html verdict_table(const RetentionPreview& r, SystemSeconds now, bool keep, std::size_t most) {
    HtmlTable table(keep ? "Kept, the newest first." : "Removed, the newest first.",
                    {{"Snapshot"}, {"Age", Align::right}, {"Type"}, {keep ? "Kept by" : "Why"}});
    std::size_t left = 0;
    for (const Verdict& v : r.verdicts) {
        if (v.keep != keep) continue;
        const auto at = r.taken.find(v.id);
        if (at == r.taken.end() || most == 0) {
            ++left;
            continue;
        }
        --most;
        table.add({v.id, format_duration(std::max(now - at->second.first, std::chrono::seconds{0})),
                   at->second.second, v.reason});
    }
    Html out = table.empty() ? Html() : table.markup();
    if (left > 0)
        out += "<p class=\"soft\">And "_html + std::to_string(left) +
               " more: <code>prune --dry-run</code> lists all.</p>\n"_html;
    return out;
}

}  // namespace detail

inline Html retention_markup(const RetentionPreview& r, SystemSeconds now) {
    constexpr std::size_t kMost = 30;
    if (!r.is_set)
        return "<p>There is no <code>[retention]</code> policy: nothing is ever removed.</p>\n"_html;
    if (!r.refused.empty())
        return "<p>"_html + level_word(Health::unhealthy) + " prune would refuse to work: "_html + r.refused +
               "</p>\n"_html;
    std::size_t removed = 0;
    for (const Verdict& v : r.verdicts) removed += v.keep ? 0 : 1;
    if (r.verdicts.empty()) return "<p class=\"soft\">There is nothing to keep or to remove yet.</p>\n"_html;
    Html out = "<p>A prune now would keep <strong>"_html + std::to_string(r.verdicts.size() - removed) +
               "</strong> and remove <strong>"_html + std::to_string(removed) + "</strong>"_html;
    out += removed == 0 ? Html(".")
           : r.grace.count() == 0
               ? Html(", for good.")
               : Html(", which could be brought back from the trash for " + format_duration(r.grace) + ".");
    out +=
        "</p>\n"_html + detail::strip_svg(r, now, removed) + "<p class=\"ends\" aria-hidden=\"true\">"_html;
    for (const detail::AgeMark& mark : detail::kAgeMarks) out += "<span>"_html + mark.word + "</span>"_html;
    out += "</p>\n<ul class=\"keys\">\n"_html;
    for (const auto& [rule, count] : kept_by_rule(r.verdicts))
        out += html_key(detail::rule_class(rule),
                        std::to_string(count) + " " + (rule == "other" ? "for other reasons" : rule));
    if (removed > 0) out += html_key("grey", std::to_string(removed) + " removed, below the line");
    out += "</ul>\n"_html;
    if (removed > 0)
        out += html_details("What would be removed", detail::verdict_table(r, now, false, kMost));
    return out + html_details("What would be kept, and why", detail::verdict_table(r, now, true, kMost));
}

}  // namespace holdfast::cli
