// base/glob.hpp - shell patterns over paths, in linear space and without recursion blow-ups.
//
// `*` and `?` stop at '/', `**` crosses it, `[a-z]` and `[!a-z]` are sets, `\` quotes. Backtracking keeps one
// position per kind of star, so matching costs at most |pattern| x |text|, whatever the pattern.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

namespace detail {
/// Matches one character class at pattern[p] == '['; moves p past it. A broken class matches '[' itself.
inline bool match_set(std::string_view pattern, std::size_t& p, char c) {
    std::size_t i = p + 1;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    if (negated) ++i;
    bool hit = false;
    for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
        const char low = pattern[i];
        char high = low;
        if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
            high = pattern[i + 2];
            i += 2;
        }
        hit = hit || (static_cast<unsigned char>(low) <= static_cast<unsigned char>(c) &&
                      static_cast<unsigned char>(c) <= static_cast<unsigned char>(high));
        ++i;
    }
    if (i >= pattern.size()) {
        ++p;
        return c == '[';
    }
    p = i + 1;
    return hit != negated && c != '/';
}
/// Matches one character at pattern[p]; moves p past what matched it, leaves p alone otherwise.
inline bool match_one(std::string_view pattern, std::size_t& p, char c) {
    std::size_t next = p;
    bool hit = false;
    if (pattern[p] == '[') {
        hit = match_set(pattern, next, c);
    } else {
        const bool any = pattern[p] == '?';
        if (pattern[p] == '\\' && p + 1 < pattern.size()) ++next;
        hit = any ? c != '/' : pattern[next] == c;
        ++next;
    }
    if (hit) p = next;
    return hit;
}
}  // namespace detail

/// Does the whole `text` match the whole `pattern`?
inline bool glob_match(std::string_view pattern, std::string_view text) {
    constexpr std::size_t kNone = std::string_view::npos;
    std::size_t p = 0, t = 0;
    std::size_t star_p = kNone, star_t = 0;  // last '*': where to resume in pattern and text
    std::size_t deep_p = kNone, deep_t = 0;  // last '**'
    bool deep_by_part = false;               // it was "**/": resume only behind a '/'
    for (;;) {
        if (pattern.substr(p).starts_with("**")) {
            deep_by_part = pattern.substr(p).starts_with("**/") && (p == 0 || pattern[p - 1] == '/');
            deep_p = p += deep_by_part ? 3 : 2;
            deep_t = t;
            star_p = kNone;
            continue;
        }
        if (p < pattern.size() && pattern[p] == '*') {
            star_p = ++p;
            star_t = t;
            continue;
        }
        if (t == text.size() && p == pattern.size()) return true;
        if (t < text.size() && p < pattern.size() && detail::match_one(pattern, p, text[t])) {
            ++t;
            continue;
        }
        if (star_p != kNone && star_t < text.size() && text[star_t] != '/') {
            p = star_p;
            t = ++star_t;
            continue;
        }
        if (deep_p == kNone || deep_t >= text.size()) return false;
        if (deep_by_part) {
            deep_t = text.find('/', deep_t);
            if (deep_t == kNone) return false;
        }
        p = deep_p;
        t = ++deep_t;
        star_p = kNone;
    }
}

inline bool has_glob(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

/// `text` as a pattern that matches exactly itself.
inline std::string quote_glob(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '*' || c == '?' || c == '[' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

/// A pattern without '/' is held against the last part of the path, one with '/' against all of it.
/// A pattern that names a folder also covers what lies in it.
inline bool glob_covers(std::string_view pattern, std::string_view path) {
    while (pattern.ends_with('/')) pattern.remove_suffix(1);
    while (pattern.starts_with("./")) pattern.remove_prefix(2);
    const bool by_name = pattern.find('/') == std::string_view::npos;
    for (std::string_view p = path;;) {
        const std::size_t slash = p.rfind('/');
        const std::string_view name = slash == std::string_view::npos ? p : p.substr(slash + 1);
        if (glob_match(pattern, by_name ? name : p)) return true;
        if (slash == std::string_view::npos) return false;
        p = p.substr(0, slash);
    }
}

inline bool any_glob_covers(const std::vector<std::string>& patterns, std::string_view path) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& p) { return glob_covers(p, path); });
}

}  // namespace holdfast
