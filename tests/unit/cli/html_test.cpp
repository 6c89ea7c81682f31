#include "holdfast/cli/html.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using namespace holdfast::cli;
using holdfast::testing::contains;

TEST_CASE("html: text becomes harmless whatever way it takes in, and a literal stays markup") {
    const std::string evil = "<script>\"&'\x1b\xff";
    const std::string safe = "&lt;script&gt;&quot;&amp;&#39;\\x1b\\xff";
    CHECK(Html(evil).str() == safe);
    CHECK(("<b>"_html + evil + "</b>"_html).str() == "<b>" + safe + "</b>");
    Html added;
    added += evil;
    CHECK(added.str() == safe);
}

TEST_CASE(
    "html: a table says what it is in any layout: header cells have a scope, cells their column's title") {
    HtmlTable table("A <b>", {{"Name"}, {"Size", Align::right}});
    CHECK(table.empty());
    table.add({"<x>", "5"});
    table.add({"y"});
    const std::string out = table.markup().str();
    CHECK(contains(out, "<caption>A &lt;b&gt;</caption>"));
    CHECK(contains(out, "<th scope=\"col\" role=\"columnheader\">Name</th>"));
    CHECK(contains(out,
                   "<th scope=\"row\" role=\"rowheader\" data-label=\"Name\"><span>&lt;x&gt;</span></th>"));
    CHECK(contains(out, "<td role=\"cell\" class=\"number\" data-label=\"Size\"><span>5</span></td>"));
    CHECK(contains(out, "<td role=\"cell\" data-empty class=\"number\""));
}

TEST_CASE("html: a page forbids scripts and everything from elsewhere, and names its language and title") {
    const std::string page = html_page("a & b", "<h1>x</h1>"_html);
    CHECK(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
    CHECK(contains(page, "default-src 'none'"));
    CHECK_FALSE(contains(page, "script-src"));
    CHECK(contains(page, "<title>a &amp; b</title>"));
    CHECK(contains(page, "name=\"viewport\""));
    CHECK(page.ends_with("</body>\n</html>\n"));
}
