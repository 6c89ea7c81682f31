// base/byte_cursor.hpp - reads untrusted bytes from front to back, never past their end.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"

namespace holdfast {

class ByteCursor {
public:
    /// `what` names the bytes in messages and is a literal. The bytes must outlive the cursor.
    ByteCursor(ByteSpan bytes, const char* what) : bytes_(bytes), what_(what) {}

    std::size_t left() const noexcept { return bytes_.size(); }
    ByteSpan rest() const noexcept { return bytes_; }
    const char* what() const noexcept { return what_; }

    /// The next `n` bytes. Throws: corrupt if there are fewer.
    ByteSpan take(std::uint64_t n) {
        if (n > bytes_.size()) fail("ends too early");
        const ByteSpan taken = bytes_.first(static_cast<std::size_t>(n));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }
    std::uint8_t byte() { return std::to_integer<std::uint8_t>(take(1)[0]); }
    template <std::unsigned_integral Number>
    Number little_endian() {
        Number value = 0;
        unsigned shift = 0;
        for (const std::byte b : take(sizeof(Number))) {
            value |= static_cast<Number>(std::to_integer<Number>(b) << shift);
            shift += 8;
        }
        return value;
    }
    /// ULEB128: seven bits a byte, the lowest first. Throws: corrupt, also beyond 64 bits.
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint64_t b = byte();
            if (shift == 63 && b > 1) break;
            value |= (b & 0x7FU) << shift;
            if (b < 0x80) return value;
        }
        fail("has a number of more than 64 bits");
    }
    /// A varint that counts 0, -1, 1, -2, 2.
    std::int64_t zigzag() {
        const std::uint64_t n = varint();
        return static_cast<std::int64_t>(n >> 1 ^ (~(n & 1U) + 1));
    }
    [[noreturn]] void fail(const std::string& why) const {
        throw Error(Kind::corrupt, std::string(what_) + " " + why);
    }

private:
    ByteSpan bytes_;
    const char* what_;
};

}  // namespace holdfast
