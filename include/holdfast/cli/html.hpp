// cli/html.hpp - HTML that cannot be injected into: text becomes markup only by being escaped.
//
// Markup is written as literals, "<p>"_html; whatever else is added is escaped, so a source named <script> is shown, never run.
// Pages load nothing and have no script; their policy forbids both.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/base/utc.hpp"
#include "holdfast/cli/html_style.hpp"
#include "holdfast/cli/report.hpp"

namespace holdfast::cli {

class Html {
public:
    Html() = default;
    Html(const std::string& text) : Html(std::string_view(text)) {}  // NOLINT: implicit is the point of it
    Html(const char* text) : Html(std::string_view(text)) {}         // NOLINT
    explicit Html(std::string_view text) {
        for (const char c : printable(text)) switch (c) {
                case '&': markup_ += "&amp;"; break;
                case '<': markup_ += "&lt;"; break;
                case '>': markup_ += "&gt;"; break;
                case '"': markup_ += "&quot;"; break;
                case '\'': markup_ += "&#39;"; break;
                default: markup_ += c;
            }
    }
    Html& operator+=(const Html& more) {
        markup_ += more.markup_;
        return *this;
    }
    friend Html operator+(Html a, const Html& b) { return std::move(a += b); }
    friend Html operator""_html(const char* literal, std::size_t size);

    bool empty() const { return markup_.empty(); }
    const std::string& str() const { return markup_; }

private:
    std::string markup_;
};

inline Html operator""_html(const char* literal, std::size_t size) {
    Html out;
    out.markup_.assign(literal, size);
    return out;
}

/// A table whose rows stand below each other on a narrow screen, each cell with its column's title. The roles say again what it is,
/// because a browser forgets it when the layout is no table any more. The first column names the row.
class HtmlTable {
public:
    HtmlTable(const Html& caption, std::vector<Column> columns)
        : caption_(caption), columns_(std::move(columns)) {}

    /// Missing cells are empty.
    void add(std::vector<Html> cells) {
        rows_ += "<tr role=\"row\">"_html;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const Html cell = i < cells.size() ? cells[i] : Html();
            rows_ += i == 0 ? "<th scope=\"row\" role=\"rowheader\""_html : "<td role=\"cell\""_html;
            if (cell.empty()) rows_ += " data-empty"_html;
            if (columns_[i].align == Align::right) rows_ += " class=\"number\""_html;
            rows_ += " data-label=\""_html + columns_[i].title + "\"><span>"_html + cell + "</span>"_html;
            rows_ += i == 0 ? "</th>"_html : "</td>"_html;
        }
        rows_ += "</tr>\n"_html;
    }
    bool empty() const { return rows_.empty(); }

    Html markup() const {
        Html out = "<table role=\"table\">\n<caption>"_html + caption_ +
                   "</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">"_html;
        for (const Column& c : columns_)
            out += (c.align == Align::right ? "<th scope=\"col\" role=\"columnheader\" class=\"number\">"_html
                                            : "<th scope=\"col\" role=\"columnheader\">"_html) +
                   c.title + "</th>"_html;
        return out + "</tr></thead>\n<tbody role=\"rowgroup\">\n"_html + rows_ + "</tbody>\n</table>\n"_html;
    }

private:
    Html caption_;
    std::vector<Column> columns_;
    Html rows_;
};

/// A part of a page under its own heading; `id` is a word.
inline Html html_section(const char* id, const char* heading, const Html& content) {
    return "<section aria-labelledby=\""_html + id + "\">\n<h2 id=\""_html + id + "\">"_html + heading +
           "</h2>\n"_html + content + "</section>\n"_html;
}

/// To the minute.
inline Html time_markup(SystemSeconds at) {
    return "<time datetime=\""_html + format_utc(at) + "\">"_html + format_time(at, "%Y-%m-%d %H:%M UTC") +
           "</time>"_html;
}

/// What not everybody wants to see at once.
inline Html html_details(const Html& summary, const Html& content) {
    return "<details>\n<summary>"_html + summary + "</summary>\n"_html + content + "</details>\n"_html;
}

/// A colour and what it stands for.
inline Html html_key(const char* colour, const Html& meaning) {
    return "<li><span class=\"key "_html + colour + "\"></span>"_html + meaning + "</li>\n"_html;
}

/// A whole page around `main`, which begins with the only <h1>.
inline std::string html_page(const Html& title, const Html& main) {
    const Html page =
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
        "content=\"no-referrer\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n<title>"_html +
        title + "</title>\n<style>\n"_html;
    return page.str() + kHtmlStyle + "</style>\n</head>\n<body>\n<main>\n" + main.str() +
           "</main>\n</body>\n</html>\n";
}

}  // namespace holdfast::cli
