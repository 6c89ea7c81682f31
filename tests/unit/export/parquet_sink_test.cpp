#include "holdfast/export/parquet_sink.hpp"

#include <limits>
#include <random>

#include "support/catch_error.hpp"
#include "support/parquet.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
constexpr auto kGreatest = std::numeric_limits<std::int64_t>::max();

const std::vector<ExportColumn> kColumns = {
    column("id", ColumnType::integer, false), column("price", ColumnType::real),
    column("symbol", ColumnType::text), column("raw", ColumnType::blob), column("at", ColumnType::timestamp)};

/// Row i of a table with every type, many nulls and both repeating and odd values.
Cells trade(std::size_t i) {
    const auto n = static_cast<std::int64_t>(i);
    if (i % 7 == 3) return {n, kNull, kNull, kNull, kNull};
    return {n, 100.0 + static_cast<double>(i % 1000) / 100, "SYM" + std::to_string(i % 50),
            Blob{std::string(i % 13, static_cast<char>(i))}, 1704067200000000 + n * 1001};
}

}  // namespace

TEST_CASE("parquet_sink: two other readers see every value of every type, in each codec") {
    const std::vector<Cells> rows = {
        {kLeast, 0.1, "", Blob{""}, std::int64_t{0}},
        {kGreatest, -0.0, "gr\xC3\xBC\xC3\x9F \"quoted\"\n\xF0\x9F\x92\xB0", Blob{std::string("\0\xFF", 2)},
         std::int64_t{-1}},
        {std::int64_t{0}, std::numeric_limits<double>::infinity(), kNull, kNull,
         std::int64_t{1704067200123456}},
        {std::int64_t{1}, -std::numeric_limits<double>::infinity(), std::string("a\0b", 3), kNull, kNull},
        {std::int64_t{-1}, std::numeric_limits<double>::denorm_min(), "x", Blob{"x"}, kNull},
        {std::int64_t{9007199254740993}, std::numeric_limits<double>::quiet_NaN(), kNull, Blob{"y"}, kNull},
        {std::int64_t{2}, kNull, "x", Blob{"x"}, kNull},
    };
    ReadersCheck check;
    for (const ParquetCodec codec : {ParquetCodec::zstd, ParquetCodec::gzip, ParquetCodec::plain}) {
        ParquetOptions options;
        options.codec = codec;
        check.add(kColumns, rows, options);
    }
    check.run();
}

TEST_CASE("parquet_sink: no row, one row, and nothing but nulls are read as such") {
    ReadersCheck check;
    check.add(kColumns, 0, trade);
    check.add(kColumns, 1, trade);
    check.add(kColumns, 1, [](std::size_t) { return trade(3); });
    check.add(kColumns, 1000, [](std::size_t i) { return trade(i * 7 + 3); });
    check.run();
}

TEST_CASE("parquet_sink: row groups end at their rows or at their bytes, and nothing is lost between them") {
    ReadersCheck check;
    ParquetOptions by_rows, by_bytes;
    by_rows.group_rows = 100;
    by_bytes.group_bytes = 2000;
    for (const std::size_t rows : {99, 100, 101, 200, 1234}) check.add(kColumns, rows, trade, by_rows);
    check.add(kColumns, 1234, trade, by_bytes);
    check.run();
    const auto groups = [](const ParquetOptions& options) {
        return ask_duckdb(write_parquet(kColumns, 1234, trade, options),
                          {"SELECT num_row_groups FROM parquet_file_metadata(getvariable('file'))"});
    };
    CHECK(groups(by_rows) == std::vector<std::string>{"[13]"});
    std::size_t expected = 1, bytes = 0;
    for (std::size_t i = 0; i < 1234; ++i) {
        if (bytes >= by_bytes.group_bytes) {
            ++expected;
            bytes = 0;
        }
        const bool is_null = i % 7 == 3;
        const std::size_t symbol = 4 + 3 + std::to_string(i % 50).size(), raw = 4 + i % 13;
        bytes += is_null ? 8 : 8 + 8 + symbol + raw + 8;
    }
    CHECK(groups(by_bytes) == std::vector<std::string>{"[" + std::to_string(expected) + "]"});
}

