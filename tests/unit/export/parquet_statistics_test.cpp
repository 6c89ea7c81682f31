#include "holdfast/export/parquet_statistics.hpp"

#include <limits>

#include "support/parquet.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Bounds {
    std::uint64_t nulls;
    std::string least, greatest;  // hexadecimal; "none"
    bool operator==(const Bounds&) const = default;
};

Bounds bounds(ColumnType type, const Cells& cells) {
    ColumnBuffer values(column("a", type));
    for (const Cell& cell : cells) values.add(as_export_value(cell));
    const ParquetStatistics s = parquet_statistics(values);
    return {s.nulls, s.least ? to_hex(*s.least) : "none", s.greatest ? to_hex(*s.greatest) : "none"};
}

Bounds text_bounds(const Cells& cells) { return bounds(ColumnType::text, cells); }

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("parquet_statistics: integers are bounded as signed numbers, and nulls are counted") {
    CHECK(bounds(ColumnType::integer, {std::int64_t{3}, kNull, std::int64_t{-1}, kNull, std::int64_t{2}}) ==
          Bounds{2, "ffffffffffffffff", "0300000000000000"});
    CHECK(bounds(ColumnType::timestamp, {std::int64_t{258}}) ==
          Bounds{0, "0201000000000000", "0201000000000000"});
}

TEST_CASE("parquet_statistics: nothing and nothing but nulls have no bounds") {
    CHECK(bounds(ColumnType::integer, {}) == Bounds{0, "none", "none"});
    CHECK(text_bounds({kNull, kNull}) == Bounds{2, "none", "none"});
}

TEST_CASE("parquet_statistics: zeros are -0.0 below and +0.0 above") {
    const std::string minus = "0000000000000080", plus = "0000000000000000", one = "000000000000f03f";
    CHECK(bounds(ColumnType::real, {0.0}) == Bounds{0, minus, plus});
    CHECK(bounds(ColumnType::real, {-0.0}) == Bounds{0, minus, plus});
    CHECK(bounds(ColumnType::real, {0.0, 1.0}) == Bounds{0, minus, one});
    CHECK(bounds(ColumnType::real, {1.0, 1.0}) == Bounds{0, one, one});
}

TEST_CASE("parquet_statistics: a NaN anywhere leaves a column without bounds") {
    CHECK(bounds(ColumnType::real, {kNan, 1.0}) == Bounds{0, "none", "none"});
    CHECK(bounds(ColumnType::real, {1.0, kNan, kNull}) == Bounds{1, "none", "none"});
    CHECK(bounds(ColumnType::real, {std::numeric_limits<double>::infinity(), 1.0}) ==
          Bounds{0, "000000000000f03f", "000000000000f07f"});
}

TEST_CASE("parquet_statistics: texts are ordered by their bytes, of which none is negative") {
    CHECK(text_bounds({"b", "\xC3\xBC", "a", "ab"}) == Bounds{0, "61", "c3bc"});
    CHECK(text_bounds({"x", ""}) == Bounds{0, "", "78"});
    CHECK(bounds(ColumnType::blob, {Blob{"\xFF"}, Blob{std::string(1, '\0')}}) == Bounds{0, "00", "ff"});
}

TEST_CASE("parquet_statistics: a bound over 64 bytes is left out, and the other one stays") {
    CHECK(text_bounds({std::string(65, 'a'), "b"}) == Bounds{0, "none", "62"});
    CHECK(text_bounds({"a", std::string(65, 'b')}) == Bounds{0, "61", "none"});
    CHECK(text_bounds({std::string(64, 'a'), "b"}).least == to_hex(as_bytes(std::string(64, 'a'))));
}

TEST_CASE("parquet_statistics: a reader that skips row groups by their bounds finds every row") {
    const std::vector<ExportColumn> columns = {column("n", ColumnType::integer),
                                               column("r", ColumnType::real), column("t", ColumnType::text),
                                               column("taken", ColumnType::timestamp)};
    ParquetOptions options;
    options.group_rows = 10;
    const std::string file = write_parquet(
        columns, 1000,
        [](std::size_t i) {
            const auto n = static_cast<std::int64_t>(i) - 500;
            return Cells{n, i % 100 == 7 ? Cell{kNan} : Cell{static_cast<double>(n) / 4},
                         i % 50 == 0 ? Cell{std::string(80, 'z')} : Cell{"key-" + std::to_string(i)},
                         n * 1'000'000};
        },
        options);
    const std::vector<std::pair<std::string, int>> counts = {
        {"n = -250", 1},      {"n BETWEEN -7 AND 5", 13},
        {"r = 0", 1},         {"r = -0.0", 1},
        {"isnan(r)", 10},     {"r < -124", 4},  // -125, -124.75 and so on, none of them in place of a NaN
        {"t = 'key-777'", 1}, {"t > 'y'", 20},
        {"n IS NULL", 0},     {"taken = TIMESTAMPTZ '1970-01-01 00:00:03+00'", 1},
    };
    std::vector<std::string> queries, expected;
    for (const auto& [condition, rows_count] : counts) {
        queries.push_back("SELECT count(*) FROM file WHERE " + condition);
        expected.push_back("[" + std::to_string(rows_count) + "]");
    }
    CHECK(ask_duckdb(file, queries) == expected);
}
