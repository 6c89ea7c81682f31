// cli/drill_page.hpp - a drill as one HTML page that needs nothing else: its figures as bars, its checks, earlier drills.
//
// A phase takes a second and may take an hour, so bars are shares of what is allowed: each has its own scale, and all limits lie
// on one line.
#pragma once

#include <cstdio>
#include <string>

#include "holdfast/cli/drill_text.hpp"

namespace holdfast::cli {

namespace detail {

inline std::string html(const std::string& text) {
    std::string out;
    for (const char c : printable(text)) switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    return out;
}

inline std::string svg_number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}
inline std::string svg_text(double x, double y, const char* anchor, const std::string& what) {
    return "<text x='" + svg_number(x) + "' y='" + svg_number(y) + "' text-anchor='" + anchor + "'>" +
           html(what) + "</text>\n";
}
inline std::string svg_rect(double x, double y, double width, double height, const char* colour) {
    return "<rect x='" + svg_number(x) + "' y='" + svg_number(y) + "' width='" + svg_number(width) +
           "' height='" + svg_number(height) + "' fill='" + colour + "'/>\n";
}
inline std::string svg_begin(double width, double height) {
    return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + svg_number(width) + " " +
           svg_number(height) + "' font-family='sans-serif' font-size='13'>\n" +
           svg_rect(0, 0, width, height, "white");
}

// Blue and vermilion are told apart by people who do not see red and green (Okabe and Ito).
inline constexpr const char *kMet = "#0072b2", *kMissed = "#d55e00", *kUnjudged = "#999999";

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

}  // namespace detail

/// What each phase took, as a share of what it may take; grey phases have no limit of their own and are shown against that of all.
inline std::string drill_bars_svg(const ops::DrillReport& r) {
    using namespace detail;
    constexpr double kLeft = 90, kLimit = 480, kMost = 600, kRow = 34,
                     kTop = 34;  // a bar ends at 125 % of its limit
    const std::vector<Bar> bars = bars_of(r);
    const double bottom = kTop + kRow * static_cast<double>(bars.size());
    std::string out = svg_begin(900, bottom + 12);
    out += "<path stroke='#333' stroke-dasharray='4 3' d='M" + svg_number(kLeft + kLimit) + " " +
           svg_number(kTop - 6) + "V" + svg_number(bottom) + "'/>\n" +
           svg_text(kLeft + kLimit, kTop - 14, "middle", "allowed");
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const Bar& bar = bars[i];
        const double y = kTop + kRow * static_cast<double>(i);
        const auto whole = static_cast<double>(bar.allowed.value_or(r.config.total).count());
        const double width = std::clamp(kLimit * bar.took / whole, 2.0, kMost);
        const char* colour = !bar.allowed ? kUnjudged : bar.took > whole ? kMissed : kMet;
        out += svg_text(kLeft - 8, y + 16, "end", bar.name) + svg_rect(kLeft, y, width, 22, colour);
        out += svg_text(kLeft + kMost + 12, y + 16, "start",
                        format_seconds(bar.took) +
                            (bar.allowed ? " of " + format_seconds(whole) : ", no target of its own"));
    }
    return out + "</svg>\n";
}

/// The last drills, this one at the right: how long each took, and whether it passed.
inline std::string drill_history_svg(const ops::DrillReport& r) {
    using namespace detail;
    constexpr std::size_t kShown = 40;
    constexpr double kLeft = 70, kWidth = 800, kTop = 24, kHeight = 130;
    const std::size_t first = r.history.size() > kShown ? r.history.size() - kShown : 0;
    double most = 1e-9;
    for (std::size_t i = first; i < r.history.size(); ++i) most = std::max(most, r.history[i].total_s);
    std::string out = svg_begin(900, kTop + kHeight + 34);
    out += svg_text(kLeft - 8, kTop + 10, "end", format_seconds(most)) +
           svg_text(kLeft - 8, kTop + kHeight, "end", "0");
    out += svg_rect(kLeft, 4, 12, 12, kMet) + svg_text(kLeft + 18, 15, "start", "passed, targets met") +
           svg_rect(kLeft + 180, 4, 12, 12, kMissed) + svg_text(kLeft + 198, 15, "start", "not so");
    out += "<path stroke='#999' d='M" + svg_number(kLeft) + " " + svg_number(kTop + kHeight) + "h" +
           svg_number(kWidth) + "'/>\n";
    const std::size_t count = r.history.size() - first;
    const double step = std::min(40.0, kWidth / static_cast<double>(std::max<std::size_t>(count, 1)));
    for (std::size_t i = 0; i < count; ++i) {
        const ops::PastDrill& past = r.history[first + i];
        const double height = std::max(2.0, kHeight * past.total_s / most);
        out += "<g><title>" + html(past.time_utc + ": " + format_seconds(past.total_s)) + "</title>" +
               svg_rect(kLeft + step * static_cast<double>(i) + 2, kTop + kHeight - height, step - 4, height,
                        past.has_passed ? kMet : kMissed) +
               "</g>\n";
    }
    if (count > 0) {
        const auto day = [&](std::size_t i) { return r.history[i].time_utc.substr(0, 10); };
        out += svg_text(kLeft, kTop + kHeight + 20, "start", day(first));
        if (step * static_cast<double>(count) > 200)
            out += svg_text(kLeft + step * static_cast<double>(count), kTop + kHeight + 20, "end",
                            day(r.history.size() - 1));
    }
    return out + "</svg>\n";
}

