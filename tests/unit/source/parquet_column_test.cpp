#include "holdfast/source/parquet_column.hpp"

#include <cstring>

#include "support/catch_error.hpp"
#include "support/fixture.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::read_fixture;

namespace {

ParquetFile open_parquet(const std::string& bytes) {
    const ReadAt read = [bytes](std::uint64_t offset, std::span<std::byte> out) {
        REQUIRE(offset <= bytes.size());
        REQUIRE(out.size() <= bytes.size() - offset);
        if (!out.empty()) std::memcpy(out.data(), bytes.data() + offset, out.size());
    };
    return {read, bytes.size()};
}

/// Both columns side by side: "a:1 - b:2 "; a null is "-".
std::string rows(const std::string& bytes, const std::string& path_name = "add.path",
                 const std::string& size_name = "add.size") {
    const ParquetFile file = open_parquet(bytes);
    const auto path_leaf = file.find(path_name), size_leaf = file.find(size_name);
    if (!path_leaf || !size_leaf) return "no such columns";
    ParquetColumn path(file, *path_leaf, ParquetType::bytes), size(file, *size_leaf, ParquetType::int64);
    std::string all;
    while (path.next()) {
        if (!size.next()) return all + "(sizes end)";
        if (path.value()) all += std::string(path.value()->text) + ":";
        all += size.value() ? std::to_string(size.value()->number) : "-";
        all += ' ';
    }
    return size.next() ? all + "(paths end)" : all;
}

const std::string kFirst =
    "day=1/part-1.parquet:10 day=2/part-2.parquet:20 day=3/part-3.parquet:30 day=4/part-4.parquet:40 ";
const std::string kSecond =
    "day=5/part-5.parquet:50 day=6/part-6.parquet:60 day=7/part-7.parquet:70 day=8/part-8.parquet:80 "
    "a%20name.parquet:5 ";

}  // namespace

TEST_CASE("parquet_column: reads what other writers wrote, in each codec and encoding") {
    for (const char* name : {"snappy", "gzip", "zstd"}) {
        CAPTURE(name);
        CHECK(rows(read_fixture("delta/" + std::string(name) + ".parquet")) ==
              "- - " + kFirst + kSecond + "- ");
    }
    for (const char* name : {"delta", "dictionary"}) {
        CAPTURE(name);
        CHECK(rows(read_fixture("delta/" + std::string(name) + ".parquet"), "path", "size") ==
              "- " + kFirst + kSecond + "- day=1/part-1.parquet:-1 ");
    }
}

TEST_CASE("parquet_column: goes on over row groups and pages of version 2") {
    CHECK(rows(read_fixture("delta/part-1.parquet")) == "- " + kFirst + "- ");
    CHECK(rows(read_fixture("delta/part-2.parquet")) == kSecond);
}

TEST_CASE("parquet_column: a column is found by its whole path, and with its type") {
    const ParquetFile file = open_parquet(read_fixture("delta/snappy.parquet"));
    CHECK(file.find("add.path")->max_definition == 2);
    CHECK(file.find("add.path")->type == ParquetType::bytes);
    CHECK(file.find("remove.path"));
    CHECK_FALSE(file.find("path"));
    CHECK_FALSE(file.find("add"));
    CHECK_FALSE(file.find("add.path.more"));
    CHECK_FALSE(file.find(""));
    CHECK(catch_error([&] { file.find("metaData.partitionColumns.list.element"); }).kind() == Kind::refused);
    CHECK(catch_error([&] { ParquetColumn(file, *file.find("add.path"), ParquetType::int64); }).kind() ==
          Kind::refused);
}

TEST_CASE("parquet_column: an old-style dictionary in a page of version 1 is read") {
    const ParquetFile file = open_parquet(read_fixture("delta/snappy.parquet"));
    ParquetColumn path(file, *file.find("remove.path"), ParquetType::bytes);
    std::string last;
    while (path.next())
        if (path.value()) last += path.value()->text;
    CHECK(last == "gone.parquet");
}

TEST_CASE("parquet_column: what is not implemented is refused, not called damage") {
    CHECK(catch_error([] { rows(read_fixture("delta/brotli.parquet")); }).kind() == Kind::refused);
    std::string encrypted = read_fixture("delta/part-1.parquet");
    encrypted.back() = 'E';
    CHECK(catch_error([&] { rows(encrypted); }).kind() == Kind::refused);
}

TEST_CASE("parquet_column: text that is no Parquet, and a footer that is longer than the file, are damage") {
    for (const std::string& text : {std::string(), std::string("PAR1PAR1"), std::string(100, 'x'),
                                    std::string("PAR1") + std::string("\xff\xff\x00\x00PAR1", 8)})
        CHECK(catch_error([&] { rows(text); }).kind() == Kind::corrupt);
}

TEST_CASE("parquet_column: damage anywhere ends in an error or in rows") {
    for (const char* name : {"delta/part-1.parquet", "delta/delta.parquet", "delta/dictionary.parquet"}) {
        const bool is_nested = std::string_view(name) == "delta/part-1.parquet";
        testing::damage_every_byte(read_fixture(name), [&](const std::string& bytes) {
            try {
                is_nested ? rows(bytes) : rows(bytes, "path", "size");
            } catch (const Error& e) {
                const bool is_expected = e.kind() == Kind::corrupt || e.kind() == Kind::refused;
                CHECK(is_expected);
            }
        });
    }
}
