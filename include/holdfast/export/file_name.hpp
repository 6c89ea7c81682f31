// export/file_name.hpp - the file of a table: <table>_<YYYYMMDD>.<extension>, safe on any file system.
//
// ASCII letters, digits, '-', '_', '.', and UTF-8 beyond ASCII stay; other bytes become %HH, '%' and '~' too, so two tables
// never share a file. A name that would be longer than 255 bytes is cut and ends in '~' and a digest of the whole.
#pragma once

#include <string>

#include "holdfast/base/text.hpp"
#include "holdfast/wrap/digest.hpp"

namespace holdfast {

inline constexpr std::size_t kMaxFileName = 255;

/// `suffix` is what follows the table's part: "_20261120.csv.gz".
inline std::string export_file_name(std::string_view table, const std::string& suffix) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    const auto is_kept = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.';
    };
    constexpr std::size_t kMark = 1 + 16;
    const std::size_t most = kMaxFileName - suffix.size();
    std::string name;
    std::size_t cut = 0;  // the longest front that leaves room for the mark
    for (std::string_view rest = table; !rest.empty();) {
        const std::size_t n = std::max<std::size_t>(utf8_sequence(rest), 1);
        const bool is_control = n == 2 && rest[0] == '\xC2' && static_cast<unsigned char>(rest[1]) < 0xA0;
        const bool leads =
            name.empty() && (rest[0] == '.' || rest[0] == '-');  // hidden, or taken for an option
        if ((n > 1 && !is_control) || (n == 1 && is_kept(rest[0]) && !leads)) {
            name += rest.substr(0, n);
        } else {
            for (const char c : rest.substr(0, n)) {
                const auto byte = static_cast<unsigned char>(c);
                name += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
            }
        }
        rest.remove_prefix(n);
        if (name.size() + kMark <= most) cut = name.size();
    }
    if (name.size() > most) name = name.substr(0, cut) + "~" + sha256(table).hex().substr(0, kMark - 1);
    return name + suffix;
}

}  // namespace holdfast
