#include "holdfast/export/csv_sink.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <random>

#include "holdfast/export/json_sink.hpp"
#include "holdfast/export/typed_rows.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {

const std::vector<ExportColumn> kColumns = {{"n", ColumnType::integer, "INTEGER", true, CellRule::number},
                                            {"t", ColumnType::text, "TEXT", true, CellRule::text},
                                            {"b", ColumnType::blob, "BLOB", true, CellRule::base64}};

std::string csv(const std::vector<std::vector<ExportValue>>& rows, CellMarks& marks,
                const std::vector<ExportColumn>& columns = kColumns) {
    std::string out;
    CsvSink sink([&](ByteSpan bytes) { out += as_text(bytes); }, marks);
    sink.begin(columns);
    for (const auto& row : rows) sink.row(row);
    sink.finish();
    return out;
}
std::string csv(const std::vector<std::vector<ExportValue>>& rows) {
    CellMarks marks;
    const std::string all = csv(rows, marks);
    return all.substr(all.find('\n') + 1);
}
std::string json(const std::vector<std::vector<ExportValue>>& rows, CellMarks& marks) {
    std::string out;
    JsonSink sink([&](ByteSpan bytes) { out += as_text(bytes); }, marks, std::nullopt);
    sink.begin(kColumns);
    for (const auto& row : rows) sink.row(row);
    sink.finish();
    return out;
}
const ByteSpan kBlob = as_bytes(std::string_view("\0\xFF", 2));
const double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("csv_sink: NULL is nothing, an empty text is a pair of quotes, an empty blob too in its column") {
    CHECK(csv({{{}, {}, {}}}) == ",,\r\n");
    CHECK(csv({{{}, std::string_view(""), ByteSpan{}}}) == ",\"\",\"\"\r\n");
}

TEST_CASE("csv_sink: what RFC 4180 asks to be quoted is, and quotes are doubled") {
    using sv = std::string_view;
    CHECK(csv({{{}, sv("a,b"), {}}, {{}, sv("a\"b"), {}}, {{}, sv("a\nb"), {}}, {{}, sv(" a"), {}}}) ==
          ",\"a,b\",\r\n,\"a\"\"b\",\r\n,\"a\nb\",\r\n,\" a\",\r\n");
    const std::string wide(50, 'x');
    CHECK(csv({{{}, std::string_view(wide), {}}}) == "," + wide + ",\r\n");
    const std::string wide_comma = wide + ",";
    CHECK(csv({{{}, std::string_view(wide_comma), {}}}) == ",\"" + wide_comma + "\",\r\n");
}

TEST_CASE("csv_sink: a formula stays what it is") {
    CHECK(csv({{{}, std::string_view("=1+1"), {}}, {{}, std::string_view("@SUM(A1)"), {}}}) ==
          ",=1+1,\r\n,@SUM(A1),\r\n");
}

TEST_CASE("csv_sink: what does not fit its column is marked and counted") {
    using sv = std::string_view;
    CellMarks marks;
    const std::string out = csv({{sv("12"), std::int64_t{5}, std::int64_t{5}},
                                 {kBlob, 1.5, sv("x")},
                                 {kInfinity, sv("\\i:5"), kBlob},
                                 {{}, sv("\xFF\x41"), {}}},
                                marks);
    CHECK(out ==
          "n,t,b\r\n\"12\",\\i:5,\\i:5\r\n\\b:AP8=,\\r:1.5,\"\\t:x\"\r\nInfinity,\"\\t:\\i:5\",AP8=\r\n,\\u:/"
          "0E=,\r\n");
    CHECK(marks.other_type == 6);
    CHECK(marks.not_utf8 == 1);
    CHECK(marks.infinite == 1);
}

TEST_CASE("csv_sink: header names are quoted like cells") {
    CellMarks marks;
    CHECK(csv({}, marks,
              {{"a,b", ColumnType::text, "", true, CellRule::text},
               {"", ColumnType::text, "", true, CellRule::text}}) == "\"a,b\",\"\"\r\n");
}

