#include "holdfast/policy/retirement.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

namespace {

Digest object(int i) { return sha256(std::to_string(i)); }
ObjectUse use(int i, std::uint64_t used_bytes, std::uint64_t plain_bytes = 16_MiB,
              const char* component = "a") {
    return {component, object(i), used_bytes, plain_bytes};
}

}  // namespace

TEST_CASE("retirement: an object of which less than half is used is retired, one of exactly half is not") {
    CHECK(choose_retired({use(1, 8_MiB - 1)}, {"a"}) == std::set<Digest>{object(1)});
    CHECK(choose_retired({use(1, 8_MiB)}, {"a"}).empty());
    CHECK(choose_retired({use(1, 1)}, {"a"}, 0).empty());
    CHECK(choose_retired({}, {"a"}).empty());
}

TEST_CASE("retirement: what several components use of an object counts together") {
    CHECK(choose_retired({use(1, 5_MiB), use(1, 5_MiB, 16_MiB, "b")}, {"a", "b"}).empty());
    CHECK(choose_retired({use(1, 3_MiB), use(1, 3_MiB, 16_MiB, "b")}, {"a", "b"}).size() == 1);
}

TEST_CASE(
    "retirement: an object that a component outside of this run uses would stay, so it is not retired") {
    CHECK(choose_retired({use(1, 1_MiB), use(1, 1_MiB, 16_MiB, "b")}, {"a"}).empty());
}

TEST_CASE("retirement: the least used go first, until the run has spent its share") {
    std::vector<ObjectUse> uses;
    for (int i = 1; i <= 7; ++i) uses.push_back(use(i, static_cast<std::uint64_t>(i) * 1_MiB));
    // 1 + 4, 2 + 4: the third would cost 7 of the one that is left of 12.
    CHECK(choose_retired(uses, {"a"}) == std::set<Digest>{object(1), object(2)});
    for (int i = 100; i < 200; ++i) uses.push_back(use(i, 16_MiB));  // 5 % of 1628 MiB are 81
    CHECK(choose_retired(uses, {"a"}).size() == 7);
}

TEST_CASE("retirement: an object of unknown size stays") {
    CHECK(choose_retired({use(1, 1, 0)}, {"a"}).empty());
}
