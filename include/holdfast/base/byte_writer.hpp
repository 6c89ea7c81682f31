// base/byte_writer.hpp - numbers appended to a byte buffer, as byte_cursor.hpp reads them.
#pragma once

#include <concepts>
#include <cstdint>

#include "holdfast/base/bytes.hpp"

namespace holdfast {

inline void append(Bytes& out, ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

template <std::unsigned_integral Number>
void append_little_endian(Bytes& out, Number value) {
    std::array<std::byte, sizeof(Number)> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(value >> (8 * i) & 0xFFU);
    append(out, bytes);
}

/// ULEB128: seven bits a byte, the lowest first.
inline void append_varint(Bytes& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80U));
    out.push_back(static_cast<std::byte>(value));
}

/// A varint that counts 0, -1, 1, -2, 2.
inline void append_zigzag(Bytes& out, std::int64_t value) {
    const auto n = static_cast<std::uint64_t>(value);
    append_varint(out, n << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

}  // namespace holdfast
