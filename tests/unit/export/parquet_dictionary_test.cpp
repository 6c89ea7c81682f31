#include "holdfast/export/parquet_dictionary.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {

ExportColumn column_of(ColumnType type) {
    ExportColumn column;
    column.name = "a";
    column.type = type;
    return column;
}

std::optional<ColumnDictionary> of_numbers(std::size_t count, std::size_t different) {
    ColumnBuffer values(column_of(ColumnType::integer));
    for (std::size_t i = 0; i < count; ++i) values.add(static_cast<std::int64_t>(i % different * 1'000'003));
    return make_dictionary(values);
}

}  // namespace

TEST_CASE("parquet_dictionary: each value is where it stood first, and the others point there") {
    ColumnBuffer values(column_of(ColumnType::text));
    for (const std::string_view text : {"b", "a", "b", "", "a", ""}) values.add(text);
    values.add(ExportValue{});
    const auto dictionary = make_dictionary(values);
    REQUIRE(dictionary);
    CHECK(dictionary->firsts == std::vector<std::size_t>{0, 1, 3});
    CHECK(dictionary->indexes == std::vector<std::uint32_t>{0, 1, 0, 2, 1, 2});
    CHECK(dictionary->width == 2);
}

TEST_CASE("parquet_dictionary: reals are different when their bits are") {
    ColumnBuffer values(column_of(ColumnType::real));
    for (const double real : {0.0, -0.0, std::nan("1"), std::nan("1"), std::nan("2")}) values.add(real);
    const auto dictionary = make_dictionary(values);
    REQUIRE(dictionary);
    CHECK(dictionary->indexes == std::vector<std::uint32_t>{0, 1, 2, 2, 3});
}

TEST_CASE("parquet_dictionary: an index is as wide as it must be, and never of no bits") {
    CHECK(of_numbers(10, 1)->width == 1);
    CHECK(of_numbers(10, 2)->width == 1);
    CHECK(of_numbers(10, 3)->width == 2);
    CHECK(of_numbers(1000, 257)->width == 9);
    CHECK(of_numbers(70'000, 65'536)->width == 16);
}

TEST_CASE("parquet_dictionary: too many values or too many bytes do without") {
    CHECK_FALSE(of_numbers(70'000, 65'537));
    ColumnBuffer values(column_of(ColumnType::blob));
    for (char c = 'a'; c < 'a' + 3; ++c) {
        const std::string blob(400'000, c);
        values.add(as_bytes(blob));
        CHECK(make_dictionary(values).has_value() == (c < 'c'));
    }
}

TEST_CASE("column_buffer: a value that no page can hold is refused, with a way out") {
    constexpr std::size_t kBytes = kMaxParquetValue + 1;
    const std::unique_ptr<std::byte[]> untouched(new std::byte[kBytes]);  // takes no memory: nobody reads it
    ColumnBuffer values(column_of(ColumnType::blob));
    const Error e = catch_error([&] { values.add(ByteSpan(untouched.get(), kBytes)); });
    CHECK(e.kind() == Kind::refused);
    CHECK(testing::contains(e.what(), "column 'a'"));
    CHECK(testing::contains(e.hint(), "CSV"));
}
