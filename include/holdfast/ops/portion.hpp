// ops/portion.hpp - what one run of verify looks at: a random share, or what a budget allows.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>

#include "holdfast/store/verified_memory.hpp"

namespace holdfast::ops {

/// What a rolling run may use. At least one is set; what is used up first ends the run.
struct Budget {
    std::optional<std::uint64_t> bytes;
    std::optional<std::chrono::seconds> time;
};

/// An object or component to verify.
struct Unit {
    Digest key;
    std::uint64_t bytes = 0;
};

/// How far rolling runs have come.
struct Coverage {
    std::uint64_t count = 0, bytes = 0;              // of this run
    std::uint64_t total_count = 0, total_bytes = 0;  // of everything
    std::uint64_t never_count = 0;                   // not verified by this or an earlier run
    std::optional<std::chrono::seconds>
        oldest_age;  // of the longest unverified one, if none was never verified

    /// How many runs like this one cover everything. Each does at least one, so never more than there are.
    std::uint64_t runs() const {
        const std::uint64_t step = std::max<std::uint64_t>(bytes, 1);
        return std::max<std::uint64_t>(std::min((total_bytes + step - 1) / step, total_count), 1);
    }
};

/// A random choice of `share` of all, rounded up, in the order of `all`.
template <class T>
std::vector<T> random_share(const std::vector<T>& all, double share) {
    const double wanted = std::ceil(share * static_cast<double>(all.size()));
    std::vector<T> out;
    std::random_device random;
    std::sample(all.begin(), all.end(), std::back_inserter(out), static_cast<std::size_t>(wanted), random);
    return out;
}

/// Never looked at first, then the longest ago: those at the front that fit into `bytes`, at least one.
inline std::vector<Unit> next_units(std::vector<Unit> all, const VerifiedMemory& memory,
                                    std::optional<std::uint64_t> bytes) {
    const auto rank = [&](const Unit& unit) {
        return std::pair(memory.looked_at(unit.key).value_or(SystemSeconds::min()), unit.key);
    };
    std::sort(all.begin(), all.end(), [&](const Unit& a, const Unit& b) { return rank(a) < rank(b); });
    std::uint64_t used = 0;
    const auto end = std::find_if(all.begin(), all.end(), [&](const Unit& unit) {
        if (bytes && used != 0 && used + unit.bytes > *bytes) return true;
        used += unit.bytes;
        return false;
    });
    all.erase(end, all.end());
    return all;
}

/// Call it after the run has told the memory what it proved.
inline Coverage measure_coverage(const std::vector<Unit>& all, const VerifiedMemory& memory,
                                 SystemSeconds now, std::uint64_t count, std::uint64_t bytes) {
    Coverage out{count, bytes, all.size(), 0, 0, std::nullopt};
    SystemSeconds oldest = now;
    for (const Unit& unit : all) {
        out.total_bytes += unit.bytes;
        const auto at = memory.find(unit.key);
        if (at)
            oldest = std::min(oldest, *at);
        else
            ++out.never_count;
    }
    if (out.never_count == 0) out.oldest_age = now - oldest;
    return out;
}

}  // namespace holdfast::ops
