#include "holdfast/export/time_shape.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("time_shape: a time becomes microseconds and the same text again, for every shape") {
    for (const char* text : {"2024-02-29", "1969-12-31 23:59", "2024-01-15 10:00:00", "2024-01-15T10:00:00Z",
                             "0001-01-01T00:00:00.1", "9999-12-31 23:59:59.999999",
                             "1969-12-31T23:59:59.001Z", "2024-01-15 10:00Z"}) {
        const auto shape = time_shape_of(text);
        REQUIRE_MESSAGE(shape, text);
        const auto micros = micros_of(text, *shape);
        REQUIRE_MESSAGE(micros, text);
        CHECK(text_of_micros(*micros, *shape) == std::optional<std::string>(text));
    }
    CHECK(micros_of("1970-01-02 00:00:01.5", "0000-00-00 00:00:00.0") ==
          std::optional<std::int64_t>(86'401'500'000));
    CHECK(micros_of("1969-12-31T23:59:59.9", "0000-00-00T00:00:00.0") ==
          std::optional<std::int64_t>(-100'000));
}

TEST_CASE("time_shape: what is no time, or of another shape, is left alone") {
    for (const char* text :
         {"2024-1-15", "15.01.2024", "2024-01-15 10", "2024-01-15 10:00:00.", "2024-01-15 10:00:00.1234567",
          "2024-01-15T10:00:00+01:00", "2024-01-15 10:00:00 ", "", "0000-00-00x"})
        CHECK_FALSE_MESSAGE(time_shape_of(text), text);
    for (const char* text : {"2023-02-29", "2024-13-01", "2024-01-00"})
        CHECK_FALSE(micros_of(text, "0000-00-00"));
    for (const char* text : {"2024-01-15 24:00:00", "2024-01-15 10:60:00", "2024-01-15 10:00:60"})
        CHECK_FALSE(micros_of(text, "0000-00-00 00:00:00"));
    CHECK_FALSE(micros_of("2024-01-15", "0000-00-00 00:00:00"));
    CHECK_FALSE(text_of_micros(1, "0000-00-00"));
}

TEST_CASE("time_shape: a column has a shape if all of its texts have it") {
    CommonShape one, two, none;
    one.add("2024-01-15");
    one.add("2024-01-16");
    CHECK(one.shape() == "0000-00-00");
    two.add("2024-01-15");
    two.add("2024-01-16 10:00:00");
    CHECK(two.shape().empty());
    CHECK(none.shape().empty());
}
