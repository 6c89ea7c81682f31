// cli/status_page.hpp - how a host is, as one page: the state, what to do, sources, the year, proofs, and what retention holds.
//
// It is a picture of one moment, with its time on it, and looks the same with and without JavaScript.
#pragma once

#include "holdfast/base/version.hpp"
#include "holdfast/cli/retention_strip.hpp"
#include "holdfast/cli/status_proofs.hpp"
#include "holdfast/cli/status_sources.hpp"

namespace holdfast::cli {

namespace detail {

inline std::uint64_t count_level(const StatusFacts& f, Health level) {
    return static_cast<std::uint64_t>(std::count_if(f.results.begin(), f.results.end(),
                                                    [&](const HealthResult& r) { return r.level == level; }));
}

inline Html state_markup(const StatusFacts& f) {
    const Health level = overall(f.results);
    Html what;
    for (const Health one : {Health::unhealthy, Health::unknown, Health::degraded})
        if (const auto n = count_level(f, one); n > 0)
            what += (what.empty() ? "" : ", ") + std::to_string(n) + " " + word_for(one);
    const std::string advice = level == Health::healthy ? "Everything that was looked at is as it should be."
                               : level == Health::degraded ? "Backups work, but look at it today: "
                               : level == Health::unknown  ? "Something could not be looked at: "
                                                           : "Look at it now: ";
    return "<header class=\"state "_html + word_for(level) + "\">\n"_html + level_icon(level, "sign") +
           "<div>\n<h1>"_html + (f.host.empty() ? "This host" : f.host) + " is "_html + word_for(level) +
           "</h1>\n<p>"_html + advice + what + (what.empty() ? "" : ".") + "</p>\n<p>Looked at "_html +
           time_markup(f.now) + ", " + count_of(f.results.size(), "check") +
           ".</p>\n</div>\n</header>\n"_html;
}

/// One number, marked if the checks of that name found something.
inline Html figure_markup(const StatusFacts& f, const char* title, const char* check, const Html& value,
                          const Html& note) {
    Health level = Health::healthy;
    for (const HealthResult& r : f.results)
        if (r.check == check) level = worse(level, r.level);
    const bool is_fine = level == Health::healthy;
    return "<div><dt>"_html + title + "</dt><dd><span class=\"value"_html +
           (is_fine ? Html() : " level " + Html(word_for(level))) + "\">"_html +
           (is_fine ? Html() : level_icon(level, "icon")) + value + "</span><br><span class=\"soft\">"_html +
           (is_fine ? Html() : word_for(level) + ", "_html) + note + "</span></dd></div>\n"_html;
}

/// Where snapshots go, if its disk was looked at.
inline Html free_markup(const StatusFacts& f) {
    for (const HealthResult& r : f.results)
        for (const Sample& s : r.samples)
            if (s.name == "backup_disk_free_bytes")
                return figure_markup(f, "Free for backups", "disk",
                                     format_bytes(static_cast<std::uint64_t>(s.value)), r.subject);
    return {};
}

inline Html figures_markup(const StatusFacts& f) {
    if (f.days.empty()) return {};  // there is no repository to count in
    const auto since = [&](const std::optional<SystemSeconds>& at, const char* none) {
        return Html(at ? holdfast::detail::ago(*at, f.now) : none);
    };
    const auto date = [](const std::optional<SystemSeconds>& at) {
        return at ? time_markup(*at) : Html("there was none");
    };
    std::uint64_t bytes = 0;
    for (const SourceTrend& s : f.sources)
        if (!s.points.empty()) bytes += s.points.back().bytes;
    const auto at = [](const std::optional<Proof>& p) { return p ? std::optional(p->at) : std::nullopt; };
    return "<dl class=\"figures\">\n"_html +
           figure_markup(f, "Newest backup", "backup_age", since(f.newest, "none"), date(f.newest)) +
           figure_markup(f, "Snapshots", "history", std::to_string(f.snapshots),
                         "of sources with " + format_bytes(bytes)) +
           figure_markup(f, "Verified", "verification", since(at(f.last_verified), "never"),
                         date(at(f.last_verified))) +
           figure_markup(f, "Rehearsed", "drill", since(at(f.last_drill), "never"),
                         f.last_drill ? Html(f.last_drill->is_good ? "passed in " : "not passed in ") +
                                            format_seconds(f.last_drill->seconds)
                                      : Html("there was none")) +
           free_markup(f) + "</dl>\n"_html;
}

inline Html subject_markup(const HealthResult& r) {
    return "<code>"_html + r.check + "</code>"_html + (r.subject.empty() ? Html() : " " + Html(r.subject));
}

inline Html findings_markup(const StatusFacts& f) {
    Html items;
    for (const Health level : {Health::unhealthy, Health::unknown, Health::degraded})
        for (const HealthResult& r : f.results)
            if (r.level == level)
                items += "<li class=\""_html + word_for(level) + "\">\n<p>"_html + level_word(level) + " " +
                         subject_markup(r) + "</p>\n<p>"_html + r.message +
                         "</p>\n<p><strong>Next:</strong> "_html + r.next + "</p>\n</li>\n"_html;
    Html out = items.empty() ? "<p>Nothing: no check found anything.</p>\n"_html
                             : "<ul class=\"findings\">\n"_html + items + "</ul>\n"_html;
    for (const std::string& gap : f.gaps)
        out += "<p class=\"soft\">Not shown on this page: "_html + gap + "</p>\n"_html;
    return html_section("todo", "What to do", out);
}

inline Html checks_markup(const StatusFacts& f) {
    HtmlTable table("In the order in which they were made.", {{"Check"}, {"Of what"}, {"State"}, {"Says"}});
    for (const HealthResult& r : f.results)
        table.add({"<code>"_html + r.check + "</code>"_html, r.subject, level_word(r.level), r.message});
    return html_section("checks", "Checks",
                        html_details("All " + count_of(f.results.size(), "result"), table.markup()));
}

}  // namespace detail

inline std::string status_page(const StatusFacts& f) {
    using namespace detail;
    const std::string host = f.host.empty() ? "this host" : f.host;
    Html main =
        state_markup(f) + figures_markup(f) + findings_markup(f) + sources_markup(f) + calendar_markup(f);
    if (f.gaps.empty() || f.snapshots > 0)
        main += proofs_markup(f) +
                html_section("retention", "What prune would do", retention_markup(f.retention, f.now));
    main +=
        checks_markup(f) + "<footer>Written by holdfast "_html + kVersion +
        " (<code>healthcheck --html</code>) of the repository <code>"_html + f.repository +
        "</code>. All times are UTC. This page does not change by itself: it says how things were at "_html +
        time_markup(f.now) + ".</footer>\n"_html;
    return html_page(host + ": " + word_for(overall(f.results)) + " - backups", main);
}

}  // namespace holdfast::cli