TEST_CASE("parquet_sink: several pages of a chunk are read, and a page holds a value of any size") {
    const std::vector<ExportColumn> columns = {column("note", ColumnType::text),
                                               column("n", ColumnType::integer)};
    std::mt19937_64 random(7);
    std::vector<std::string> notes;  // different, so that no dictionary fits
    for (int i = 0; i < 3000; ++i) notes.push_back(std::string(1000, 'a') + std::to_string(random()));
    notes[1500] = std::string(3'000'000, 'b');
    check_readers(columns, notes.size(), [&](std::size_t i) {
        return Cells{i % 5 == 4 ? Cell{kNull} : Cell{notes[i]}, static_cast<std::int64_t>(i)};
    });
}

TEST_CASE("parquet_sink: texts that begin alike, or not at all, are read in each of their encodings") {
    const std::vector<ExportColumn> columns = {
        column("sorted", ColumnType::text), column("id", ColumnType::blob, false),
        column("none", ColumnType::text), column("n", ColumnType::integer)};
    ParquetOptions options;
    options.group_rows = 10'000;  // the chunks of the second group have the encodings of the first
    std::mt19937_64 random(5);
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 20'000; ++i) ids.push_back(random());
    check_readers(
        columns, ids.size(),
        [&](std::size_t i) {
            const bool is_first = i < 10'000;
            return Cells{"a long beginning that is the same, then a number: " +
                             std::to_string(i / 2 + 1'000'000) + std::string(i % 3, '-'),
                         Blob{std::to_string(ids[i])}, is_first ? Cell{std::to_string(i)} : Cell{kNull},
                         is_first ? Cell{static_cast<std::int64_t>(i)} : Cell{kNull}};
        },
        options);
    const std::string file = write_parquet(
        columns, ids.size(),
        [&](std::size_t i) {
            return Cells{"2026-01-01T" + std::to_string(i + 100'000), Blob{std::to_string(ids[i])}, kNull,
                         static_cast<std::int64_t>(i)};
        },
        options);
    const auto encodings =
        ask_duckdb(file, {"SELECT encodings FROM parquet_metadata(getvariable('file')) LIMIT 4"});
    CHECK(encodings == std::vector<std::string>{R"(["RLE, DELTA_BYTE_ARRAY"])",
                                                R"(["RLE, DELTA_LENGTH_BYTE_ARRAY"])", R"(["RLE, PLAIN"])",
                                                R"(["RLE, DELTA_BINARY_PACKED"])"});
}

TEST_CASE("parquet_sink: differences of integers are read in every width") {
    std::vector<ExportColumn> columns;
    for (unsigned width = 0; width <= 64; ++width)
        columns.push_back(column("w" + std::to_string(width), ColumnType::integer, width % 2 == 0));
    std::mt19937_64 random(11);
    std::vector<Cells> rows;
    std::vector<std::uint64_t> sums(65);
    for (int i = 0; i < 400; ++i) {
        Cells row;
        for (unsigned width = 0; width <= 64; ++width) {
            sums[width] += width == 0 ? 3 : random() >> (64 - width);
            row.emplace_back(static_cast<std::int64_t>(sums[width]));
        }
        rows.push_back(row);
    }
    ReadersCheck check;
    check.add(columns, rows);
    ParquetOptions plain;  // not chosen by what zstd makes of them
    plain.codec = ParquetCodec::plain;
    check.add(columns, rows, plain);
    check.run();
}

TEST_CASE("parquet_sink: dictionaries of 1 to 65536 values are read, and one more value does without") {
    ReadersCheck check;
    ParquetOptions plain;
    plain.codec = ParquetCodec::plain;
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{1, 2, 3, 4, 5, 16, 17, 255, 256, 257}, {65536, 65537}}) {
        std::vector<ExportColumn> columns;
        for (const std::size_t size : sizes) {
            columns.push_back(column("t" + std::to_string(size), ColumnType::text));
            columns.push_back(column("r" + std::to_string(size), ColumnType::real, false));
        }
        check.add(
            columns, sizes.back() + sizes.back() / 8 + 500,
            [&](std::size_t i) {
                Cells row;
                for (const std::size_t size : sizes) {
                    const std::size_t value = i * 7919 % size;
                    row.emplace_back("value-" + std::to_string(value));
                    row.emplace_back(std::sqrt(static_cast<double>(value)));
                }
                return row;
            },
            plain);
    }
    check.run();
}

