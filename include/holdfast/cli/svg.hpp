// cli/svg.hpp - small pictures in pages and files: bars, lines and rectangles.
//
// Pictures inside of pages have no words in them, which would shrink with them: those are HTML beside the picture, and the picture
// as a whole has a label for people who do not see it. Colours are classes of html_style.hpp.
#pragma once

#include <algorithm>
#include <cstdio>
#include <vector>

#include "holdfast/cli/html.hpp"

namespace holdfast::cli {

inline std::string svg_number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

inline Html svg_rect(double x, double y, double width, double height, const char* colour) {
    return "<rect x=\""_html + svg_number(x) + "\" y=\""_html + svg_number(y) + "\" width=\""_html +
           svg_number(width) + "\" height=\""_html + svg_number(height) + "\" class=\""_html + colour +
           "\"/>"_html;
}

/// With words that a mouse over it shows.
inline Html svg_titled(const Html& title, const Html& shape) {
    return "<g><title>"_html + title + "</title>"_html + shape + "</g>\n"_html;
}

inline Html svg_line(const char* kind, double x1, double y1, double x2, double y2) {
    return "<line class=\""_html + kind + "\" x1=\""_html + svg_number(x1) + "\" y1=\""_html +
           svg_number(y1) + "\" x2=\""_html + svg_number(x2) + "\" y2=\""_html + svg_number(y2) + "\"/>"_html;
}

/// A picture of `width` by `height` units that fills whatever `kind` says, in both directions.
inline Html svg_stretched(const char* kind, const Html& label, double width, double height,
                          const Html& content) {
    return "<svg class=\""_html + kind + "\" viewBox=\"0 0 "_html + svg_number(width) + " "_html +
           svg_number(height) + "\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\""_html + label +
           "\">"_html + content + "</svg>\n"_html;
}

struct SvgPoint {
    double x = 0, y = 0;  // 0 to 1; y grows upwards
};

/// How one value went: a line over its area, from 0 at the bottom. One point is a level line.
inline Html svg_spark_line(const Html& label, std::vector<SvgPoint> points) {
    constexpr double kWidth = 100, kHeight = 20;
    if (points.size() == 1) points = {{0, points[0].y}, {1, points[0].y}};
    std::string line;
    for (const SvgPoint& p : points)
        line += (line.empty() ? "" : " ") + svg_number(p.x * kWidth) + "," +
                svg_number(kHeight - 1 - p.y * (kHeight - 2));
    return svg_stretched("spark", label, kWidth, kHeight,
                         "<polygon class=\"area\" points=\"0,20 "_html + line + " 100,20\"/>"_html +
                             "<polyline class=\"line\" points=\""_html + line + "\"/>"_html);
}

/// Thin bars side by side, `values` from 0 to 1.
inline Html svg_spark_bars(const Html& label, const std::vector<double>& values) {
    constexpr double kWidth = 100, kHeight = 20, kMostWide = 8;
    const double step =
        std::min(kMostWide, kWidth / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
    const double first = kWidth - step * static_cast<double>(values.size());  // the newest is at the right
    Html bars;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double height = std::max(0.4, values[i] * (kHeight - 1));
        bars +=
            svg_rect(first + step * static_cast<double>(i), kHeight - height, step * 0.75, height, "blue");
    }
    return svg_stretched("spark", label, kWidth, kHeight, bars);
}

struct SvgShare {
    const char* colour;
    double part;
};

/// One bar, divided.
inline Html svg_shares(const Html& label, const std::vector<SvgShare>& shares) {
    double whole = 0, x = 0;
    for (const SvgShare& s : shares) whole += s.part;
    Html parts;
    for (const SvgShare& s : shares) {
        if (s.part <= 0) continue;
        const double width = 1000 * s.part / whole;
        parts += svg_rect(x, 0, width, 10, s.colour);
        x += width;
    }
    return svg_stretched("bar", label, 1000, 10, parts);
}

}  // namespace holdfast::cli
