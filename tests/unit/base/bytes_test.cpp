#include "holdfast/base/bytes.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace holdfast;

TEST_CASE("bytes: hexadecimal goes there and back") {
    const std::string all{"\x00\x01\x7f\x80\xff", 5};
    CHECK(to_hex(as_bytes(all)) == "00017f80ff");
    std::array<std::byte, 5> back{};
    CHECK(from_hex("00017f80ff", back));
    CHECK(as_text(back) == all);
}

TEST_CASE("bytes: only lower-case hexadecimal of the right length is taken") {
    std::array<std::byte, 2> out{};
    for (const char* bad : {"", "00", "0001F", "00FF", "00 1", "zz00", "000000"})
        CHECK_FALSE(from_hex(bad, out));
}

TEST_CASE("bytes: base64 follows RFC 4648") {
    const std::pair<const char*, const char*> pairs[] = {
        {"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe", "//4="}};
    for (const auto& [plain, encoded] : pairs) {
        CHECK(to_base64(plain) == encoded);
        CHECK(from_base64(encoded) == std::string(plain));
    }
}

TEST_CASE("bytes: damaged base64 is no value") {
    for (const char* bad : {"Z", "Zg=", "Zg===", "Z===", "=g==", "Zg==Zg==", "Zm9 ", "Zm9\n"})
        CHECK_MESSAGE(!from_base64(bad), bad);
}
