// cli/status_sources.hpp - the sources on the status page: how old, how large, and how that went.
#pragma once

#include "holdfast/cli/drill_text.hpp"
#include "holdfast/cli/level_mark.hpp"
#include "holdfast/cli/svg.hpp"
#include "holdfast/policy/status.hpp"

namespace holdfast::cli::detail {

inline Health source_level(const StatusFacts& f, const std::string& name) {
    Health level = Health::healthy;
    for (const HealthResult& r : f.results)
        if ((r.check == "backup_age" || r.check == "sources") &&
            (r.subject == name || r.subject.starts_with(name + "/")))
            level = worse(level, r.level);
    return level;
}

/// Two small pictures of one source: how large it was, and what it added. Time runs evenly in the first.
inline std::pair<Html, Html> trend_markup(const SourceTrend& s) {
    const auto first = s.points.front().at, last = s.points.back().at;
    const double span = std::max(1.0, static_cast<double>((last - first).count()));
    std::uint64_t largest = 1, most = 1;
    for (const SourcePoint& p : s.points) {
        largest = std::max(largest, p.bytes);
        most = std::max(most, p.added);
    }
    const auto share = [](std::uint64_t part, std::uint64_t all) {
        return static_cast<double>(part) / static_cast<double>(all);
    };
    std::vector<SvgPoint> sizes;
    std::vector<double> added;
    for (const SourcePoint& p : s.points) {
        sizes.push_back({static_cast<double>((p.at - first).count()) / span, share(p.bytes, largest)});
        added.push_back(share(p.added, most));
    }
    const std::string since =
        count_of(s.points.size(), "snapshot") + " since " + format_time(first, "%Y-%m-%d");
    return {
        svg_spark_line("Size of " + s.name + ": from " + format_bytes(s.points.front().bytes) + " to " +
                           format_bytes(s.points.back().bytes) + " in " + since + ", at most " +
                           format_bytes(s.points.empty() ? 0 : largest),
                       sizes),
        svg_spark_bars("Added by " + s.name + ": at most " + format_bytes(most) + " a snapshot, in " + since,
                       added)};
}

inline Html sources_markup(const StatusFacts& f) {
    HtmlTable table("Trends are those of the last " + std::to_string(kTrendPoints) +
                        " snapshots that hold a source; what it added is what was new, compressed.",
                    {{"Source"},
                     {"Newest", Align::right},
                     {"Size", Align::right},
                     {"Size over time"},
                     {"Added", Align::right},
                     {"Added over time"},
                     {"State"}});
    for (const SourceTrend& s : f.sources) {
        Html name = Html(s.name) + "<small>"_html + s.kind +
                    (s.is_configured  ? ""
                     : s.kind.empty() ? "not configured"
                                      : ", not configured") +
                    "</small>"_html;
        if (s.points.empty()) {
            table.add({name, "none", "", "", "", "", level_word(source_level(f, s.name))});
            continue;
        }
        const SourcePoint& newest = s.points.back();
        const auto [size, added] = trend_markup(s);
        table.add({name, holdfast::detail::ago(newest.at, f.now), format_bytes(newest.bytes), size,
                   format_bytes(newest.added), added,
                   s.is_configured ? level_word(source_level(f, s.name)) : Html("kept")});
    }
    return html_section(
        "sources", "Sources",
        table.empty() ? "<p class=\"soft\">No source is configured, and no snapshot holds any.</p>\n"_html
                      : table.markup());
}

}  // namespace holdfast::cli::detail
