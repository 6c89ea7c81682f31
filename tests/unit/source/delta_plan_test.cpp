#include "holdfast/source/delta_plan.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

namespace {

DeltaCheckpoint whole(std::uint64_t version) { return {"t", version, "whole", 1}; }

/// Commits `first` to `last` and whole checkpoints.
DeltaPlan plan(std::uint64_t first, std::uint64_t last, const std::vector<std::uint64_t>& checkpoints) {
    DeltaPlan p;
    for (std::uint64_t v = first; v <= last; ++v) p.saw_commit(v);
    for (const std::uint64_t v : checkpoints) p.saw_checkpoint(whole(v));
    p.choose();
    return p;
}
std::uint64_t base_version(const DeltaPlan& p) { return p.base() == nullptr ? 0 : p.base()->first; }
const Error kDamage(Kind::corrupt, "damaged");
const Error kUnsupported(Kind::refused, "not supported");

}  // namespace

TEST_CASE("delta_plan: commits from the first to the last need no checkpoint") {
    const DeltaPlan p = plan(0, 12, {10});
    CHECK(p.base() == nullptr);
    CHECK(p.wants_commit(0));
    CHECK(plan(0, 12, {}).base() == nullptr);
}

TEST_CASE("delta_plan: where early commits are gone, the newest checkpoint and what follows it") {
    const DeltaPlan p = plan(5, 25, {10, 20});
    CHECK(base_version(p) == 20);
    CHECK_FALSE(p.wants_commit(20));
    CHECK(p.wants_commit(21));
    CHECK(base_version(plan(0, 5, {10})) == 10);  // commits that end before the checkpoint
}

TEST_CASE("delta_plan: a gap in the commits is bridged by a checkpoint after it") {
    DeltaPlan p;
    for (const std::uint64_t v : {0U, 1U, 8U, 9U, 10U, 11U}) p.saw_commit(v);
    p.saw_checkpoint(whole(10));
    p.choose();
    CHECK(base_version(p) == 10);
}

TEST_CASE("delta_plan: a checkpoint of several files counts when all are there") {
    DeltaPlan p;
    for (std::uint64_t v = 5; v <= 25; ++v) p.saw_commit(v);
    for (int i = 0; i < 3; ++i) p.saw_checkpoint({"t", 10, "of 3", 3});
    for (int i = 0; i < 2; ++i) p.saw_checkpoint({"t", 20, "of 3", 3});
    p.choose();
    CHECK(base_version(p) == 10);
    CHECK(p.warnings().empty());
}

TEST_CASE("delta_plan: only an incomplete checkpoint is damage") {
    DeltaPlan p;
    p.saw_commit(21);
    p.saw_checkpoint({"t", 20, "of 3", 3});
    p.choose();
    CHECK(p.base() == nullptr);
    CHECK(p.warnings() == std::vector<std::string>{
                              "the checkpoint of version 20 cannot be read: 2 of its 3 files are missing"});
}

TEST_CASE("delta_plan: a rejected checkpoint makes room for the one before it, with a note") {
    DeltaPlan p = plan(5, 25, {10, 20});
    p.reject(kDamage);
    CHECK(base_version(p) == 10);
    CHECK(p.warnings().empty());
    CHECK(p.notes() ==
          std::vector<std::string>{
              "the checkpoint of version 20 cannot be read: damaged; that of version 10 was used"});
}

TEST_CASE("delta_plan: without one before it damage is a warning, what is not supported a note") {
    DeltaPlan damaged = plan(5, 25, {20});
    damaged.reject(kDamage);
    CHECK(damaged.warnings() ==
          std::vector<std::string>{"the checkpoint of version 20 cannot be read: damaged"});
    CHECK(damaged.notes().empty());
    DeltaPlan unsupported = plan(5, 25, {20});
    unsupported.reject(kUnsupported);
    CHECK(unsupported.warnings().empty());
    CHECK(unsupported.notes().size() == 1);
}

TEST_CASE("delta_plan: an older checkpoint does not stand for commits that are not there") {
    DeltaPlan p = plan(5, 15, {10, 20});
    p.reject(kDamage);
    CHECK(p.base() == nullptr);
    CHECK(p.warnings().size() == 1);
}

TEST_CASE("delta_plan: three checkpoints are tried, not all that somebody put there") {
    DeltaPlan p = plan(5, 90, {10, 20, 30, 40, 50});
    for (int i = 0; i < 3; ++i) p.reject(kDamage);
    CHECK(p.base() == nullptr);
    CHECK(p.warnings().size() == 3);
}
