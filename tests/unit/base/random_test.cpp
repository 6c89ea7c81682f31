#include "holdfast/base/random.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("random: names have the length that was asked for and do not repeat") {
    CHECK(random_hex<3>().size() == 6);
    CHECK(random_hex<16>() != random_hex<16>());
    CHECK(random_hex<16>().find_first_not_of("0123456789abcdef") == std::string::npos);
}
