// ops/check_result.hpp - what one check of restored data found.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/base/utc.hpp"

namespace holdfast::ops {

struct CheckResult {
    std::string component, name;
    enum class State {
        passed,
        failed,
        unchecked
    } state = State::unchecked;  // unchecked: neither proven nor broken
    std::string detail;
    std::optional<SystemSeconds> newest{};  // of a max_age check: the time that it found
};

inline const char* word_for(CheckResult::State state) {
    switch (state) {
        case CheckResult::State::passed: return "passed";
        case CheckResult::State::failed: return "failed";
        case CheckResult::State::unchecked: return "unchecked";
    }
    return "unchecked";
}

namespace detail {
/// The first few, and how many there are.
inline std::string first_of(const std::vector<std::string>& texts) {
    constexpr std::size_t kListed = 3;
    std::string out;
    for (std::size_t i = 0; i < std::min(texts.size(), kListed); ++i) out += (i == 0 ? "" : "; ") + texts[i];
    return texts.size() <= kListed ? out : out + "; and " + std::to_string(texts.size() - kListed) + " more";
}
}  // namespace detail

}  // namespace holdfast::ops