namespace detail {

inline std::string html_cells(const char* tag, const std::vector<std::string>& cells) {
    std::string out = "<tr>";
    for (const std::string& cell : cells) out += std::string("<") + tag + ">" + html(cell) + "</" + tag + ">";
    return out + "</tr>\n";
}

inline std::string html_sources(const ops::DrillReport& r) {
    std::string out =
        "<table>\n" + html_cells("th", {"source", "result", "snapshot", "age", "newest row", "restored",
                                        "identify", "retrieve", "restore", "verify"});
    for (const ops::DrilledSource& s : r.sources) {
        const auto newest = s.newest();
        out += html_cells(
            "td", {s.source, s.has_passed() ? "passed" : "FAILED", s.snapshot.empty() ? "none" : s.snapshot,
                   s.started == SystemSeconds{} ? "" : format_duration(s.age(r.began)),
                   newest ? format_duration(r.began - *newest) + " old" : "", format_bytes(s.bytes),
                   format_seconds(s.seconds[0]), format_seconds(s.seconds[1]), format_seconds(s.seconds[2]),
                   format_seconds(s.seconds[3])});
    }
    return out + "</table>\n";
}

inline std::string html_findings(const ops::DrillReport& r) {
    std::string rows;
    for (const ops::DrilledSource& s : r.sources) {
        if (s.failure)
            rows += html_cells("td", {s.source, kDrillPhases[static_cast<std::size_t>(s.failure->phase)],
                                      "FAILED", s.failure->what});
        for (const ops::CheckResult& c : s.checks)
            rows += html_cells(
                "td",
                {c.component, c.name,
                 c.state == ops::CheckResult::State::failed ? "FAILED" : ops::word_for(c.state), c.detail});
        for (const std::string& w : s.warnings) rows += html_cells("td", {s.source, "", "warning", w});
    }
    if (r.start_failure) rows += html_cells("td", {"", "start", "FAILED", r.start_failure->what});
    return "<table>\n" + html_cells("th", {"component", "check", "result", ""}) + rows + "</table>\n";
}

}  // namespace detail

inline std::string drill_page(const ops::DrillReport& r) {
    const std::string title = "Recovery test of " + format_time(r.began, "%Y-%m-%d");
    return "<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n<meta name='viewport' "
           "content='width=device-width'>\n"
           "<title>" +
           title +
           "</title>\n<style>body{font:15px/1.45 sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
           "1rem;color:#222;"
           "background:#fff}svg{width:100%;height:auto}table{border-collapse:collapse;width:100%;font-size:"
           "13px}"
           "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top;"
           "overflow-wrap:anywhere}.passed{color:#0072b2}.failed,.missed{color:#b34700}</style>\n<h1>" +
           title + "</h1>\n<p class='" + r.result() + "'><strong>" + detail::html(drill_verdict(r)) +
           ".</strong></p>\n<p>Began " + format_utc(r.began) + ", the " + r.pick + " snapshots of " +
           detail::html(r.repository) + ", restored by " +
           (r.with_stock_tools ? "recover.sh with stock tools only" : "holdfast") +
           ".</p>\n<h2>Against what is allowed</h2>\n" + drill_bars_svg(r) + "<h2>Sources</h2>\n" +
           detail::html_sources(r) + "<h2>Checks</h2>\n" + detail::html_findings(r) +
           "<h2>Drills so far</h2>\n" + drill_history_svg(r) + "</html>\n";
}

}  // namespace holdfast::cli
