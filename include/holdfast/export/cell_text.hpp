// export/cell_text.hpp - values as cells of text, and back: written once, for the writer and for the reader.
//
// A plain cell is read by its column's CellRule. What that rule would not give back is marked by a backslash, a letter and a
// colon: \t: text, \i: integer, \r: real, \b: blob in base64, \u: bytes, in base64, of text that is not UTF-8.
#pragma once

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "holdfast/base/text_scan.hpp"
#include "holdfast/export/row.hpp"

namespace holdfast {

/// What did not go into a file as plain cells of its columns.
struct CellMarks {
    std::uint64_t not_utf8 = 0;    // texts
    std::uint64_t other_type = 0;  // values of another type than their column
    std::uint64_t infinite = 0;    // reals
};

inline constexpr std::string_view kCellMarks = "tirbu";

inline bool has_cell_mark(std::string_view cell) {
    return cell.size() >= 3 && cell[0] == '\\' && cell[2] == ':' &&
           kCellMarks.find(cell[1]) != std::string_view::npos;
}

/// An integer: [-]digits without leading zeros, in 64 bits. A real: digits with a point or an exponent, or Infinity.
/// Anything else, " 1", "+1", "007", "1.", "0x1F", is no number but text.
inline ExportValue number_of_cell(std::string_view cell) {
    std::string_view digits = cell;
    if (digits.starts_with('-')) digits.remove_prefix(1);
    if (digits == "Infinity")
        return cell[0] == '-' ? -std::numeric_limits<double>::infinity()
                              : std::numeric_limits<double>::infinity();
    const auto run = [&] {
        std::size_t n = 0;
        while (n < digits.size() && digits[n] >= '0' && digits[n] <= '9') ++n;
        const std::size_t was = n;
        digits.remove_prefix(n);
        return was;
    };
    const bool leading_zero = digits.starts_with('0');
    const std::size_t whole = run();
    if (whole == 0 || (leading_zero && whole > 1)) return {};
    const char* const end = cell.data() + cell.size();
    if (digits.empty()) {
        std::int64_t integer = 0;
        const auto [at, error] = std::from_chars(cell.data(), end, integer);
        if (error != std::errc{} || cell == "-0") return {};
        return integer;
    }
    if (digits[0] == '.') {
        digits.remove_prefix(1);
        if (run() == 0) return {};
    }
    if (!digits.empty() && (digits[0] == 'e' || digits[0] == 'E')) {
        digits.remove_prefix(1);
        if (!digits.empty() && (digits[0] == '+' || digits[0] == '-')) digits.remove_prefix(1);
        if (run() == 0) return {};
    }
    double real = 0;
    if (!digits.empty() || std::from_chars(cell.data(), end, real).ec != std::errc{}) return {};
    return real;
}

inline bool reads_as_number(std::string_view cell) {
    return !cell.empty() && !std::holds_alternative<std::monostate>(number_of_cell(cell));
}

/// The value of a cell that is not NULL. `is_quoted` text is never a number. `room` keeps decoded bytes. Nothing if a
/// mark or base64 is malformed.
inline std::optional<ExportValue> value_of_cell(std::string_view cell, CellRule rule, bool is_quoted,
                                                std::string& room) {
    const auto bytes = [&](std::string_view text) -> std::optional<ExportValue> {
        std::optional<std::string> decoded = from_base64(text);
        if (!decoded) return std::nullopt;
        room = *std::move(decoded);
        return ExportValue{as_bytes(room)};
    };
    if (has_cell_mark(cell)) {
        const std::string_view rest = cell.substr(3);
        switch (cell[1]) {
            case 't': return ExportValue{rest};
            case 'b': return bytes(rest);
            case 'u': return bytes(rest) ? std::optional<ExportValue>{std::string_view(room)} : std::nullopt;
            default: {
                const ExportValue number = number_of_cell(rest);
                const bool fits = cell[1] == 'i' ? std::holds_alternative<std::int64_t>(number)
                                                 : std::holds_alternative<double>(number);
                return fits ? std::optional(number) : std::nullopt;
            }
        }
    }
    if (rule == CellRule::base64) return bytes(cell);
    if (rule == CellRule::number && !is_quoted) {
        const ExportValue number = number_of_cell(cell);
        if (!std::holds_alternative<std::monostate>(number)) return number;
    }
    return ExportValue{cell};
}

}  // namespace holdfast
