// cli/level_mark.hpp - a level of health on a page: a sign with a shape of its own, and the word.
#pragma once

#include "holdfast/cli/html.hpp"
#include "holdfast/policy/health.hpp"

namespace holdfast::cli {

/// A sign with a shape of its own for each level; the word stands beside it.
inline Html level_icon(Health level, const char* kind) {
    const Html shape =
        level == Health::healthy
            ? "<circle cx=\"8\" cy=\"8\" r=\"7\"/><path d=\"m4.7 8.3 2.3 2.2 4.3-4.8\"/>"_html
        : level == Health::degraded ? "<path d=\"M8 1.3 15.2 14H.8Z\"/><path d=\"M8 5.8v4m0 1.6v.6\"/>"_html
        : level == Health::unhealthy
            ? "<path d=\"M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z\"/><path d=\"m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2\"/>"_html
            : "<circle cx=\"8\" cy=\"8\" r=\"7\"/><path d=\"M6 6.3c0-2.9 4.1-2.7 4.1 0 0 1.6-2.1 1.6-2.1 3.3m0 1.7v.6\"/>"_html;
    return "<svg class=\""_html + kind +
           "\" viewBox=\"0 0 16 16\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" "
           "stroke-width=\"1.4\" stroke-linejoin=\"round\" stroke-linecap=\"round\">"_html +
           shape + "</svg>"_html;
}

inline Html level_word(Health level) {
    return "<span class=\"level "_html + word_for(level) + "\">"_html + level_icon(level, "icon") +
           word_for(level) + "</span>"_html;
}

}  // namespace holdfast::cli
