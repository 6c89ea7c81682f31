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