TEST_CASE("json_sink: values are strict JSON, and objects where JSON has no word") {
    using sv = std::string_view;
    CellMarks marks;
    CHECK(json({{std::int64_t{9007199254740993}, sv("q\"\\\n\t\x01é"), kBlob},
                {1.0, kBlob, sv("x")},
                {-kInfinity, sv("\xFF\x41"), {}}},
               marks) ==
          "{\"n\":9007199254740993,\"t\":\"q\\\"\\\\\\n\\t\\u0001é\",\"b\":\"AP8=\"}\n"
          "{\"n\":1.0,\"t\":{\"base64\":\"AP8=\"},\"b\":{\"text\":\"x\"}}\n"
          "{\"n\":{\"real\":\"-Infinity\"},\"t\":{\"text_base64\":\"/0E=\"},\"b\":null}\n");
}

TEST_CASE("json_sink: a document whose rows are not as many as were counted is never finished") {
    CellMarks marks;
    std::string out;
    JsonSink sink([&](ByteSpan bytes) { out += as_text(bytes); }, marks,
                  JsonDocument{"2026-11-21T00:00:00Z", "t", 2});
    sink.begin(kColumns);
    sink.row(std::vector<ExportValue>(3));
    CHECK(catch_error([&] { sink.finish(); }).kind() == Kind::corrupt);
}

TEST_CASE("json_sink: a table that is called like another key of the document gets a key of its own") {
    CHECK(json_rows_key("trades") == "trades");
    CHECK(json_rows_key("record_count") == "table record_count");
}

TEST_CASE(
    "text_buffer: every real is written so that it reads back bit for bit, and has a point or an exponent") {
    std::mt19937_64 random(7);
    for (int i = 0; i < 200'000; ++i) {
        double number = std::bit_cast<double>(random());
        if (i % 3 == 0)
            number =
                static_cast<double>(static_cast<std::int64_t>(random() % 2'000'000'000) - 1'000'000'000) /
                100;
        if (i % 3 == 1) number = static_cast<double>(random() % 1'000'000) * 0.0001;
        if (!std::isfinite(number)) continue;
        char text[kMaxNumberText + 2];
        const std::string_view written(text, static_cast<std::size_t>(write_real(text, number) - text));
        char shortest[kMaxNumberText + 2];
        const auto end = std::to_chars(shortest, shortest + sizeof shortest, number).ptr;
        double back = 0;
        std::from_chars(written.begin(), written.end(), back);
        REQUIRE_MESSAGE(std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(number), written);
        REQUIRE_MESSAGE(written.find_first_of(".e") != std::string_view::npos, written);
        REQUIRE_MESSAGE(written.size() <= static_cast<std::size_t>(end - shortest) + 4, written);
    }
    for (const auto& [number, wanted] : std::vector<std::pair<double, std::string>>{{0.0, "0.0"},
                                                                                    {-0.0, "-0.0"},
                                                                                    {1.0, "1.0"},
                                                                                    {-794.63, "-794.63"},
                                                                                    {1e300, "1e+300"},
                                                                                    {0.5, "0.5"},
                                                                                    {0.0001, "0.0001"}}) {
        char text[kMaxNumberText + 2];
        CHECK(std::string(text, write_real(text, number)) == wanted);
    }
}

TEST_CASE("typed_rows: a column of text takes any value as a cell, another one refuses what does not fit") {
    struct Kept final : RowSink {
        std::vector<std::vector<std::string>> texts;
        void begin(const std::vector<ExportColumn>&) override {}
        void row(std::span<const ExportValue> values) override {
            texts.emplace_back();
            for (const ExportValue& v : values)
                texts.back().push_back(v.index() == 3 ? std::string(std::get<std::string_view>(v))
                                                      : "#" + std::to_string(v.index()));
        }
        void finish() override {}
    } kept;
    CellMarks marks;
    TypedRows rows(kept, marks);
    rows.begin({{"n", ColumnType::integer, "INTEGER", true, CellRule::number},
                {"x", ColumnType::text, "", true, CellRule::number},
                {"t", ColumnType::text, "TEXT", true, CellRule::text}});
    rows.row(std::vector<ExportValue>{std::int64_t{1}, 2.5, std::string_view("\\i:1")});
    rows.row(std::vector<ExportValue>{{}, std::string_view("2.5"), kBlob});
    CHECK(kept.texts ==
          std::vector<std::vector<std::string>>{{"#1", "2.5", "\\t:\\i:1"}, {"#0", "\\t:2.5", "\\b:AP8="}});
    CHECK_THROWS_AS(rows.row(std::vector<ExportValue>{1.5, {}, {}}), DoesNotFit);
}
