#include "holdfast/export/csv_reader.hpp"

#include <doctest/doctest.h>

#include <ctime>

#include "holdfast/export/json_rows.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;

namespace {

/// The text in pieces of `piece` bytes, so that records cross their borders.
PullBytes pieces(std::string text, std::size_t piece) {
    return [text = std::move(text), piece, at = std::size_t{0}](std::span<std::byte> out) mutable {
        const std::size_t n = std::min({piece, out.size(), text.size() - at});
        std::copy_n(as_bytes(text).begin() + static_cast<std::ptrdiff_t>(at), n, out.begin());
        at += n;
        return n;
    };
}

std::vector<std::string> records(const std::string& text, std::size_t piece = 1 << 20) {
    CsvReader reader(pieces(text, piece), "'f.csv'");
    std::vector<CsvCell> cells;
    std::vector<std::string> out;
    while (reader.next(cells)) {
        out.emplace_back();
        for (const CsvCell& c : cells) out.back() += "[" + std::string(c.is_null() ? "NULL" : c.text) + "]";
    }
    return out;
}

std::string json_rows(const std::string& text, JsonShape shape,
                      const std::vector<ExportColumn>& columns = {}) {
    JsonStream stream(pieces(text, 7), "'f.json'");
    std::string out;
    JsonRows rows(stream, shape, columns, [&](std::span<const ExportValue> values) {
        for (const ExportValue& v : values) {
            if (const auto* n = std::get_if<std::int64_t>(&v)) out += std::to_string(*n);
            if (const auto* t = std::get_if<std::string_view>(&v)) out += "'" + std::string(*t) + "'";
            if (const auto* b = std::get_if<ByteSpan>(&v)) out += "x" + to_hex(*b);
            if (const auto* d = std::get_if<double>(&v)) out += "r" + std::to_string(*d);
            out += v.index() == 0 ? "NULL " : " ";
        }
        out += "| ";
    });
    rows.read();
    return out;
}

}  // namespace

TEST_CASE(
    "csv_reader: quotes, doubled quotes, line breaks inside quotes, LF and CRLF, in pieces of any size") {
    const std::string text = "a,b\r\n1,\"x,\"\"y\"\"\nz\"\r\n,\"\"\n\"q\",2";
    const std::vector<std::string> wanted = {"[a][b]", "[1][x,\"y\"\nz]", "[NULL][]", "[q][2]"};
    for (std::size_t piece = 1; piece <= text.size(); ++piece) CHECK(records(text, piece) == wanted);
}

TEST_CASE("csv_reader: a byte order mark is not part of the first name") {
    CHECK(records("\xEF\xBB\xBF\"id\",b\n") == std::vector<std::string>{"[id][b]"});
}

