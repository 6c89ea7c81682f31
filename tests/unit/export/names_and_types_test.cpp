#include "holdfast/export/file_name.hpp"

#include <doctest/doctest.h>

#include <set>

#include "holdfast/export/column_types.hpp"

using namespace holdfast;

TEST_CASE("file_name: ordinary names stay readable, odd ones cannot leave the folder") {
    CHECK(export_file_name("trades", "_20240115.parquet") == "trades_20240115.parquet");
    CHECK(export_file_name("ünï", "_1.csv") == "ünï_1.csv");
    CHECK(export_file_name("../../etc/x", "_1.csv") == "%2E.%2F..%2Fetc%2Fx_1.csv");
    CHECK(export_file_name("-rf", "_1.csv") == "%2Drf_1.csv");
    CHECK(export_file_name("a b\n\"'", "_1.csv") == "a%20b%0A%22%27_1.csv");
    CHECK(export_file_name("\xFF", "_1.csv") == "%FF_1.csv");
}

TEST_CASE("file_name: different tables never share a file, and no name is over 255 bytes") {
    std::set<std::string> names;
    const std::string wide(300, 'n'), half(150, '/'), letters = std::string(120, 'a') + "\xC3\xBC";
    std::size_t tables = 0;
    for (const std::string& table :
         {std::string("a/b"), std::string("a_b"), std::string("a%2Fb"), wide, wide + "m", half, half + "/",
          letters + letters + "x", letters + letters + "y", std::string("a~b"), std::string("")}) {
        const std::string name = export_file_name(table, "_20240115.ndjson.zst");
        CHECK(name.size() <= kMaxFileName);
        CHECK(is_utf8(name));
        names.insert(name);
        ++tables;
    }
    CHECK(names.size() == tables);
}

TEST_CASE("column_types: affinity follows SQLite's rules") {
    CHECK(affinity_of("BIGINT") == Affinity::integer);
    CHECK(affinity_of("CHARINT") == Affinity::integer);
    CHECK(affinity_of("varchar(10)") == Affinity::text);
    CHECK(affinity_of("") == Affinity::none);
    CHECK(affinity_of("double precision") == Affinity::real);
    CHECK(affinity_of("FLOATING POINT") == Affinity::integer);  // it has INT in it
    CHECK(affinity_of("DECIMAL(10,2)") == Affinity::numeric);
    CHECK(affinity_of("DATETIME") == Affinity::numeric);
}

TEST_CASE("column_types: values settle the type of a column that its declaration leaves open, exactly") {
    const auto settled = [](const char* declared, const std::vector<ExportValue>& values) {
        const DeclaredType type = declared_type(declared);
        ExportColumn column{"c", type.type, declared, true, type.cells};
        ValueKinds kinds;
        for (const ExportValue& v : values) kinds.add(v);
        settle_type(column, kinds);
        return column.type;
    };
    const std::int64_t wide = (std::int64_t{1} << 53) + 1;
    CHECK(settled("DECIMAL", {std::int64_t{1}, {}, std::int64_t{2}}) == ColumnType::integer);
    CHECK(settled("DECIMAL", {std::int64_t{1}, 1.5}) == ColumnType::real);
    CHECK(settled("DECIMAL", {wide, 1.5}) == ColumnType::text);
    CHECK(settled("DATETIME", {std::string_view("2024-01-15")}) == ColumnType::text);
    CHECK(settled("", {std::int64_t{5}, 5.0}) ==
          ColumnType::text);  // two values that only their types tell apart
    CHECK(settled("", {ByteSpan{}}) == ColumnType::blob);
    CHECK(settled("INTEGER", {std::int64_t{5}, std::string_view("x")}) == ColumnType::text);
    CHECK(settled("INTEGER", {1.5}) == ColumnType::real);
    CHECK(settled("TEXT", {ByteSpan{}}) == ColumnType::text);
}
