#include "holdfast/base/text_scan.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace holdfast;

TEST_CASE("text_scan: sixteen bytes at a time says the same as one at a time, wherever the odd byte is") {
    std::mt19937 random(3);
    const Special special{'"', '\\', ','};
    for (int i = 0; i < 20'000; ++i) {
        std::string text(random() % 70, 'a');
        for (std::size_t k = random() % 3; k > 0 && !text.empty(); --k)
            text[random() % text.size()] = static_cast<char>(random() % 256);
        std::size_t plain = 0;
        while (plain < text.size() && !detail::is_special(text[plain], special)) ++plain;
        REQUIRE(plain_prefix(text, special) == plain);
        REQUIRE(is_plain(text, special) == (plain == text.size()));
        REQUIRE(is_utf8_text(text) == is_utf8(text));
        bool odd = false, comma = false;
        for (const char c : text) {
            odd = odd || detail::is_special(c, {'"', '\\', '\\'});
            comma = comma || c == ',';
        }
        REQUIRE(kind_of_text(text) == (odd ? TextKind::odd : comma ? TextKind::separated : TextKind::plain));
    }
}

TEST_CASE("text_scan: UTF-8 across the border of sixteen bytes is UTF-8") {
    for (std::size_t lead = 0; lead < 40; ++lead) {
        CHECK(is_utf8_text(std::string(lead, 'a') + "€" + std::string(20, 'b')));
        CHECK_FALSE(is_utf8_text(std::string(lead, 'a') + "\xE2\x82"));
    }
}
