// cli/retention_chart.hpp - what a policy would hold day by day: a table, JSON, and a strip as SVG.
//
// In the strip time runs to the right and age runs up: each snapshot is a line that rises a day per day until it is
// removed, in the colour of the rule that held it last. Whoever looks along one vertical sees what is held that day.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "holdfast/cli/report.hpp"
#include "holdfast/cli/svg.hpp"
#include "holdfast/policy/simulate_retention.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast::cli {

namespace detail {

inline bool is_held(const SimulatedSnapshot& s, SystemSeconds at) {
    return s.taken <= at && (!s.removed || *s.removed > at);
}

/// "0-30 36 43": whole days, runs of neighbours as one.
inline std::string age_list(const std::vector<SimulatedSnapshot>& all, SystemSeconds at) {
    std::set<std::int64_t> ages;
    for (const SimulatedSnapshot& s : all)
        if (is_held(s, at)) ages.insert(std::chrono::floor<std::chrono::days>(at - s.taken).count());
    std::string out;
    for (auto first = ages.begin(); first != ages.end();) {
        auto last = first;
        while (std::next(last) != ages.end() && *std::next(last) == *last + 1) ++last;
        out += (out.empty() ? "" : " ") + std::to_string(*first);
        if (*last != *first) out += "-" + std::to_string(*last);
        first = std::next(last);
    }
    return out;
}

inline std::size_t count_held(const std::vector<SimulatedSnapshot>& all, SystemSeconds at) {
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const SimulatedSnapshot& s) { return is_held(s, at); }));
}

/// Blue, green, orange …: told apart by people who do not see red and green (Okabe and Ito).
inline const std::map<std::string, const char*>& rule_colours() {
    static const std::map<std::string, const char*> colours = {
        {"last", "#56b4e9"},    {"hourly", "#56b4e9"}, {"daily", "#0072b2"}, {"weekly", "#009e73"},
        {"monthly", "#e69f00"}, {"yearly", "#d55e00"}, {"other", "#777777"}};
    return colours;
}

}  // namespace detail

struct SimulatedDays {
    std::chrono::sys_days first{};
    std::uint64_t days = 0;
    std::vector<SimulatedSnapshot> snapshots;

    /// When the day's prune is over.
    SystemSeconds evening(std::uint64_t day) const {
        return SystemSeconds{first + std::chrono::days{day}} + std::chrono::hours{2};
    }
};

inline Table simulation_table(const SimulatedDays& sim) {
    Table table({{"DAY"}, {"HELD", Align::right}, {"AGES IN DAYS"}});
    for (std::uint64_t day = 0; day < sim.days; ++day) {
        const SystemSeconds at = sim.evening(day);
        table.add({format_time(at, "%Y-%m-%d"), std::to_string(detail::count_held(sim.snapshots, at)),
                   detail::age_list(sim.snapshots, at)});
    }
    return table;
}

/// Each snapshot with the times it was taken and removed; nothing for the latter while it is held.
inline Json simulation_json(const SimulatedDays& sim) {
    Json out = Json::array();
    for (const SimulatedSnapshot& s : sim.snapshots)
        out.push_back({{"taken_utc", format_utc(s.taken)},
                       {"type", s.type},
                       {"removed_utc", s.removed ? Json(format_utc(*s.removed)) : Json(nullptr)},
                       {"reason", s.last_reason}});
    return out;
}

/// A self-contained picture, some 60 bytes for each snapshot.
inline std::string simulation_svg(const SimulatedDays& sim) {
    constexpr double kWidth = 960, kHeight = 420, kLeft = 60, kTop = 40;
    const SystemSeconds start = sim.evening(0), end = sim.evening(sim.days - 1);
    const double span = std::max<double>(1, static_cast<double>((end - start).count()));
    const auto x = [&](SystemSeconds at) {
        return kLeft + kWidth * static_cast<double>((at - start).count()) / span;
    };
    const auto y = [&](std::chrono::seconds age) {
        return kTop + kHeight * (1 - static_cast<double>(age.count()) / span);
    };
    const auto text = [&](double at_x, double at_y, const std::string& anchor, const std::string& what) {
        return "<text x='" + svg_number(at_x) + "' y='" + svg_number(at_y) + "' text-anchor='" + anchor +
               "'>" + Html(what).str() + "</text>\n";
    };
    std::string out =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1060 520' font-family='sans-serif' "
        "font-size='13' role='img'>\n<title>What the policy holds over " +
        std::to_string(sim.days) + " days</title>\n<rect width='1060' height='520' fill='white'/>\n";
    const std::uint64_t steps = 4;
    for (std::uint64_t i = 0; i <= steps; ++i) {
        const auto part =
            std::chrono::seconds{static_cast<std::int64_t>(span) * static_cast<std::int64_t>(i) /
                                 static_cast<std::int64_t>(steps)};
        out += "<path stroke='#ddd' d='M" + svg_number(kLeft) + " " + svg_number(y(part)) + "h" +
               svg_number(kWidth) + "'/>\n";
        out += text(x(start + part), kTop + kHeight + 20, "middle", format_time(start + part, "%Y-%m-%d"));
        out += text(kLeft - 6, y(part) + 4, "end",
                    std::to_string(std::chrono::floor<std::chrono::days>(part).count()) + " d");
    }
    std::map<std::string, std::string> lines;
    for (const SimulatedSnapshot& s : sim.snapshots) {
        const SystemSeconds until = s.removed.value_or(end);
        lines[lasting_rule(s.last_reason)] += "M" + svg_number(x(s.taken)) + " " + svg_number(y({})) + "L" +
                                              svg_number(x(until)) + " " + svg_number(y(until - s.taken));
    }
    double legend = kLeft;
    for (const auto& [rule, path] : lines) {
        const std::string colour = detail::rule_colours().at(rule);
        out += "<path fill='none' stroke='" + colour + "' d='" + path + "'/>\n";
        out += "<rect x='" + svg_number(legend) + "' y='14' width='12' height='12' fill='" + colour + "'/>\n";
        out += text(legend + 18, 25, "start", rule);
        legend += 100;
    }
    out += text(kLeft + kWidth, 25, "end",
                std::to_string(detail::count_held(sim.snapshots, end)) + " snapshots held at the end");
    out += text(kLeft - 6, kTop - 12, "end", "age");
    return out + "</svg>\n";
}

}  // namespace holdfast::cli
