#include "holdfast/wrap/qr.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;

TEST_CASE("qr: text is cut between lines into parts that a phone can scan, and the parts are the text") {
    std::string text;
    for (int i = 0; i < 100; ++i) text += std::string(static_cast<std::size_t>(i % 65), 'x') + "\n";
    std::string joined;
    for (const std::string& part : split_for_qr(text)) {
        CHECK(part.size() <= kMaxQrText);
        CHECK(part.ends_with('\n'));
        joined += part;
    }
    CHECK(joined == text);
    CHECK(split_for_qr("").empty());
    CHECK(split_for_qr("no line end") == std::vector<std::string>{"no line end"});
    CHECK_THROWS_AS(split_for_qr(std::string(kMaxQrText + 1, 'x')), Error);
}

TEST_CASE("qr: the drawing is one path with a quiet zone, and a full part fits") {
    const std::string small = qr_svg("hello");
    CHECK(small.starts_with("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 29 29'"));  // 21 + 2 x 4
    CHECK(small.find("d='M4 4h7v1h-7z") != std::string::npos);  // the first finder
    CHECK(qr_svg(std::string(kMaxQrText, 'x')).size() > small.size());
    CHECK_THROWS_AS(qr_svg(std::string(5000, 'x')), Error);
}
