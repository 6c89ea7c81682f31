// cli/drill_chart.hpp - drills so far as bars, for the page of a drill and for the status page.
#pragma once

#include "holdfast/cli/drill_text.hpp"
#include "holdfast/cli/svg.hpp"
#include "holdfast/policy/status.hpp"

namespace holdfast::cli {

/// The last drills, the newest at the right: how long each took, and whether it passed.
inline Html drill_chart(const std::vector<DrillPoint>& drills) {
    constexpr std::size_t kShown = 40;
    constexpr double kWidth = 400, kHeight = 60, kMostWide = 28;
    if (drills.empty()) return "<p class=\"soft\">There was none yet.</p>\n"_html;
    const std::size_t first = drills.size() > kShown ? drills.size() - kShown : 0,
                      count = drills.size() - first;
    double most = 1e-9;
    std::uint64_t passed = 0;
    for (std::size_t i = first; i < drills.size(); ++i) {
        most = std::max(most, drills[i].seconds);
        passed += drills[i].has_passed ? 1 : 0;
    }
    const double step = std::min(kMostWide, kWidth / static_cast<double>(count));
    Html bars = svg_line("axis", 0, kHeight, kWidth, kHeight);
    for (std::size_t i = 0; i < count; ++i) {
        const DrillPoint& drill = drills[first + i];
        const double height = std::max(1.5, (kHeight - 2) * drill.seconds / most);
        const double x = kWidth - step * static_cast<double>(count - i) + step * 0.12;
        Html bar = svg_rect(x, kHeight - height, step * 0.76, height, drill.has_passed ? "blue" : "red");
        if (!drill.has_passed) bar += svg_line("mark", x, kHeight - height, x + step * 0.76, kHeight);
        bars += svg_titled(format_utc(drill.at) + ": " + format_seconds(drill.seconds) +
                               (drill.has_passed ? ", passed" : ", not passed"),
                           bar);
    }
    const auto day = [&](std::size_t i) { return format_time(drills[i].at, "%Y-%m-%d"); };
    return svg_stretched("chart",
                         count_of(count, "drill") + ", " + std::to_string(passed) +
                             " of which passed; the longest took " + format_seconds(most),
                         kWidth, kHeight, bars) +
           "<p class=\"ends\"><span>highest: "_html + format_seconds(most) + "</span><span>"_html +
           (count > 1 ? day(first) + " to " : "") + day(drills.size() - 1) +
           "</span></p>\n<ul class=\"keys\">\n"_html + html_key("blue", "passed, targets met") +
           html_key("red", "not so (with a stroke)") + "</ul>\n"_html;
}

}  // namespace holdfast::cli
