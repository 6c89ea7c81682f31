// export/text_buffer.hpp - text on its way out, in pieces: numbers are written in place.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include "holdfast/base/units.hpp"
#include "holdfast/export/row.hpp"

namespace holdfast {

inline constexpr std::size_t kMaxNumberText = 32;

namespace detail {
/// A number of few digits, such as a price; null if it is none. Whole / 10^4 is correctly rounded, and decimals of up to 15 digits
/// are never two for one double: a decimal that gives the number back is the shortest one, its trailing zeros aside.
inline char* write_short_real(char* to, double number) {
    const double scaled = number * 1e4;
    if (!(scaled > -1e15 && scaled < 1e15)) return nullptr;
    auto whole = static_cast<std::int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    if (static_cast<double>(whole) / 1e4 != number || whole == 0) return nullptr;  // zero has a sign
    if (whole < 0) {
        *to++ = '-';
        whole = -whole;
    }
    char* end = std::to_chars(to, to + kMaxNumberText, whole / 10'000).ptr;
    auto rest = static_cast<unsigned>(whole % 10'000);
    *end++ = '.';
    do {
        *end++ = static_cast<char>('0' + rest / 1000);
        rest = rest % 1000 * 10;
    } while (rest != 0);
    return end;
}
}  // namespace detail

/// The shortest text that reads as exactly this number, and never as an integer; returns its end.
inline char* write_real(char* to, double number) {
    if (!std::isfinite(number)) {
        const std::string_view word = number < 0 ? "-Infinity" : "Infinity";  // SQLite keeps no NaN
        return std::copy(word.begin(), word.end(), to);
    }
    if (char* const end = detail::write_short_real(to, number)) return end;
    char* end = std::to_chars(to, to + kMaxNumberText, number).ptr;
    const std::string_view digits(to, static_cast<std::size_t>(end - to));
    if (digits.find_first_of(".e") == std::string_view::npos) {
        *end++ = '.';
        *end++ = '0';
    }
    return end;
}

class TextBuffer {
public:
    explicit TextBuffer(ByteSink out) : out_(std::move(out)) {}

    void put(char c) {
        if (at_ == kBytes) flush();
        bytes_[at_++] = c;
    }
    void put(std::string_view text) {
        if (kBytes - at_ < text.size()) {
            flush();
            if (text.size() > kBytes) return out_(as_bytes(text));
        }
        std::memcpy(bytes_.get() + at_, text.data(), text.size());
        at_ += text.size();
    }
    void put(std::int64_t number) {
        char* const to = room();
        at_ += static_cast<std::size_t>(std::to_chars(to, to + kMaxNumberText, number).ptr - to);
    }
    void put(double number) {
        char* const to = room();
        at_ += static_cast<std::size_t>(write_real(to, number) - to);
    }
    void put_base64(ByteSpan bytes) {
        constexpr std::size_t kPiece = 3 * 4096;
        for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kPiece)))
            put(to_base64(as_text(bytes.first(std::min(bytes.size(), kPiece)))));
    }
    void flush() {
        if (at_ > 0) out_({reinterpret_cast<const std::byte*>(bytes_.get()), std::exchange(at_, 0)});
    }

private:
    static constexpr std::size_t kBytes = 128_KiB;

    char* room() {
        if (kBytes - at_ < kMaxNumberText + 2) flush();
        return bytes_.get() + at_;
    }
    ByteSink out_;
    std::unique_ptr<char[]> bytes_ = std::make_unique<char[]>(kBytes);
    std::size_t at_ = 0;
};

}  // namespace holdfast
