// cli/status_proofs.hpp - the year on the status page, and how far what there is was verified and rehearsed.
#pragma once

#include "holdfast/cli/calendar.hpp"
#include "holdfast/cli/drill_chart.hpp"

namespace holdfast::cli::detail {

inline Html calendar_markup(const StatusFacts& f) {
    if (f.days.empty()) return {};
    std::chrono::sys_days begun = std::chrono::floor<std::chrono::days>(f.created.value_or(f.now));
    for (const StatusDay& day : f.days)
        if (day.snapshots > 0) begun = std::min(begun, day.day);
    return html_section(
        "year", "Snapshots of the last year",
        calendar_svg(f.days, begun) + html_details("By month", calendar_table(f.days, begun)));
}

/// How far the snapshots that there are were proven, as one bar.
inline Html trust_markup(const StatusFacts& f) {
    static constexpr std::pair<const char*, const char*> kTrust[] = {{"drilled", "green"},
                                                                     {"verified deep", "blue"},
                                                                     {"verified", "blue-2"},
                                                                     {"captured", "grey"},
                                                                     {"damaged", "red"}};
    std::vector<SvgShare> shares;
    Html keys;
    std::string words;
    for (const auto& [word, colour] : kTrust) {
        const auto at = f.trust.find(word);
        if (at == f.trust.end()) continue;
        const std::string one =
            std::to_string(at->second) + " " + (at->first == "captured" ? "not verified yet" : at->first);
        shares.push_back({colour, static_cast<double>(at->second)});
        keys += html_key(colour, one);
        words += (words.empty() ? "" : ", ") + one;
    }
    if (shares.empty()) return "<p class=\"soft\">There is no snapshot yet.</p>\n"_html;
    return svg_shares("Snapshots by how far they were proven: " + words, shares) +
           "<ul class=\"keys\">\n"_html + keys + "</ul>\n"_html;
}

inline Html verifications_markup(const StatusFacts& f) {
    constexpr std::size_t kShown = 10;
    HtmlTable table(
        "The last days on which verify came to a result.",
        {{"Day"}, {"Good", Align::right}, {"of them deep", Align::right}, {"Damaged", Align::right}});
    for (std::size_t i = 0; i < std::min(kShown, f.verifications.size()); ++i) {
        const VerifiedDay& day = f.verifications[i];
        table.add({format_time(SystemSeconds{day.day}, "%Y-%m-%d"), std::to_string(day.good),
                   std::to_string(day.deep), std::to_string(day.damaged)});
    }
    return table.empty() ? Html() : html_details("When", table.markup());
}

inline Html drills_markup(const StatusFacts& f) {
    constexpr std::size_t kShown = 10;
    HtmlTable table("The last rehearsals of a recovery.", {{"When"}, {"Took", Align::right}, {"Result"}});
    for (std::size_t i = f.drills.size(); i > 0 && f.drills.size() - i < kShown; --i) {
        const DrillPoint& drill = f.drills[i - 1];
        table.add({time_markup(drill.at), format_seconds(drill.seconds),
                   drill.has_passed ? "passed" : "not passed"});
    }
    return drill_chart(f.drills) + (table.empty() ? Html() : html_details("When", table.markup()));
}

inline Html proofs_markup(const StatusFacts& f) {
    return html_section(
        "proofs", "Verified and rehearsed",
        "<div class=\"columns\">\n<div>\n<h3>Snapshots, as far as they were proven</h3>\n"_html +
            trust_markup(f) + verifications_markup(f) +
            "</div>\n<div>\n<h3>Rehearsals of a recovery</h3>\n"_html + drills_markup(f) +
            "</div>\n</div>\n"_html);
}

}  // namespace holdfast::cli::detail
