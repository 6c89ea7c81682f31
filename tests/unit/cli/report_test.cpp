#include "holdfast/cli/report.hpp"

#include <doctest/doctest.h>

using namespace holdfast::cli;

TEST_CASE("report: a table is aligned by characters, numbers to the right") {
    Table table({{"NAME", Align::left}, {"BYTES", Align::right}, {"NOTE", Align::left}});
    CHECK(table.empty());
    table.add({"trades", "7", "ok"});
    table.add({"quäle", "12345678", ""});
    CHECK(table.text() ==
          "NAME       BYTES  NOTE\n"
          "trades         7  ok\n"
          "quäle   12345678\n");
}

TEST_CASE("report: control bytes in a cell cannot break the table") {
    Table table({{"X"}, {"Y"}});
    table.add({"a\nb\033[2J", "y"});
    CHECK(table.text() == "X              Y\na\\x0ab\\x1b[2J  y\n");
}

TEST_CASE("report: a row has exactly the columns of its table") {
    Table table({{"A"}, {"B"}});
    table.add({"1"});
    table.add({"1", "2", "3"});
    CHECK(table.tsv() == "1\t\n1\t2\n");
}

TEST_CASE("report: a TSV line is one row whatever the cells hold") {
    CHECK(tsv_line({"a\tb", "c\nd", "e\\f", "g\rh", "\x01", "ü", ""}) ==
          "a\\tb\tc\\nd\te\\\\f\tg\\rh\t\\x01\tü\t\n");
    CHECK(tsv_line({}) == "\n");
}
