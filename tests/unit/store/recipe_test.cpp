#include "holdfast/store/recipe.hpp"

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {
const std::string kName(64, 'a');

PullBytes pull_text(std::string text) {
    return [text = std::move(text), at = std::size_t{0}](std::span<std::byte> out) mutable {
        const std::size_t n = std::min<std::size_t>({out.size(), text.size() - at, 7});  // in small pieces
        std::copy_n(as_bytes(text).begin() + static_cast<std::ptrdiff_t>(at), n, out.begin());
        at += n;
        return n;
    };
}
}  // namespace

TEST_CASE("recipe: an extent reads back as it was written, with and without a digest") {
    for (const std::string& line : {kName + " 0 1", kName + " 4096 16773120 " + std::string(64, '0')})
        CHECK(format_extent(parse_extent(line)) == line);
}

TEST_CASE("recipe: malformed extents and extents outside of any object are refused") {
    for (const std::string& line :
         {std::string{}, kName, kName + " 0", kName + " 0 0", kName + " -1 5", kName + " 0 16777217",
          kName + " 16777216 1", kName + " 4294967295 4294967295", kName + " 0 1 xyz",
          kName + " 0 1 " + kName + " 5", kName + "  0 1", std::string(64, 'A') + " 0 1",
          std::string(63, 'a') + " 0 1", kName + " 0x1 1"}) {
        CAPTURE(line);
        CHECK(catch_error([&] { parse_extent(line); }).kind() == Kind::corrupt);
    }
}

TEST_CASE("recipe: lines come whole from a stream in small pieces") {
    const ExtentSource extents = parse_recipe(pull_text(kName + " 0 5\n" + kName + " 5 6\n"));
    CHECK(extents()->length == 5);
    CHECK(extents()->offset == 5);
    CHECK_FALSE(extents().has_value());
}

TEST_CASE("recipe: a last line without its newline and an endless line are corrupt") {
    const ExtentSource torn = parse_recipe(pull_text(kName + " 0 5\n" + kName + " 5"));
    torn();
    CHECK(catch_error([&] { torn(); }).kind() == Kind::corrupt);
    const ExtentSource endless = parse_recipe([](std::span<std::byte> out) {
        std::fill(out.begin(), out.end(), std::byte{'a'});
        return out.size();
    });
    CHECK(catch_error([&] { endless(); }).kind() == Kind::corrupt);
}
