// cli/drill_page.hpp - a drill as one HTML page that needs nothing else: its figures as bars, its checks, earlier drills.
//
// A phase takes a second and may take an hour, so bars are shares of what is allowed: each has its own scale, and all limits lie
// on one line.
#pragma once

#include "holdfast/cli/drill_chart.hpp"
#include "holdfast/cli/level_mark.hpp"

namespace holdfast::cli {

namespace detail {

struct Bar {
    std::string name;
    double took;
    std::optional<std::chrono::seconds> allowed;
};

inline std::vector<Bar> bars_of(const ops::DrillReport& r) {
    std::vector<Bar> bars;
    for (std::size_t i = 0; i < kDrillPhases.size(); ++i)
        if (i != static_cast<std::size_t>(DrillPhase::start) || !r.config.start.empty())
            bars.push_back({kDrillPhases[i], r.seconds[i], r.config.target[i]});
    bars.push_back({"total", r.total_s(), r.config.total});
    if (r.data_loss)
        bars.push_back({"data loss", static_cast<double>(r.data_loss->count()), r.config.max_data_loss});
    return bars;
}

/// What a phase took, as a share of what it may take, which is at four fifths of the width; a grey one has no limit of its own and is
/// shown against that of all.
inline Html bar_svg(const Bar& bar, double whole) {
    constexpr double kLimit = 400, kMost = 500;
    const double width = std::clamp(kLimit * bar.took / whole, 2.0, kMost);
    const char* colour = !bar.allowed ? "grey" : bar.took > whole ? "red" : "blue";
    return svg_stretched(
        "bar", bar.name + ": " + svg_number(100 * bar.took / whole) + " % of what is allowed", kMost, 10,
        svg_rect(0, 0, kMost, 10, "quiet") + svg_rect(0, 0, width, 10, colour) +
            svg_line("limit", kLimit, 0, kLimit, 10));
}

inline Html html_bars(const ops::DrillReport& r) {
    HtmlTable table("The dashed line is what is allowed.",
                    {{"Phase"}, {"Took", Align::right}, {"Allowed", Align::right}, {"Share"}, {"Result"}});
    for (const Bar& bar : bars_of(r)) {
        const auto whole = static_cast<double>(bar.allowed.value_or(r.config.total).count());
        table.add({bar.name, format_seconds(bar.took), bar.allowed ? format_seconds(whole) : "",
                   bar_svg(bar, whole),
                   !bar.allowed       ? "no target of its own"
                   : bar.took > whole ? "missed"
                                      : "met"});
    }
    return table.markup();
}

inline Html html_drilled(const ops::DrillReport& r) {
    HtmlTable table("What was restored, and how long each phase took.", {{"Source"},
                                                                         {"Result"},
                                                                         {"Snapshot"},
                                                                         {"Age", Align::right},
                                                                         {"Newest row", Align::right},
                                                                         {"Restored", Align::right},
                                                                         {"Identify", Align::right},
                                                                         {"Retrieve", Align::right},
                                                                         {"Restore", Align::right},
                                                                         {"Verify", Align::right}});
    for (const ops::DrilledSource& s : r.sources) {
        const auto newest = s.newest();
        table.add({s.source, s.has_passed() ? "passed" : "FAILED", s.snapshot.empty() ? "none" : s.snapshot,
                   s.started == SystemSeconds{} ? "" : format_duration(s.age(r.began)),
                   newest ? format_duration(r.began - *newest) + " old" : "", format_bytes(s.bytes),
                   format_seconds(s.seconds[0]), format_seconds(s.seconds[1]), format_seconds(s.seconds[2]),
                   format_seconds(s.seconds[3])});
    }
    return table.empty() ? "<p>None.</p>\n"_html : table.markup();
}

inline Html html_checks(const ops::DrillReport& r) {
    HtmlTable table("What was asked of the restored data, and what came up.",
                    {{"Component"}, {"Check"}, {"Result"}, {"Says"}});
    for (const ops::DrilledSource& s : r.sources) {
        if (s.failure)
            table.add({s.source, kDrillPhases[static_cast<std::size_t>(s.failure->phase)], "FAILED",
                       s.failure->what});
        for (const ops::CheckResult& c : s.checks)
            table.add({c.component, c.name,
                       c.state == ops::CheckResult::State::failed ? "FAILED" : ops::word_for(c.state),
                       c.detail});
        for (const std::string& w : s.warnings) table.add({s.source, "", "warning", w});
    }
    if (r.start_failure) table.add({"the system", "start", "FAILED", r.start_failure->what});
    return table.empty() ? "<p>None.</p>\n"_html : table.markup();
}

inline Html html_history(const ops::DrillReport& r) {
    std::vector<DrillPoint> points;
    for (const ops::PastDrill& past : r.history)
        if (const auto at = parse_utc(past.time_utc)) points.push_back({*at, past.total_s, past.has_passed});
    return drill_chart(points);
}

}  // namespace detail

inline std::string drill_page(const ops::DrillReport& r) {
    using namespace detail;
    const std::string title = "Recovery test of " + format_time(r.began, "%Y-%m-%d");
    const std::string_view result = r.result();
    const Health level = result == "passed"   ? Health::healthy
                         : result == "missed" ? Health::degraded
                                              : Health::unhealthy;
    const Html began = "Began " + format_utc(r.began) + ", the " + r.pick + " snapshots of " + r.repository +
                       ", restored by " +
                       (r.with_stock_tools ? "recover.sh with stock tools only" : "holdfast") + ".";
    return html_page(title, "<header class=\"state "_html + word_for(level) + "\">\n"_html +
                                level_icon(level, "sign") + "<div>\n<h1>"_html + title +
                                "</h1>\n<p><strong>"_html + drill_verdict(r) + ".</strong></p>\n<p>"_html +
                                began + "</p>\n</div>\n</header>\n"_html +
                                html_section("allowed", "Against what is allowed", html_bars(r)) +
                                html_section("sources", "Sources", html_drilled(r)) +
                                html_section("checks", "Checks", html_checks(r)) +
                                html_section("history", "Drills so far", html_history(r)));
}

}  // namespace holdfast::cli