TEST_CASE("csv_reader: a record may be longer than the buffer") {
    const std::string wide(3'000'000, 'x');
    CHECK(records("\"" + wide + "\",1\n2,3\n", 65'536) ==
          std::vector<std::string>{"[" + wide + "][1]", "[2][3]"});
}

TEST_CASE("csv_reader: a long record takes time as its length, not as the square of it") {
    const auto seconds = [](std::size_t cell) {
        std::string text = "a\n";
        while (text.size() < 32'000'000) text += std::string(cell, 'x') + "\n";
        const std::clock_t start = std::clock();
        CsvReader reader(pieces(std::move(text), 65'536), "'f.csv'");
        std::vector<CsvCell> cells;
        while (reader.next(cells)) CHECK(cells.size() == 1);
        return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    };
    const double of_short_ones = seconds(30'000);
    CHECK(seconds(32'000'000) < 20 * of_short_ones + 0.2);
}

TEST_CASE("csv_reader: a mistake is told with its line and column") {
    const auto message = [](const std::string& text) {
        const Error e = catch_error([&] { records(text, 3); });
        CHECK(e.kind() == Kind::corrupt);
        return std::string(e.what());
    };
    CHECK(contains(message("a,b\n1,2\"x\n"), "line 2, column 4: a quote inside"));
    CHECK(contains(message("a\n\"x\ny\"z\n"), "line 3, column 3: text after a closing quote"));
    CHECK(contains(message("a\nb\n\"open\n"), "line 3, column 1: the text ends inside quotes"));
    CHECK(contains(message("a\rb\n"), "line 1, column 2: a carriage return"));
}

TEST_CASE("json_rows: a document, a list and lines are the same rows; keys in any order, missing ones NULL") {
    const std::string wanted = "1 'x' | 2 NULL | NULL 'y' | ";
    const std::vector<ExportColumn> columns = {{"a", ColumnType::integer, "", true, CellRule::number},
                                               {"b", ColumnType::text, "", true, CellRule::text}};
    const std::string rows = R"({"a":1,"b":"x"},{"a":2},{"b":"y","a":null})";
    CHECK(json_rows("{\"export_timestamp\":\"t\",\"meta\":{\"k\":[1,{}]},\"record_count\":3,\"rows\":[" +
                        rows + "]}",
                    JsonShape::document, columns) == wanted);
    CHECK(json_rows(" [" + rows + "] ", JsonShape::document, columns) == wanted);
    CHECK(json_rows("{\"a\":1,\"b\":\"x\"}\n{\"a\":2}\n\n{\"b\":\"y\"}\n", JsonShape::lines, columns) ==
          wanted);
    CHECK(json_rows("[{\"a\":1,\"b\":\"x\"}]", JsonShape::document) == "1 'x' | ");
}

TEST_CASE("json_rows: marked values are what they say; numbers keep 64 bits") {
    const std::vector<ExportColumn> columns = {{"a", ColumnType::text, "", true, CellRule::text},
                                               {"b", ColumnType::blob, "BLOB", true, CellRule::base64}};
    CHECK(
        json_rows(
            R"({"a":{"base64":"AP8="},"b":"AP8="}{"a":{"text_base64":"QQ=="},"b":{"text":"t"}}{"a":-9223372036854775808,"b":9223372036854775807}{"a":1.5,"b":true})",
            JsonShape::lines,
            columns) == "x00ff x00ff | 'A' 't' | -9223372036854775808 9223372036854775807 | r1.500000 1 | ");
}

TEST_CASE("json_rows: what is no row is refused with its line and column") {
    const auto message = [](const std::string& text, JsonShape shape = JsonShape::document) {
        const Error e = catch_error([&] {
            json_rows(text, shape, {{"a", ColumnType::text, "", true, CellRule::text}});
        });
        CHECK(e.kind() == Kind::corrupt);
        return std::string(e.what());
    };
    CHECK(contains(message("[{\"a\":1},\n{\"a\":[1]}]"), "line 2, column 6: column 'a' holds a list"));
    CHECK(contains(message("[{\"a\":{\"x\":\"y\"}}]"), "holds a list or an object"));
    CHECK(contains(message("[{\"a\":1},\n{\"z\":2}]"), "line 2"));
    CHECK(contains(message("[{\"a\":1},\n{\"z\":2}]"), "no column 'z'"));
    CHECK(contains(message("[{\"a\":1}\n"), "the text ends in the middle"));
    CHECK(contains(message("[{\"a\":NaN}]"), "this is not JSON"));
    CHECK(contains(message("[{\"a\":1e999}]"), "this is not JSON"));
    CHECK(contains(message("[1]"), "a row is an object"));
    CHECK(contains(message("{\"x\":1}"), "no list of objects"));
    CHECK(contains(message("{\"x\":[{\"a\":1}],\"y\":[{\"a\":2}]}"), "a second list"));
    CHECK(contains(message("[1]", JsonShape::lines), "a line is an object"));
    CHECK(contains(message(std::string(5000, '[')), "a row is an object"));
}

TEST_CASE("json_rows: an object inside a value of a row is refused, however deep, and no row is lost") {
    const auto message = [](const std::string& text, JsonShape shape) {
        const Error e = catch_error([&] { json_rows(text, shape); });
        CHECK(e.kind() == Kind::corrupt);
        return std::string(e.what());
    };
    for (const char* value : {R"({"b":{}})", R"({"b":{"c":1}})", R"({"text":"x","b":{"c":{"d":1}}})"}) {
        const std::string row = R"({"id":2,"a":)" + std::string(value) + "}";
        CHECK(contains(message("[{\"id\":1}," + row + ",{\"id\":3},{\"id\":4}]", JsonShape::document),
                       "column 'a' holds a list or an object"));
        CHECK(contains(message("{\"id\":1}\n" + row + "\n{\"id\":3}\n", JsonShape::lines),
                       "column 'a' holds a list or an object"));
    }
    CHECK(json_rows(R"({"x":{"y":{"z":[{}]}},"rows":[{"a":1}],"w":{"v":{}}})", JsonShape::document) ==
          "1 | ");
}

TEST_CASE("json_rows: an integer beyond 64 bits keeps its digits, as text") {
    CHECK(json_rows(
              R"([{"a":9223372036854775808,"b":-9223372036854775809,"c":123456789012345678901234567890}])",
              JsonShape::document) ==
          "'9223372036854775808' '-9223372036854775809' '123456789012345678901234567890' | ");
    CHECK(json_rows(R"([{"a":18446744073709551616.0,"b":1e30}])", JsonShape::document) ==
          "r18446744073709551616.000000 r1000000000000000019884624838656.000000 | ");
}

TEST_CASE("csv_reader, json_rows: UTF-16 is named") {
    for (const char* mark : {"\xFF\xFE", "\xFE\xFF"}) {
        CHECK(contains(catch_error([&] { records(std::string(mark) + "a,b"); }).what(), "this is UTF-16"));
        CHECK(contains(catch_error([&] { json_rows(std::string(mark) + "[", JsonShape::lines); }).what(),
                       "line 1, column 1: this is UTF-16"));
    }
}
