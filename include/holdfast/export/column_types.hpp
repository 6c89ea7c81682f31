// export/column_types.hpp - which type a column's file column has, and what a look at its values makes of it.
//
// SQLite's affinity rules (https://www.sqlite.org/datatype3.html, 3.1) say what is expected. Files with types (Parquet) need
// one type per column: where the affinity does not decide, or a value does not fit, the values do.
#pragma once

#include <algorithm>
#include <cctype>

#include "holdfast/base/text_scan.hpp"
#include "holdfast/export/row.hpp"

namespace holdfast {

enum class Affinity { integer, real, numeric, text, none };

inline Affinity affinity_of(std::string_view declared) {
    std::string type(declared);
    std::transform(type.begin(), type.end(), type.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
    if (has("INT")) return Affinity::integer;
    if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::text;
    if (has("BLOB") || type.empty() || type == "ANY") return Affinity::none;
    if (has("REAL") || has("FLOA") || has("DOUB")) return Affinity::real;
    return Affinity::numeric;
}

/// DATE, DATETIME, TIMESTAMP and the like: columns that may hold times.
inline bool is_declared_time(std::string_view declared) {
    if (declared.size() < 4) return false;
    std::string type(declared.substr(0, 9));
    std::transform(type.begin(), type.end(), type.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return type.starts_with("DATE") || type == "TIMESTAMP";
}

/// As declared; `is_decided` is false where only the values can tell.
struct DeclaredType {
    ColumnType type = ColumnType::text;
    CellRule cells = CellRule::text;
    bool is_decided = true;
};

inline DeclaredType declared_type(std::string_view declared) {
    switch (affinity_of(declared)) {
        case Affinity::integer: return {ColumnType::integer, CellRule::number, true};
        case Affinity::real: return {ColumnType::real, CellRule::number, true};
        case Affinity::text: return {ColumnType::text, CellRule::text, true};
        case Affinity::numeric: return {ColumnType::text, CellRule::number, false};
        case Affinity::none: break;
    }
    if (declared.size() >= 4) {
        std::string type(declared);
        for (char& c : type) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        if (type.find("BLOB") != std::string::npos) return {ColumnType::blob, CellRule::base64, true};
    }
    return {ColumnType::text, CellRule::number, false};
}

/// Does a column of this affinity make 5 of 5.0? Then integers may travel as reals.
inline bool makes_integers(Affinity affinity) {
    return affinity == Affinity::numeric || affinity == Affinity::integer;
}

/// What the values of one column were.
struct ValueKinds {
    bool has_integer = false, has_real = false, has_text = false, has_blob = false;
    bool has_wide_integer = false;  // that no double holds exactly
    bool has_odd_text = false;      // not UTF-8

    void add(const ExportValue& value) {
        switch (value.index()) {
            case 1: {
                const std::int64_t n = *std::get_if<std::int64_t>(&value);
                has_integer = true;
                has_wide_integer = has_wide_integer || n > kExact || n < -kExact;
                return;
            }
            case 2: has_real = true; return;
            case 3:
                has_text = true;
                has_odd_text = has_odd_text || !is_utf8_text(*std::get_if<std::string_view>(&value));
                return;
            case 4: has_blob = true; return;
            default: return;
        }
    }

private:
    static constexpr std::int64_t kExact = std::int64_t{1} << 53;
};

/// The narrowest type that holds all of them exactly; where none does, text whose cells are marked.
inline void settle_type(ExportColumn& column, const ValueKinds& kinds) {
    const bool has_number = kinds.has_integer || kinds.has_real;
    const int others = (kinds.has_text ? 1 : 0) + (kinds.has_blob ? 1 : 0);
    const Affinity affinity = affinity_of(column.declared);
    if (column.cells == CellRule::text || (!has_number && others == 0)) return;
    if (!has_number && others == 1) {
        column.type = kinds.has_blob ? ColumnType::blob : ColumnType::text;
        column.cells = kinds.has_blob ? CellRule::base64 : CellRule::text;
    } else if (others == 0 && !kinds.has_real) {
        column.type = ColumnType::integer;
    } else if (others == 0 && !kinds.has_integer) {
        column.type = ColumnType::real;
    } else if (others == 0 && makes_integers(affinity) && !kinds.has_wide_integer) {
        column.type = ColumnType::real;  // read back, 5.0 becomes 5 again by the same affinity
    } else {
        column.type = ColumnType::text;
        column.cells = CellRule::number;
    }
}

}  // namespace holdfast
