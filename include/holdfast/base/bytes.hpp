// base/bytes.hpp - byte buffers, hexadecimal and base64.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;
/// A stream to read: fills the span from its front and says how much; 0 is the end.
using PullBytes = std::function<std::size_t(std::span<std::byte>)>;

inline ByteSpan as_bytes(std::string_view text) {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}
inline std::string_view as_text(ByteSpan bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string to_hex(ByteSpan bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::byte b : bytes) {
        out += kDigits[std::to_integer<unsigned>(b) >> 4];
        out += kDigits[std::to_integer<unsigned>(b) & 15U];
    }
    return out;
}

/// Lower-case hexadecimal of exactly `out.size()` bytes; false leaves `out` undefined.
inline bool from_hex(std::string_view text, std::span<std::byte> out) {
    if (text.size() != out.size() * 2) return false;
    static constexpr auto kDigits = [] {  // a prune reads millions of names
        std::array<std::uint8_t, 256> digits{};
        digits.fill(0xFF);
        for (std::uint8_t i = 0; i < 16; ++i) digits[static_cast<unsigned char>("0123456789abcdef"[i])] = i;
        return digits;
    }();
    unsigned all = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const unsigned high = kDigits[static_cast<unsigned char>(text[2 * i])];
        const unsigned low = kDigits[static_cast<unsigned char>(text[2 * i + 1])];
        all |= high | low;
        out[i] = static_cast<std::byte>(high << 4U | low);
    }
    return all < 16;
}

/// RFC 4648 with padding; for names that are not UTF-8.
inline std::string to_base64(std::string_view in) {
    static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < in.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group <<= 8;
            if (i + k < in.size()) group |= static_cast<unsigned char>(in[i + k]);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            const bool pad = i + k > in.size();
            out += pad ? '=' : kDigits[(group >> (18 - 6 * k)) & 63U];
        }
    }
    return out;
}

inline std::optional<std::string> from_base64(std::string_view in) {
    if (in.size() % 4 != 0) return std::nullopt;
    const auto value = [](char c) -> int {
        if (c >= 'A' && c <= 'Z') return c - 'A';
        if (c >= 'a' && c <= 'z') return c - 'a' + 26;
        if (c >= '0' && c <= '9') return c - '0' + 52;
        if (c == '+') return 62;
        return c == '/' ? 63 : -1;
    };
    std::string out;
    for (std::size_t i = 0; i < in.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t padding = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const bool last = i + 4 == in.size();
            const bool pad = last && k >= 2 && in[i + k] == '=';
            if (!pad && padding != 0) return std::nullopt;
            const int v = pad ? 0 : value(in[i + k]);
            if (v < 0) return std::nullopt;
            padding += pad ? 1 : 0;
            group = group << 6 | static_cast<std::uint32_t>(v);
        }
        for (std::size_t k = 0; k < 3 - padding; ++k) out += static_cast<char>(group >> (16 - 8 * k) & 255U);
    }
    return out;
}

}  // namespace holdfast
