#include "holdfast/export/parquet_rows.hpp"

#include <cstring>
#include <limits>
#include <random>

#include "support/catch_error.hpp"
#include "support/fixture.hpp"
#include "support/parquet.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

ParquetRows open_rows(const std::string& file) {
    return {[file](std::uint64_t offset, std::span<std::byte> out) {
                REQUIRE(offset <= file.size());
                REQUIRE(out.size() <= file.size() - offset);
                if (!out.empty()) std::memcpy(out.data(), file.data() + offset, out.size());
            },
            file.size()};
}

Cell as_cell(const ExportValue& value) {
    if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
    if (const auto* blob = std::get_if<ByteSpan>(&value)) return Blob{std::string(as_text(*blob))};
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
    if (const auto* real = std::get_if<double>(&value)) return *real;
    return kNull;
}

/// As the tests' other readers print it.
std::string seen(const std::string& file) {
    ParquetRows rows = open_rows(file);
    std::vector<Cells> all;
    while (const auto row = rows.next()) {
        Cells cells;
        for (const ExportValue& value : *row) cells.push_back(as_cell(value));
        all.push_back(cells);
    }
    return expected_lines(rows.columns(), all.size(), [&](std::size_t i) { return all[i]; });
}

const std::vector<ExportColumn> kColumns = {
    column("id", ColumnType::integer, false), column("price", ColumnType::real),
    column("symbol", ColumnType::text), column("raw", ColumnType::blob), column("at", ColumnType::timestamp)};

Cells trade(std::size_t i) {
    const auto n = static_cast<std::int64_t>(i);
    if (i % 7 == 3) return {n, kNull, kNull, kNull, kNull};
    return {n, 100.0 + static_cast<double>(i % 1000) / 100, "SYM" + std::to_string(i % 50),
            Blob{std::string(i % 13, static_cast<char>(i))}, 1704067200000000 + n * 1001};
}

template <class RowAt>
void check_round_trip(const std::vector<ExportColumn>& columns, std::size_t rows, RowAt row_at,
                      const ParquetOptions& options = {}) {
    const bool is_equal =
        seen(write_parquet(columns, rows, row_at, options)) == expected_lines(columns, rows, row_at);
    CHECK(is_equal);
}

}  // namespace

TEST_CASE("parquet_rows: every value comes back in each codec, over row groups and pages") {
    for (const ParquetCodec codec : {ParquetCodec::zstd, ParquetCodec::gzip, ParquetCodec::plain})
        for (const std::size_t group_rows : {1, 99, 100'000}) {
            CAPTURE(static_cast<int>(codec));
            CAPTURE(group_rows);
            ParquetOptions options;
            options.codec = codec;
            options.group_rows = group_rows;
            for (const std::size_t rows : {0, 1, 99, 1000}) check_round_trip(kColumns, rows, trade, options);
        }
    check_round_trip(kColumns, 300'000, trade);
}

TEST_CASE("parquet_rows: reals and integers come back bit for bit") {
    std::mt19937_64 random(9);
    std::vector<Cells> rows = {{std::int64_t{0}, 0.0}, {std::int64_t{-1}, -0.0}};
    for (int i = 0; i < 5000; ++i)
        rows.push_back({static_cast<std::int64_t>(random() >> (i % 64)), std::bit_cast<double>(random())});
    const std::vector<ExportColumn> columns = {column("n", ColumnType::integer),
                                               column("r", ColumnType::real)};
    check_round_trip(columns, rows.size(), [&](std::size_t i) { return rows[i]; });
}

TEST_CASE("parquet_rows: a value that is longer than a page of many may be comes back") {
    const std::string huge(70'000'000, 'x');
    const std::vector<ExportColumn> columns = {column("note", ColumnType::text)};
    check_round_trip(columns, 5, [&](std::size_t i) {
        return Cells{i == 2 ? Cell{huge} : i == 3 ? Cell{kNull} : Cell{"short"}};
    });
}

TEST_CASE("parquet_rows: the types of CREATE TABLE and what was written beside come back") {
    std::vector<ExportColumn> columns = {column("a.b", ColumnType::integer), column("", ColumnType::text)};
    columns[0].declared = "INT \"x\"";
    ParquetOptions options;
    options.key_values = {{"holdfast.sql", "CREATE TABLE t (a)"}};
    const ParquetRows rows = open_rows(write_parquet(columns, std::vector<Cells>{}, options));
    CHECK(rows.columns()[0].name == "a.b");
    CHECK(rows.columns()[0].declared == "INT \"x\"");
    CHECK(rows.columns()[1].declared.empty());
    CHECK(rows.key_value("holdfast.sql") == "CREATE TABLE t (a)");
    CHECK_FALSE(rows.key_value("other"));
    CHECK(rows.rows() == 0);
}

TEST_CASE("parquet_rows: files whose columns are not ours are refused by name") {
    const Error e = catch_error([] { open_rows(read_fixture("delta/snappy.parquet")); });
    CHECK(e.kind() == Kind::refused);
}

TEST_CASE("parquet_rows: a damaged file is refused or read, never more") {
    ParquetOptions options;
    options.group_rows = 20;
    for (const ParquetCodec codec : {ParquetCodec::zstd, ParquetCodec::plain}) {
        options.codec = codec;
        damage_every_byte(write_parquet(kColumns, 45, trade, options), [](const std::string& file) {
            try {
                seen(file);
            } catch (const Error& e) {
                const bool is_refusal = e.kind() == Kind::corrupt || e.kind() == Kind::refused;
                CHECK(is_refusal);
            }
        });
    }
}
