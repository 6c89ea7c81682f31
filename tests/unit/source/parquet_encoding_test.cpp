#include "holdfast/source/parquet_encoding.hpp"

#include "support/catch_error.hpp"
#include "support/fixture.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using namespace std::string_view_literals;

namespace {

ByteCursor cursor(std::string_view bytes) { return {as_bytes(bytes), "test"}; }

std::vector<std::uint32_t> decode_rle(std::string_view bytes, unsigned width, int count) {
    RleDecoder decoder(cursor(bytes), width);
    std::vector<std::uint32_t> values;
    for (int i = 0; i < count; ++i) values.push_back(decoder.next());
    return values;
}
std::vector<std::int64_t> decode_delta(std::string_view bytes, std::uint64_t most = 1000) {
    DeltaDecoder decoder(cursor(bytes), most);
    std::vector<std::int64_t> values;
    while (decoder.left() > 0) values.push_back(decoder.next());
    return values;
}
std::vector<std::string> decode_texts(ParquetEncoding encoding, std::string_view bytes, std::uint64_t count) {
    const auto decoder = decode_values(encoding, ParquetType::bytes, cursor(bytes), count, nullptr);
    std::vector<std::string> values;
    for (std::uint64_t i = 0; i < count; ++i) values.emplace_back(decoder->next().text);
    return values;
}

// The examples of Encodings.md in blocks of 128: 1, 2, 3, 4, 5 and 7, 5, 3, 1, 2, 3, 4, 5.
constexpr std::string_view kSteps = "\x80\x01\x04\x05\x02\x02\x00\x00\x00\x00"sv;
constexpr std::string_view kDown =
    "\x80\x01\x04\x08\x0e\x03\x02\x00\x00\x00\xc0\x3f\x00\x00\x00\x00\x00\x00"sv;

}  // namespace

TEST_CASE("parquet_encoding: bits are taken from the lowest upwards, also across bytes") {
    const auto bytes = "\x88\xc6\xfa"sv;  // 0 to 7 in 3 bits each, from Encodings.md
    for (unsigned i = 0; i < 8; ++i) CHECK(bits_at(as_bytes(bytes), 3 * i, 3) == i);
    CHECK(bits_at(as_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv), 1, 64) == ~std::uint64_t{0});
}

