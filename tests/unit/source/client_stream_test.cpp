#include "holdfast/source/client_stream.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {

/// What comes out if `text` is written in pieces of `step` bytes.
std::string pass(ClientOutput output, const std::string& text, std::size_t step = 1000) {
    std::string out;
    ClientStream stream(output, [&](ByteSpan bytes) { out += as_text(bytes); });
    for (std::size_t at = 0; at < text.size(); at += step) stream.write(as_bytes(text.substr(at, step)));
    stream.finish("'client'");
    return out;
}
std::string failure(ClientOutput output, const std::string& text) {
    return catch_error([&] { pass(output, text); }).what();
}
/// A dump of Redis that holds `bytes` of something.
std::string redis_dump(std::size_t bytes) {
    std::string text = "REDIS0010" + std::string(bytes, 'x') + "\xFF";
    const std::uint64_t sum = crc64(0, as_bytes(text));
    for (int i = 0; i < 8; ++i) text += static_cast<char>(sum >> (8 * i));
    return text;
}
const std::string kMark(40, 'a');

std::string pg_integer(std::int64_t value) {
    std::string out(1, value < 0 ? '\1' : '\0');
    for (int i = 0; i < 4; ++i) out += static_cast<char>((value < 0 ? -value : value) >> (8 * i));
    return out;
}
std::string pg_text(const std::string& text) {
    return pg_integer(static_cast<std::int64_t>(text.size())) + text;
}
std::string pg_entry(int number, bool has_data) {
    std::string out = pg_integer(number) + pg_integer(has_data ? 1 : 0);
    for (const char* text : {"1259", "16384", "trades", "TABLE DATA"}) out += pg_text(text);
    out += pg_integer(3);
    for (int i = 0; i < 4; ++i) out += pg_text("public");
    out += pg_integer(-1) + pg_text("heap") + pg_text("owner") + pg_text("false");
    out += pg_text("215") + pg_integer(-1);                        // depends on that
    return out + (has_data ? '\1' : '\3') + std::string(8, '\0');  // where its data is: not known, or none
}
/// A custom dump of pg_dump 15: a table of `rows` bytes, large objects, and something without data.
std::string pg_dump(std::size_t rows) {
    std::string out = "PGDMP\x01\x0e";
    out += std::string(1, '\0') + "\x04\x08\x01" + pg_integer(0);
    for (int i = 0; i < 7; ++i) out += pg_integer(i);
    out += pg_text("shop") + pg_text("15.1") + pg_text("15.1") + pg_integer(3);
    out += pg_entry(1, true) + pg_entry(2, false) + pg_entry(3, true);
    out += '\1' + pg_integer(1) + pg_text(std::string(rows, 'r')) + pg_text("\\.\n\n\n") + pg_integer(0);
    out += '\3' + pg_integer(3) + pg_integer(16385) + pg_text(std::string(300, 'o')) + pg_integer(0);
    return out + pg_integer(16386) + pg_integer(0) + pg_integer(0);
}

}  // namespace

TEST_CASE("client_stream: a dump of Redis passes unchanged, in whatever pieces it comes") {
    for (const std::size_t bytes : {0U, 20U, 5000U})
        for (const std::size_t step : {1U, 9U, 4096U})
            CHECK(pass(ClientOutput::redis_dump, redis_dump(bytes), step) == redis_dump(bytes));
}

TEST_CASE("client_stream: the mark that redis-cli leaves behind a dump is cut off") {
    CHECK(pass(ClientOutput::redis_dump, redis_dump(0) + kMark) == redis_dump(0));
    CHECK(pass(ClientOutput::redis_dump, redis_dump(7000) + kMark, 13) == redis_dump(7000));
}

TEST_CASE("client_stream: a dump of Redis without its end, or with a wrong sum, is refused") {
    const std::string whole = redis_dump(3000);
    CHECK(failure(ClientOutput::redis_dump, whole.substr(0, whole.size() - 1)) ==
          "'client' stopped early: its output has no end");
    std::string wrong = whole;
    wrong[100] ^= 1;
    CHECK(testing::contains(failure(ClientOutput::redis_dump, wrong), "stopped early"));
    CHECK(testing::contains(failure(ClientOutput::redis_dump, whole + "xx"), "stopped early"));
    CHECK(testing::contains(failure(ClientOutput::redis_dump, "REDIS"), "stopped early"));
}

TEST_CASE("client_stream: a dump of a server that makes no sums has zeros there") {
    std::string text = "REDIS0010" + std::string(100, 'x') + "\xFF" + std::string(8, '\0');
    CHECK(pass(ClientOutput::redis_dump, text) == text);
    CHECK(pass(ClientOutput::redis_dump, text + kMark) == text);
}

TEST_CASE("client_stream: what begins otherwise is quoted and refused") {
    CHECK(failure(ClientOutput::redis_dump, "NOAUTH Authentication required.\n") ==
          "'client' wrote something else: 'NOAUTH Authentication required.\\x0a'");
    CHECK(testing::contains(failure(ClientOutput::pg_dump, "--\n-- PostgreSQL database dump"),
                            "something else"));
    CHECK(testing::contains(failure(ClientOutput::pg_dump, ""), "something else"));
}

TEST_CASE("client_stream: globals need their closing line and a base backup the end of a tar") {
    const std::string globals = "--\n-- PostgreSQL database cluster dump\n--\n" + std::string(9000, ' ');
    const std::string end = "--\n-- PostgreSQL database cluster dump complete\n--\n\n";
    CHECK(pass(ClientOutput::pg_globals, globals + end) == globals + end);
    CHECK(testing::contains(failure(ClientOutput::pg_globals, globals), "stopped early"));
    const std::string tar = "base" + std::string(2000, 'x') + std::string(1024, '\0');
    CHECK(pass(ClientOutput::pg_base, tar, 100) == tar);
    CHECK(testing::contains(failure(ClientOutput::pg_base, tar.substr(0, tar.size() - 1)), "stopped early"));
}

TEST_CASE("client_stream: a custom dump of pg_dump passes unchanged, in whatever pieces it comes") {
    for (const std::size_t rows : {1U, 6000U, 70000U})
        for (const std::size_t step : {1U, 7U, 4096U, 100000U})
            CHECK(pass(ClientOutput::pg_dump, pg_dump(rows), step) == pg_dump(rows));
}

TEST_CASE(
    "client_stream: a custom dump of pg_dump that is cut off anywhere is refused, as is one with more behind "
    "it") {
    const std::string whole = pg_dump(500);
    for (std::size_t size = 5; size < whole.size(); ++size)
        CHECK(failure(ClientOutput::pg_dump, whole.substr(0, size)) ==
              "'client' stopped early: its output has no end");
    CHECK(testing::contains(failure(ClientOutput::pg_dump, whole + '\1'), "stopped early"));
}

TEST_CASE("client_stream: a custom dump of a version that is not known passes") {
    std::string text = pg_dump(10);
    text[6] = 99;
    CHECK(pass(ClientOutput::pg_dump, text) == text);
}
