#include "holdfast/wrap/fingerprint.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace holdfast;

TEST_CASE(
    "fingerprint: any flipped bit of a page gives another fingerprint, the same page under the same key the "
    "same") {
    const FingerprintKey key = random_fingerprint_key();
    Bytes page(512, std::byte{7});
    const auto of = [&](const Bytes& bytes) { return fingerprint_pages(key, bytes, 512).at(0); };
    std::set<Fingerprint> seen{of(page)};
    CHECK(seen.contains(of(page)));
    for (std::size_t bit = 0; bit < page.size() * 8; ++bit) {
        page[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK(seen.insert(of(page)).second);
        page[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
}

TEST_CASE("fingerprint: pages are fingerprinted one by one, and another key gives others") {
    const Bytes two(1024, std::byte{7});
    const auto ours = fingerprint_pages(random_fingerprint_key(), two, 512);
    REQUIRE(ours.size() == 2);
    CHECK(ours[0] == ours[1]);
    CHECK(ours[0] != fingerprint_pages(random_fingerprint_key(), two, 512)[0]);
}