TEST_CASE("parquet_encoding: runs of one value and bit-packed runs follow each other") {
    CHECK(decode_rle("\x06\x05\x03\x88\xc6\xfa"sv, 3, 11) ==
          std::vector<std::uint32_t>{5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7});
    CHECK(decode_rle("\x04\x34\x12"sv, 16, 2) == std::vector<std::uint32_t>{0x1234, 0x1234});
    CHECK(decode_rle("", 0, 3) == std::vector<std::uint32_t>{0, 0, 0});
    CHECK(decode_rle("\x05\x88\xc6\xfa"sv, 3, 8).back() == 7);  // says 16, and the writer cut it off
    CHECK(catch_error([] { decode_rle("\x05\x88\xc6\xfa"sv, 3, 9); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { decode_rle("\x00\x05"sv, 3, 1); }).kind() == Kind::corrupt);  // an empty run
    CHECK(catch_error([] { decode_rle("\xff\xff\xff\xff\xff\x01"sv, 3, 1); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { decode_rle("\x02\x01"sv, 33, 1); }).kind() == Kind::corrupt);
}

TEST_CASE("parquet_encoding: packed differences add up, negative ones too, and wrap around") {
    CHECK(decode_delta(kSteps) == std::vector<std::int64_t>{1, 2, 3, 4, 5});
    CHECK(decode_delta(kDown) == std::vector<std::int64_t>{7, 5, 3, 1, 2, 3, 4, 5});
    constexpr auto kLeast = std::numeric_limits<std::int64_t>::min(),
                   kMost = std::numeric_limits<std::int64_t>::max();
    CHECK(decode_delta("\x80\x01\x04\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x00\x00\x00\x00"sv) ==
          std::vector<std::int64_t>{kLeast, kMost});
    CHECK(decode_delta("\x80\x01\x04\x00\x00"sv).empty());
}

TEST_CASE("parquet_encoding: malformed blocks are refused") {
    for (const std::string_view bytes :
         {"\x80\x01\x00\x05\x02"sv, "\x00\x04\x05\x02"sv, "\x80\x01\x03\x05\x02"sv,
          "\x80\x01\x80\x01\x05\x02"sv, "\x80\x01\x04\x05\x02\x02\x41\x00\x00\x00"sv,
          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x05\x02"sv})
        CHECK(catch_error([&] { decode_delta(bytes); }).kind() == Kind::corrupt);
    CHECK(catch_error([] { decode_delta(kSteps, 4); }).kind() == Kind::corrupt);
    testing::damage_every_byte(std::string(kDown), [](const std::string& bytes) {
        try {
            decode_delta(bytes);
        } catch (const Error& e) {
            CHECK(e.kind() == Kind::corrupt);
        }
    });
}

TEST_CASE("parquet_encoding: texts come plain, after all lengths, and with shared beginnings") {
    const auto plain =
        "\x02\x00\x00\x00"
        "ab"
        "\x00\x00\x00\x00"
        "\x01\x00\x00\x00"
        "c"sv;
    CHECK(decode_texts(ParquetEncoding::plain, plain, 3) == std::vector<std::string>{"ab", "", "c"});
    const std::string lengths(kSteps);
    CHECK(decode_texts(ParquetEncoding::delta_length_bytes, lengths + "abbcccddddeeeee", 5) ==
          std::vector<std::string>{"a", "bb", "ccc", "dddd", "eeeee"});
    const auto prefixes = "\x80\x01\x04\x02\x00\x02\x00\x00\x00\x00"sv;  // 0, 1
    const auto suffixes =
        "\x80\x01\x04\x02\x04\x01\x00\x00\x00\x00"
        "xyz"sv;  // lengths 2, 1
    CHECK(decode_texts(ParquetEncoding::delta_bytes, std::string(prefixes) + std::string(suffixes), 2) ==
          std::vector<std::string>{"xy", "xz"});
}

TEST_CASE("parquet_encoding: a text cannot be longer than the page, nor share more than there is") {
    CHECK(catch_error([] {
              decode_texts(ParquetEncoding::plain,
                           "\xff\xff\xff\xff"
                           "ab"sv,
                           1);
          }).kind() == Kind::corrupt);
    const std::string lengths(kSteps);
    CHECK(catch_error([&] {
              decode_texts(ParquetEncoding::delta_length_bytes, lengths + "abbcccdddd", 5);
          }).kind() == Kind::corrupt);
    const auto negative = "\x80\x01\x04\x01\x01"sv;
    CHECK(catch_error([&] { decode_texts(ParquetEncoding::delta_length_bytes, negative, 1); }).kind() ==
          Kind::corrupt);
    const auto shares =
        "\x80\x01\x04\x01\x02"
        "\x80\x01\x04\x01\x02"
        "x"sv;  // the first shares 1
    CHECK(catch_error([&] { decode_texts(ParquetEncoding::delta_bytes, shares, 1); }).kind() ==
          Kind::corrupt);
}

TEST_CASE("parquet_encoding: a dictionary knows its values and refuses any other") {
    const auto page =
        "\x01\x00\x00\x00"
        "a"
        "\x02\x00\x00\x00"
        "bc"sv;
    const ByteSpan bytes = as_bytes(page);
    const ParquetDictionary dictionary(Bytes(bytes.begin(), bytes.end()), ParquetType::bytes, 2);
    CHECK(dictionary.at(1).text == "bc");
    const auto decode = [&](std::string_view indexes) {
        return std::string(decode_values(ParquetEncoding::rle_dictionary, ParquetType::bytes, cursor(indexes),
                                         1, &dictionary)
                               ->next()
                               .text);
    };
    CHECK(decode("\x01\x02\x01"sv) == "bc");
    CHECK(decode("\x00"sv) == "a");
    CHECK(catch_error([&] { decode("\x02\x02\x02"sv); }).kind() == Kind::corrupt);
    CHECK(catch_error([&] {
              ParquetDictionary(Bytes(bytes.begin(), bytes.end()), ParquetType::bytes, 3);
          }).kind() == Kind::corrupt);
}

TEST_CASE("parquet_encoding: what is not implemented says so") {
    CHECK(catch_error([] {
              decode_values(ParquetEncoding::byte_stream_split, ParquetType::int64, cursor(""), 1, nullptr);
          }).kind() == Kind::refused);
    CHECK(catch_error([] {
              decode_values(ParquetEncoding::delta_bytes, ParquetType::int64, cursor(""), 1, nullptr);
          }).kind() == Kind::refused);
    CHECK(catch_error([] {
              decode_values(ParquetEncoding::rle_dictionary, ParquetType::bytes, cursor(""), 1, nullptr);
          }).kind() == Kind::corrupt);
}
