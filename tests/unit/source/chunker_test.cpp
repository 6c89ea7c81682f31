#include "holdfast/source/chunker.hpp"

#include <doctest/doctest.h>

#include <set>

#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::noise;

namespace {

std::vector<Bytes> cut(ByteSpan data, std::size_t step) {
    Chunker chunker;
    std::vector<Bytes> chunks;
    std::size_t begin = 0, end = 0;
    while (end < data.size()) {
        end = std::min(data.size(), end + step);
        while (const auto n = chunker.find_cut(data.subspan(begin, end - begin))) {
            chunks.emplace_back(data.begin() + static_cast<std::ptrdiff_t>(begin),
                                data.begin() + static_cast<std::ptrdiff_t>(begin + *n));
            begin += *n;
        }
    }
    chunks.emplace_back(data.begin() + static_cast<std::ptrdiff_t>(begin), data.end());
    return chunks;
}

}  // namespace

TEST_CASE("chunker: cuts are the same however the stream arrives") {
    const Bytes data = noise(6'000'000);
    const auto chunks = cut(data, 1'000'003);
    CHECK(chunks == cut(data, 4'096));
    CHECK(chunks.size() > 10);
}

TEST_CASE("chunker: chunks stay within their limits, also in zeros") {
    for (const Bytes& data : {noise(6'000'000), Bytes(6'000'000)}) {
        const auto chunks = cut(data, 65'536);
        for (std::size_t i = 0; i + 1 < chunks.size(); ++i) {
            CHECK(chunks[i].size() >= kMinChunk);
            CHECK(chunks[i].size() <= kMaxChunk);
        }
    }
}

TEST_CASE("chunker: an insertion changes the chunks near it and no others") {
    const Bytes before = noise(16'000'000);
    Bytes after = before;
    after.insert(after.begin() + 3'000'000, std::byte{7});
    const auto old_chunks = cut(before, 65'536);
    const std::set<Bytes> known(old_chunks.begin(), old_chunks.end());
    std::size_t fresh = 0;
    for (const Bytes& chunk : cut(after, 65'536)) fresh += known.contains(chunk) ? 0 : 1;
    CHECK(fresh <= 3);
}
