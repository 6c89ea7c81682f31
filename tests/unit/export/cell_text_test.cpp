#include "holdfast/export/cell_text.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

namespace {
/// The type and the value, as text: "i12", "r1.500000", "t12", "b00ff".
std::string shown(const ExportValue& value) {
    if (const auto* n = std::get_if<std::int64_t>(&value)) return "i" + std::to_string(*n);
    if (const auto* real = std::get_if<double>(&value)) return "r" + std::to_string(*real);
    if (const auto* text = std::get_if<std::string_view>(&value)) return "t" + std::string(*text);
    if (const auto* blob = std::get_if<ByteSpan>(&value)) return "b" + to_hex(*blob);
    return "NULL";
}
std::string read(std::string_view cell, CellRule rule, bool is_quoted = false) {
    std::string room;
    return shown(value_of_cell(cell, rule, is_quoted, room).value());
}
}  // namespace

TEST_CASE("cell_text: an integer is 64 bits without leading zeros, everything else is no integer") {
    CHECK(read("9223372036854775807", CellRule::number) == "i9223372036854775807");
    CHECK(read("-9223372036854775808", CellRule::number) == "i-9223372036854775808");
    for (const char* text :
         {"9223372036854775808", "007", "-0", "+1", " 1", "1 ", "0x1F", "1_000", "--1", "-", "1,5"})
        CHECK(read(text, CellRule::number) == "t" + std::string(text));
}

TEST_CASE("cell_text: a real has a point or an exponent, and reads as the nearest double") {
    CHECK(read("0.1", CellRule::number) == "r0.100000");
    CHECK(read("5e-324", CellRule::number) == "r0.000000");
    CHECK(read("-1.0E+2", CellRule::number) == "r-100.000000");
    CHECK(read("-Infinity", CellRule::number) == "r-inf");
    for (const char* text : {"1.", ".5", "1e", "1e+", "1.5.5", "NaN", "inf", "1e999", "00.5", "1.5x"})
        CHECK(read(text, CellRule::number) == "t" + std::string(text));
}

TEST_CASE("cell_text: quotes and columns of text make text of what looks like a number") {
    CHECK(read("12", CellRule::number, true) == "t12");
    CHECK(read("12", CellRule::text) == "t12");
}

TEST_CASE("cell_text: a mark says the type, whatever the column is") {
    CHECK(read("\\i:12", CellRule::text) == "i12");
    CHECK(read("\\r:1.5", CellRule::base64) == "r1.500000");
    CHECK(read("\\t:12", CellRule::number) == "t12");
    CHECK(read("\\t:\\b:AA==", CellRule::text) == "t\\b:AA==");
    CHECK(read("\\b:AP8=", CellRule::text) == "b00ff");
    CHECK(read("\\u:/0E=", CellRule::text) == "t\xFF\x41");
    CHECK(read("AP8=", CellRule::base64) == "b00ff");
}

TEST_CASE("cell_text: a backslash alone is no mark") {
    for (const char* text : {"\\", "\\t", "\\x:1", "\\\\server\\share", "t:1"})
        CHECK(read(text, CellRule::text) == "t" + std::string(text));
}

TEST_CASE("cell_text: a malformed mark or base64 is refused, never taken for text") {
    std::string room;
    for (const char* text : {"\\i:x", "\\i:1.5", "\\r:1", "\\b:A", "\\u:====", "\\i:"})
        CHECK_FALSE(value_of_cell(text, CellRule::text, false, room));
    CHECK_FALSE(value_of_cell("not base64", CellRule::base64, false, room));
}
