#include "holdfast/export/parquet_encode.hpp"

#include <random>
#include <vector>

#include "holdfast/source/parquet_encoding.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {

std::uint64_t of_width(std::mt19937_64& random, unsigned width) {
    return width == 0 ? 0 : random() >> (64 - width);
}

/// What the reader makes of runs.
std::vector<std::uint32_t> through_runs(const std::vector<std::uint32_t>& values, unsigned width) {
    Bytes bytes;
    append_runs(bytes, std::span<const std::uint32_t>(values), width);
    RleDecoder decoder(ByteCursor(bytes, "runs"), width);
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < values.size(); ++i) out.push_back(decoder.next());
    return out;
}

std::vector<std::uint64_t> through_deltas(const std::vector<std::uint64_t>& values) {
    Bytes bytes;
    append_deltas(bytes, values);
    DeltaDecoder decoder(ByteCursor(bytes, "deltas"), values.size());
    std::vector<std::uint64_t> out;
    while (decoder.left() > 0) out.push_back(static_cast<std::uint64_t>(decoder.next()));
    CHECK(decoder.rest().left() == 0);
    return out;
}

std::size_t run_bytes(const std::vector<std::uint32_t>& values, unsigned width) {
    Bytes bytes;
    append_runs(bytes, std::span<const std::uint32_t>(values), width);
    return bytes.size();
}

}  // namespace

TEST_CASE(
    "parquet_encode: bits of every width are packed from the lowest up, and the last byte is filled with "
    "zeros") {
    std::mt19937_64 random(1);
    for (unsigned width = 0; width <= 64; ++width) {
        for (const std::size_t count : {1, 7, 8, 9, 64, 65}) {
            CAPTURE(width);
            CAPTURE(count);
            std::vector<std::uint64_t> values(count);
            for (std::uint64_t& value : values) value = of_width(random, width);
            Bytes bytes;
            append_packed(bytes, std::span<const std::uint64_t>(values), width);
            REQUIRE(bytes.size() == (count * width + 7) / 8);
            for (std::size_t i = 0; i < count; ++i) CHECK(bits_at(bytes, i * width, width) == values[i]);
            if (count * width % 8 != 0)
                CHECK((std::to_integer<unsigned>(bytes.back()) >> (count * width % 8)) == 0);
        }
    }
    const std::vector<std::uint8_t> example = {0, 1, 2, 3, 4, 5, 6, 7};  // the one of Encodings.md
    Bytes bytes;
    append_packed(bytes, std::span<const std::uint8_t>(example), 3);
    CHECK(to_hex(bytes) == "88c6fa");
}

TEST_CASE("parquet_encode: runs of every width and length are read as they were") {
    std::mt19937_64 random(2);
    for (unsigned width = 1; width <= 32; ++width) {
        CAPTURE(width);
        std::vector<std::uint32_t> values;
        for (const std::size_t length : {1, 7, 8, 9, 3, 15, 16, 17, 1, 1, 8, 5, 8, 100, 1, 2, 40, 6})
            values.insert(values.end(), length, static_cast<std::uint32_t>(of_width(random, width)));
        for (std::size_t count = 0; count <= values.size(); ++count) {
            const std::vector<std::uint32_t> some(values.begin(),
                                                  values.begin() + static_cast<std::ptrdiff_t>(count));
            REQUIRE(through_runs(some, width) == some);
        }
    }
}

TEST_CASE("parquet_encode: a million equal values take a few bytes") {
    CHECK(run_bytes(std::vector<std::uint32_t>(1'000'000, 1), 1) <= 5);
    CHECK(run_bytes({}, 1) == 0);
    std::vector<std::uint32_t> turns(1024);
    for (std::size_t i = 0; i < turns.size(); ++i) turns[i] = i % 2;
    CHECK(run_bytes(turns, 1) <= 1024 / 8 + 4);
}

TEST_CASE("parquet_encode: differences of every width are read as they were, whatever the count") {
    std::mt19937_64 random(3);
    for (unsigned width = 0; width <= 64; ++width)
        for (const std::size_t count : {0, 1, 2, 32, 33, 34, 128, 129, 130, 161, 500}) {
            CAPTURE(width);
            CAPTURE(count);
            std::vector<std::uint64_t> values(count);
            std::uint64_t sum = random();
            for (std::uint64_t& value : values) value = sum += of_width(random, width) - (random() % 2) * 17;
            CHECK(through_deltas(values) == values);
        }
}

TEST_CASE("parquet_encode: differences between the least and the greatest numbers wrap") {
    const std::uint64_t least = std::uint64_t{1} << 63, greatest = least - 1, minus_one = ~std::uint64_t{0};
    const std::vector<std::uint64_t> values = {least, greatest, 0,        least, minus_one,
                                               1,     greatest, greatest, least, least};
    CHECK(through_deltas(values) == values);
}

TEST_CASE("parquet_encode: differences are laid out as the format's own examples are") {
    const auto hex = [](const std::vector<std::uint64_t>& values) {
        Bytes bytes;
        append_deltas(bytes, values);
        return to_hex(bytes);
    };
    // Encodings.md: 1, 2, 3, 4, 5 has the first value 1, the least difference 1, and widths of 0. A block of 128 has 4 widths.
    CHECK(hex({1, 2, 3, 4, 5}) ==
          "8001"
          "04"
          "05"
          "02"
          "02"
          "00000000");
    // 7, 5, 3, 1, 2, 3, 4, 5: least difference -2, the rest of them 0 0 0 3 3 3 3 in 2 bits.
    CHECK(hex({7, 5, 3, 1, 2, 3, 4, 5}) ==
          "8001"
          "04"
          "08"
          "0e"
          "03"
          "02000000"
          "c03f000000000000");
}

TEST_CASE("parquet_encode: texts are read as they were, with and without what they have in common") {
    const std::vector<std::vector<std::string>> lists = {
        {},
        {""},
        {"a"},
        {"", "", "b"},
        {"axis", "axle", "babble", "babyhood", "babyhood", "baby"},
        {std::string(100'000, 'x'), std::string(100'001, 'x'), std::string(3, 'x')}};
    for (const auto& texts : lists) {
        const auto text_at = [&](std::size_t i) { return as_bytes(texts[i]); };
        Bytes lengths, deltas;
        append_texts(lengths, texts.size(), text_at);
        append_text_deltas(deltas, texts.size(), text_at);
        DeltaLengthTexts of_lengths(ByteCursor(lengths, "texts"), texts.size());
        DeltaTexts of_deltas(ByteCursor(deltas, "texts"), texts.size());
        for (const std::string& text : texts) {
            CHECK(of_lengths.next().text == text);
            CHECK(of_deltas.next().text == text);
        }
    }
}
