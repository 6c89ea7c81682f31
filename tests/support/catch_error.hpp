// support/catch_error.hpp - the Error that a call throws, to look at its kind, message and hint.
#pragma once

#include <doctest/doctest.h>

#include "holdfast/base/error.hpp"

namespace holdfast::testing {

template <class Call>
Error catch_error(Call call) {
    try {
        call();
    } catch (const Error& e) {
        return e;
    }
    FAIL("no holdfast::Error was thrown");
    return Error(Kind::internal, "not reached");
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace holdfast::testing