TEST_CASE("parquet_sink: columns have the names they are given") {
    std::vector<ExportColumn> columns;
    Cells row;
    for (const char* name :
         {"a.b", "a", "with \"quotes\"", "line\nbreak", "\xE2\x82\xAC", " ", "back`tick", "list"}) {
        columns.push_back(column(name, ColumnType::integer));
        row.emplace_back(std::int64_t{7});
    }
    columns.push_back(column(std::string(255, 'x'), ColumnType::text));
    row.emplace_back("y");
    check_readers(columns, std::vector<Cells>{row, row});
}

TEST_CASE("parquet_sink: values change their character between row groups, and the encoding follows") {
    ParquetOptions options;
    options.group_rows = 200;
    std::mt19937_64 random(3);
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < 20'000; ++i) numbers.push_back(random());
    check_readers(
        std::vector{column("text", ColumnType::text), column("n", ColumnType::integer)}, numbers.size(),
        [&](std::size_t i) {
            const bool repeats = i / 4000 % 2 == 0;
            return Cells{repeats ? "same" : std::to_string(numbers[i]),
                         static_cast<std::int64_t>(repeats ? i : numbers[i])};
        },
        options);
}

TEST_CASE("parquet_sink: readers find who wrote the file and what it was told to say") {
    ParquetOptions options;
    options.key_values = {{"holdfast.sql", "CREATE TABLE \"t\" (id)"}};
    const std::string file = write_parquet(kColumns, 3, trade, options);
    const std::vector<std::string> said =
        ask_duckdb(file, {"SELECT created_by FROM parquet_file_metadata(getvariable('file'))",
                          "SELECT decode(value) FROM parquet_kv_metadata(getvariable('file'))"});
    REQUIRE(said.size() == 3);
    CHECK(said[0] == std::string("[\"holdfast version ") + kVersion + "\"]");
    CHECK(said[1] == R"~(["CREATE TABLE \"t\" (id)"])~");
    CHECK(said[2] == R"(["[\"\",\"\",\"\",\"\",\"\"]"])");  // of the types in CREATE TABLE
}

TEST_CASE("parquet_sink: what a column was said not to hold is not written") {
    const auto kind_of = [](const ExportColumn& c, const Cell& cell) {
        return catch_error([&] { write_parquet({c}, {{cell}}); }).kind();
    };
    CHECK(kind_of(column("a", ColumnType::integer, false), kNull) == Kind::internal);
    CHECK(kind_of(column("a", ColumnType::integer), 1.5) == Kind::internal);
    CHECK(kind_of(column("a", ColumnType::text), Blob{"x"}) == Kind::internal);
}

TEST_CASE("parquet_sink: a failure of the place it writes to is passed on, and the rest is given up") {
    ParquetOptions options;
    options.group_rows = 10;
    std::uint64_t written = 0;
    ParquetSink sink(
        [&](ByteSpan bytes) {
            written += bytes.size();
            if (written > 1000) throw Error(Kind::io, "the disk is full");
        },
        options);
    sink.begin(kColumns);
    const auto write_all = [&] {
        for (std::size_t i = 0; i < 10'000; ++i) {
            const Cells cells = trade(i);
            std::vector<ExportValue> values;
            for (const Cell& cell : cells) values.push_back(as_export_value(cell));
            sink.row(values);
        }
    };
    CHECK(catch_error(write_all).kind() == Kind::io);
}
