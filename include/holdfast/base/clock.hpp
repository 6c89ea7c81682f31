// base/clock.hpp - what time it is, and the local time budget of a wait.
#pragma once

#include <algorithm>
#include <chrono>

#include "holdfast/base/utc.hpp"

namespace holdfast {

inline SystemSeconds now_utc() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// A bounded wait: how long may this still take?
class Deadline {
public:
    explicit Deadline(std::chrono::milliseconds budget) : end_(std::chrono::steady_clock::now() + budget) {}
    bool has_passed() const { return std::chrono::steady_clock::now() >= end_; }
    std::chrono::milliseconds left() const {
        const auto rest =
            std::chrono::floor<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
        return std::max(rest, std::chrono::milliseconds{0});
    }

private:
    std::chrono::steady_clock::time_point end_;
};

}  // namespace holdfast
