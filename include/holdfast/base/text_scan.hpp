// base/text_scan.hpp - text looked at sixteen bytes at a time: most of it is plain.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "holdfast/base/text.hpp"

namespace holdfast {

/// Which ASCII characters are not plain, besides control characters; the first one again where there are fewer.
struct Special {
    char a, b, c;
};

namespace detail {
using Sixteen = std::uint8_t __attribute__((vector_size(16)));

inline Sixteen load_sixteen(const char* at) {
    Sixteen block;
    std::memcpy(&block, at, sizeof block);
    return block;
}
inline bool any(Sixteen mask) {
    std::uint64_t halves[2];
    std::memcpy(halves, &mask, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}
inline Sixteen specials(Sixteen block, Special s) {
    const auto same = [&](char c) { return block == static_cast<std::uint8_t>(c); };
    return reinterpret_cast<Sixteen>((block < std::uint8_t{0x20}) | (block >= std::uint8_t{0x80}) |
                                     same(s.a) | same(s.b) | same(s.c));
}
inline bool is_special(char c, Special s) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte >= 0x80 || c == s.a || c == s.b || c == s.c;
}
}  // namespace detail

/// Is every byte printable ASCII (or DEL) and none special?
inline bool is_plain(std::string_view text, Special special) {
    const char* at = text.data();
    std::size_t left = text.size();
    if (left >= 16) {
        for (; left > 16; at += 16, left -= 16)
            if (detail::any(detail::specials(detail::load_sixteen(at), special))) return false;
        return !detail::any(detail::specials(detail::load_sixteen(at + left - 16), special));
    }
    for (; left > 0; ++at, --left)
        if (detail::is_special(*at, special)) return false;
    return true;
}

/// What CSV must know of a text, from one look at it.
enum class TextKind {
    plain,      // printable ASCII
    separated,  // the same, with commas
    odd,        // anything else: quotes, backslashes, line breaks, bytes beyond ASCII
};

inline TextKind kind_of_text(std::string_view text) {
    const char* at = text.data();
    std::size_t left = text.size();
    bool has_comma = false;
    if (left >= 16) {
        detail::Sixteen odd{}, commas{};
        const auto look = [&](const char* from) {
            const detail::Sixteen block = detail::load_sixteen(from);
            odd |= detail::specials(block, {'"', '\\', '\\'});
            commas |= reinterpret_cast<detail::Sixteen>(block == std::uint8_t{','});
        };
        for (; left > 16; at += 16, left -= 16) look(at);
        look(at + left - 16);
        if (detail::any(odd)) return TextKind::odd;
        return detail::any(commas) ? TextKind::separated : TextKind::plain;
    }
    for (; left > 0; ++at, --left) {
        if (detail::is_special(*at, {'"', '\\', '\\'})) return TextKind::odd;
        has_comma = has_comma || *at == ',';
    }
    return has_comma ? TextKind::separated : TextKind::plain;
}

/// How many bytes at the front are plain.
inline std::size_t plain_prefix(std::string_view text, Special special) {
    std::size_t at = 0;
    while (text.size() - at >= 16 &&
           !detail::any(detail::specials(detail::load_sixteen(text.data() + at), special)))
        at += 16;
    while (at < text.size() && !detail::is_special(text[at], special)) ++at;
    return at;
}

/// is_utf8(), fast where the text is ASCII.
inline bool is_utf8_text(std::string_view text) {
    while (!text.empty()) {
        while (text.size() >= 16 && !detail::any(reinterpret_cast<detail::Sixteen>(
                                        detail::load_sixteen(text.data()) >= std::uint8_t{0x80})))
            text.remove_prefix(16);
        for (std::size_t i = 0; i < 16 && !text.empty(); ++i) {
            const std::size_t n = utf8_sequence(text);
            if (n == 0) return false;
            text.remove_prefix(n);
        }
    }
    return true;
}

}  // namespace holdfast
