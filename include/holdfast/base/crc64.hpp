// base/crc64.hpp - the CRC-64 of Jones, as Redis ends its dumps with.
#pragma once

#include <array>
#include <cstdint>

#include "holdfast/base/bytes.hpp"

namespace holdfast {

namespace detail {
/// kTables[k][b] is the sum of byte b with k zero bytes behind it: eight bytes are summed in one step.
inline constexpr auto kCrc64Tables = [] {
    std::array<std::array<std::uint64_t, 256>, 8> out{};
    for (std::uint64_t byte = 0; byte < 256; ++byte) {
        std::uint64_t sum = byte;
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x95ac9329ac4bc9b5ULL : 0);  // 0xad93d23594c935a9, reflected
        out[0][byte] = sum;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t byte = 0; byte < 256; ++byte)
            out[k][byte] = out[0][out[k - 1][byte] & 0xFF] ^ (out[k - 1][byte] >> 8);
    return out;
}();
}  // namespace detail

/// The sum of what was summed up as `crc` with `bytes` behind it.
inline std::uint64_t crc64(std::uint64_t crc, ByteSpan bytes) {
    const auto& tables = detail::kCrc64Tables;
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        for (std::size_t k = 0; k < 8; ++k)
            crc ^= static_cast<std::uint64_t>(std::to_integer<std::uint8_t>(bytes[at + k])) << (8 * k);
        std::uint64_t next = 0;
        for (std::size_t k = 0; k < 8; ++k) next ^= tables[7 - k][(crc >> (8 * k)) & 0xFF];
        crc = next;
    }
    for (; at < bytes.size(); ++at)
        crc = tables[0][(crc ^ std::to_integer<std::uint8_t>(bytes[at])) & 0xFF] ^ (crc >> 8);
    return crc;
}

}  // namespace holdfast
