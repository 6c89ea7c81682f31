// wrap/snappy.hpp - raw Snappy blocks: one call in, one call out.
//
// The decoder is told the exact plain size and refuses any other.
#pragma once

#include <snappy-c.h>

#include "holdfast/base/bytes.hpp"

namespace holdfast {

/// Decodes one block into exactly `plain.size()` bytes; false if the block is anything else.
inline bool decompress_snappy(ByteSpan block, std::span<std::byte> plain) {
    const auto* in = reinterpret_cast<const char*>(block.data());
    std::size_t n = 0;
    if (snappy_uncompressed_length(in, block.size(), &n) != SNAPPY_OK || n != plain.size()) return false;
    return snappy_uncompress(in, block.size(), reinterpret_cast<char*>(plain.data()), &n) == SNAPPY_OK &&
           n == plain.size();
}

}  // namespace holdfast
