// source/table_rows.hpp - the rows of each ordinary table of a database whose pages were counted.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "holdfast/source/row_counter.hpp"
#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

namespace detail {
inline constexpr const char* kOrdinaryTables =
    " FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
}  // namespace detail

/// `counter` has seen the whole image that `db` shows. A table whose pages are no tree is damaged, and named in `uncounted`;
/// nothing is counted if the schema cannot be read. Throws: interrupted.
inline std::map<std::string, std::int64_t> rows_of_tables(const Database& db, RowCounter& counter,
                                                          std::vector<std::string>& uncounted) {
    std::map<std::string, std::int64_t> counts;
    if (!counter.is_on()) return counts;
    try {
        Statement tables =
            db.prepare(("SELECT name, rootpage" + std::string(detail::kOrdinaryTables)).c_str());
        while (tables.step()) {
            const std::string name{tables.text(0)};
            if (const auto rows = counter.rows(static_cast<std::uint64_t>(tables.integer(1))))
                counts[name] = *rows;
            else
                uncounted.push_back(name);
        }
    } catch (const SqliteError&) {
        // A damaged schema is deep verification's business; counts are a convenience.
    }
    return counts;
}

}  // namespace holdfast
