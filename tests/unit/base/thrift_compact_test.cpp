#include "holdfast/base/thrift_compact.hpp"

#include <vector>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using namespace std::string_view_literals;

namespace {

/// Skips one struct; how many bytes it had.
std::size_t skip(std::string_view bytes) {
    ThriftReader reader(as_bytes(bytes), "test");
    reader.skip(ThriftType::structure);
    return bytes.size() - reader.left();
}

// Field 1 i32 -3, field 2 text "ab", field 3 bool yes, field 20 (long form) a list of two i64: 1, 300.
constexpr std::string_view kStruct =
    "\x15\x05\x18\x02"
    "ab\x11\x09\x28\x26\x02\xd8\x04\x00"sv;

}  // namespace

TEST_CASE("thrift_compact: reads the fields of a struct, in the short and the long form") {
    ThriftReader reader(as_bytes(kStruct), "test");
    std::int64_t number = 0;
    std::string text;
    bool flag = false;
    std::vector<std::int64_t> list;
    reader.read_struct([&](int id, ThriftType type) {
        switch (id) {
            case 1: number = reader.integer(type); break;
            case 2: text = reader.text(type); break;
            case 3: flag = reader.flag(type); break;
            case 20: reader.read_list(type, [&](ThriftType e) { list.push_back(reader.integer(e)); }); break;
            default: FAIL("field ", id);
        }
    });
    CHECK(number == -3);
    CHECK(text == "ab");
    CHECK(flag);
    CHECK(list == std::vector<std::int64_t>{1, 300});
    CHECK(reader.left() == 0);
}

TEST_CASE("thrift_compact: skips every type") {
    CHECK(skip(kStruct) == kStruct.size());
    const auto map = "\x1b\x02\x58\x02\x01x\x04\x01y\x00"sv;  // {1: "x", 2: "y"}
    CHECK(skip(map) == map.size());
    CHECK(skip("\x1b\x00\x00"sv) == 3);                               // an empty map has no types
    CHECK(skip("\x19\x21\x01\x02\x00"sv) == 5);                       // a list of two bools: a byte each
    CHECK(skip("\x1c\x1c\x00\x00\x00"sv) == 5);                       // structs in structs
    CHECK(skip("\x17\x01\x02\x03\x04\x05\x06\x07\x08\x00"sv) == 10);  // a double
    CHECK(skip("\x12\x13\x7f\x00"sv) == 4);                           // a bool that is no, a byte
}

TEST_CASE("thrift_compact: refuses wrong types, unknown types and impossible field numbers") {
    const auto read_text = [](std::string_view bytes) {
        ThriftReader reader(as_bytes(bytes), "test");
        reader.read_struct([&](int, ThriftType type) { reader.text(type); });
    };
    CHECK(catch_error([&] { read_text("\x15\x02\x00"sv); }).kind() == Kind::corrupt);
    CHECK(catch_error([&] { skip("\x1e\x00"sv); }).kind() == Kind::corrupt);
    CHECK(catch_error([&] { skip("\x05\x01\x00\x00"sv); }).kind() == Kind::corrupt);  // field -1
}

TEST_CASE("thrift_compact: lists, texts and nesting are bounded by the bytes") {
    CHECK(catch_error([] { skip("\x19\xfc\xff\xff\xff\xff\x0f\x00"sv); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { skip("\x1b\xff\xff\xff\xff\x0f\x55\x00"sv); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { skip("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"sv); }).kind() ==
          Kind::corrupt);
    CHECK(catch_error([] { skip(std::string(100'000, '\x1c')); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { skip(std::string(100'000, '\x19')); }).kind() == Kind::corrupt);
    for (std::size_t n = 0; n < kStruct.size(); ++n)
        CHECK(catch_error([&] { skip(kStruct.substr(0, n)); }).kind() == Kind::corrupt);
}
