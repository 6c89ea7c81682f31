// policy/retirement.hpp - which objects a run shall no longer refer to, because most of what they hold is dead.
//
// A database that changes a little every day leaves a few live pages in every object it ever wrote, and each of them
// keeps 16 MiB. A retired object counts as absent during a run: what is still used of it is stored anew, and prune
// removes it together with the last snapshot that needs it.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "holdfast/base/units.hpp"
#include "holdfast/store/object_format.hpp"
#include "holdfast/store/object_use.hpp"

namespace holdfast {

inline constexpr double kRetireBelow = 0.5;   // an object of which less than this share is used
inline constexpr double kRetireShare = 0.05;  // of all that is used: what a run may spend
inline constexpr std::uint64_t kRetireAtLeast =
    12_MiB;  // ... and at least so much: the dearest object costs that

/// What retiring costs: the bytes that are stored anew, and a quarter of a byte for each that may have to be read.
constexpr std::uint64_t retirement_cost(std::uint64_t used_bytes, std::uint64_t plain_bytes) {
    return used_bytes + plain_bytes / 4;
}
static_assert(retirement_cost(kObjectBytes / 2, kObjectBytes) <=
              kRetireAtLeast);  // so that none is left for ever

/// The objects to retire, those with the smallest used share first, as many as the run may pay for. Only objects whose
/// users are all `captured` by this run: the others would stay in use.
inline std::set<Digest> choose_retired(const std::vector<ObjectUse>& uses,
                                       const std::set<std::string>& captured, double below = kRetireBelow) {
    struct Total {
        Digest object;
        std::uint64_t used_bytes = 0, plain_bytes = 0;
        bool is_captured = true;
        double share() const { return static_cast<double>(used_bytes) / static_cast<double>(plain_bytes); }
    };
    std::map<Digest, Total> totals;
    std::uint64_t all = 0;
    for (const ObjectUse& use : uses) {
        Total& total = totals[use.object];
        total.object = use.object;
        total.used_bytes += use.used_bytes;
        total.plain_bytes = std::max(total.plain_bytes, use.plain_bytes);
        total.is_captured = total.is_captured && captured.contains(use.component);
        all += use.used_bytes;
    }
    std::vector<Total> candidates;
    for (const auto& [object, total] : totals)
        if (total.is_captured && total.plain_bytes != 0 && total.share() < below) candidates.push_back(total);
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Total& a, const Total& b) { return a.share() < b.share(); });

    const auto share = static_cast<std::uint64_t>(kRetireShare * static_cast<double>(all));
    std::uint64_t left = std::max(kRetireAtLeast, share);
    std::set<Digest> retired;
    for (const Total& total : candidates) {
        const std::uint64_t cost = retirement_cost(total.used_bytes, total.plain_bytes);
        if (cost > left) break;
        left -= cost;
        retired.insert(total.object);
    }
    return retired;
}

}  // namespace holdfast
