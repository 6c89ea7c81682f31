#include "holdfast/store/page_map.hpp"

#include <doctest/doctest.h>
#include "support/temp_dir.hpp"

using namespace holdfast;

namespace {
const Digest kImage = sha256("image");
const FingerprintKey kKey{std::byte{1}};

Fingerprint numbered(std::size_t i) {
    Fingerprint f{};
    std::memcpy(f.data(), &i, sizeof i);
    return f;
}

void write_map(const fs::path& path, std::size_t pages) {
    PageMapWriter writer(path, kKey);
    for (std::size_t i = 0; i < pages; ++i) {
        const Fingerprint one = numbered(i);
        writer.add({&one, 1});
    }
    writer.publish(kImage, 4096, pages);
}
}  // namespace

TEST_CASE("page_map: fingerprints come back in order") {
    holdfast::testing::TempDir dir;
    write_map(dir / "map", 5000);
    auto reader = PageMapReader::open(dir / "map", kImage);
    REQUIRE(reader.has_value());
    CHECK(reader->page_count() == 5000);
    CHECK(reader->key() == kKey);
    for (std::size_t i = 0; i < 5000; ++i) CHECK(reader->next() == numbered(i));
    CHECK_FALSE(reader->next().has_value());
}

TEST_CASE("page_map: a damaged, torn or foreign map is not used") {
    holdfast::testing::TempDir dir;
    write_map(dir / "map", 10);
    const std::string good = dir.read("map");
    CHECK_FALSE(PageMapReader::open(dir / "map", sha256("other")).has_value());
    for (std::size_t at = 0; at < good.size(); at += 13) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        dir.write("map", bad);
        const auto reader = PageMapReader::open(dir / "map", kImage);
        CHECK((!reader || reader->page_bytes() != 4096));  // another page size is never used either
    }
    for (std::size_t n = 0; n < good.size(); n += 29) {
        dir.write("map", good.substr(0, n));
        CHECK_FALSE(PageMapReader::open(dir / "map", kImage).has_value());
    }
}

TEST_CASE("page_map: two writers for one map do not meet, the last one published stays") {
    holdfast::testing::TempDir dir;
    PageMapWriter first(dir / "map", kKey), second(dir / "map", kKey);
    second.publish(kImage, 4096, 0);
    first.publish(sha256("first"), 4096, 0);
    CHECK(PageMapReader::open(dir / "map", sha256("first")).has_value());
}
