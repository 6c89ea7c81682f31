#include "holdfast/base/thrift_writer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace holdfast;

TEST_CASE("thrift_writer: a struct of every kind of field is laid out as the protocol says") {
    Bytes bytes;
    ThriftWriter writer(bytes);
    writer.write_struct([&] {
        writer.write_i32(1, -3);
        writer.write_text(2, "ab");
        writer.write_flag(3, true);
        writer.write_list(20, ThriftType::i32, 2, [&] {
            writer.write_i32(1);
            writer.write_i32(300);
        });
        writer.write_struct(21, [&] { writer.write_flag(1, false); });
        writer.write_i64(22, 1);
    });
    CHECK(to_hex(bytes) ==
          "1505"
          "18026162"
          "11"
          "0928"
          "2502d804"
          "1c1200"
          "1602"
          "00");
}

TEST_CASE("thrift_writer: what it writes is read, also long lists and long texts") {
    Bytes bytes;
    const std::string text(200, 'x');
    ThriftWriter writer(bytes);
    writer.write_struct([&] {
        writer.write_text(4, text);
        writer.write_list(5, ThriftType::structure, 15, [&] {
            for (int i = 0; i < 15; ++i) writer.write_struct([&] { writer.write_i32(i + 1, i * -1000); });
        });
        writer.write_list(6, ThriftType::binary, 2, [&] {
            writer.write_text("a");
            writer.write_text("");
        });
        writer.write_i64(300, 1ULL << 62);
    });
    ThriftReader reader(bytes, "test");
    std::vector<std::int64_t> numbers;
    std::vector<std::string_view> texts;
    reader.read_struct([&](int id, ThriftType type) {
        if (id == 4) texts.push_back(reader.text(type));
        if (id == 5)
            reader.read_list(type, [&](ThriftType element) {
                reader.read_struct(element, [&](int field, ThriftType number) {
                    numbers.push_back(field);
                    numbers.push_back(reader.integer(number));
                });
            });
        if (id == 6)
            reader.read_list(type, [&](ThriftType element) { texts.push_back(reader.text(element)); });
        if (id == 300) numbers.push_back(reader.integer(type));
    });
    CHECK(reader.left() == 0);
    CHECK(texts == std::vector<std::string_view>{text, "a", ""});
    REQUIRE(numbers.size() == 31);
    CHECK(numbers[28] == 15);
    CHECK(numbers[29] == -14000);
    CHECK(numbers[30] == std::int64_t{1} << 62);
}
