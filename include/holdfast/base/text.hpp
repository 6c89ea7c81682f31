// base/text.hpp - text that may hold anything, made safe to print.
//
// File names and SQLite's own messages can carry control characters and bytes that are not UTF-8. What
// people or JSON readers see goes through here, so that an alert about damage is never damaged itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast {

/// Length of the valid UTF-8 sequence at the front (RFC 3629: no surrogates, no overlong forms); 0 if none.
inline std::size_t utf8_sequence(std::string_view s) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    if (s.empty()) return 0;
    const unsigned char lead = at(0);
    const std::size_t n = lead < 0x80                   ? 1
                          : lead >= 0xC2 && lead < 0xE0 ? 2
                          : lead >= 0xE0 && lead < 0xF0 ? 3
                          : lead >= 0xF0 && lead < 0xF5 ? 4
                                                        : 0;
    if (n == 0 || s.size() < n) return 0;
    for (std::size_t i = 1; i < n; ++i)
        if ((at(i) & 0xC0U) != 0x80) return 0;
    if ((lead == 0xE0 && at(1) < 0xA0) || (lead == 0xED && at(1) > 0x9F) || (lead == 0xF0 && at(1) < 0x90) ||
        (lead == 0xF4 && at(1) > 0x8F))
        return 0;
    return n;
}

inline bool is_utf8(std::string_view s) {
    while (!s.empty()) {
        const std::size_t n = utf8_sequence(s);
        if (n == 0) return false;
        s.remove_prefix(n);
    }
    return true;
}

/// A mark that turns the direction of what follows it: it can make "gpj.exe" out of "exe.jpg".
inline bool is_direction_mark(std::string_view character) {
    if (character == "\xD8\x9C") return true;  // U+061C
    if (character.size() != 3 || character[0] != '\xE2') return false;
    const auto last = static_cast<unsigned char>(character[2]);
    if (character[1] == '\x80') return last == 0x8E || last == 0x8F || (last >= 0xAA && last <= 0xAE);
    return character[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

/// Control characters (C0, DEL and C1, which terminals obey), marks of direction and bytes outside UTF-8 become \xHH.
inline std::string printable(std::string_view s) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    while (!s.empty()) {
        std::size_t n = utf8_sequence(s);
        const auto first = static_cast<unsigned char>(s[0]);
        const bool control = first < 0x20 || first == 0x7F ||
                             (n == 2 && first == 0xC2 && static_cast<unsigned char>(s[1]) < 0xA0) ||
                             is_direction_mark(s.substr(0, n));
        if (n != 0 && !control) {
            out.append(s.substr(0, n));
        } else {
            n = std::max<std::size_t>(n, 1);
            for (const char c : s.substr(0, n)) {
                const auto byte = static_cast<unsigned char>(c);
                out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15U]};
            }
        }
        s.remove_prefix(n);
    }
    return out;
}

/// printable(), line by line: newlines and tabs stay.
inline std::string printable_lines(std::string_view s) {
    std::string out;
    for (;;) {
        const std::size_t at = s.find_first_of("\n\t");
        out += printable(s.substr(0, at));
        if (at == std::string_view::npos) return out;
        out += s[at];
        s.remove_prefix(at + 1);
    }
}

/// Where the character begins that `at` is in the middle of; `at` itself if it is in none.
inline std::size_t character_start(std::string_view s, std::size_t at) {
    for (std::size_t back = 1; back < 4 && back <= at; ++back)
        if (utf8_sequence(s.substr(at - back)) > back) return at - back;
    return at;
}

inline std::string in_quotes(std::string_view s) { return "'" + printable(s) + "'"; }
// Exact matches for std::string: otherwise std::quoted, found through its argument, would be chosen.
inline std::string in_quotes(const std::string& s) { return in_quotes(std::string_view{s}); }
inline std::string in_quotes(std::string& s) { return in_quotes(std::string_view{s}); }
inline std::string in_quotes(const char* s) { return in_quotes(std::string_view{s}); }

inline std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

/// Columns on a terminal, counting one per code point.
inline std::size_t display_width(std::string_view s) {
    return static_cast<std::size_t>(
        std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// Edits (insert, delete, replace) between two short words.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

/// A hint for a mistyped word: the one nearest word, or all that are known.
inline std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
    std::string list;
    const std::string* nearest = nullptr;
    std::size_t best = 3;  // three edits away is another word
    for (const std::string& k : known) {
        list += (list.empty() ? "" : ", ") + k;
        const std::size_t d = word.size() > 64 ? best : edit_distance(word, k);
        if (d < best && d < k.size()) {
            best = d;
            nearest = &k;
        }
    }
    return nearest != nullptr ? "did you mean '" + *nearest + "'?" : "known here: " + list;
}

}  // namespace holdfast
