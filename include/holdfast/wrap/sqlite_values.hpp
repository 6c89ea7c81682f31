// wrap/sqlite_values.hpp - whole rows with the types that SQLite stored, out of a query and into a statement.
//
// Nothing is converted: what was stored as an integer is one, and text keeps its bytes (in a database of UTF-16, those of
// its UTF-8). Views are valid until the statement steps again.
#pragma once

#include <new>
#include <span>
#include <variant>

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

using SqliteValue = std::variant<std::monostate, std::int64_t, double, std::string_view, ByteSpan>;

/// A column's value is looked up once: its type, its bytes and their number would be three look-ups. SQLite calls such a value
/// unprotected because another thread might use the connection; ours belong to one thread.
inline void read_value(sqlite3_value* value, SqliteValue& out) {
    switch (sqlite3_value_type(value)) {
        case SQLITE_INTEGER: out = std::int64_t{sqlite3_value_int64(value)}; return;
        case SQLITE_FLOAT: out = sqlite3_value_double(value); return;
        case SQLITE_TEXT: {
            const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
            if (text == nullptr) throw std::bad_alloc();  // of what it would have been converted into
            out = std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
            return;
        }
        case SQLITE_BLOB: {
            const auto* blob = static_cast<const std::byte*>(sqlite3_value_blob(value));
            out = ByteSpan(blob, static_cast<std::size_t>(sqlite3_value_bytes(value)));
            return;
        }
        default: out = std::monostate{}; return;
    }
}

/// The present row; `out` has a place for each column of it.
inline void read_row(const Statement& row, std::span<SqliteValue> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
        read_value(sqlite3_column_value(row.get(), static_cast<int>(i)), out[i]);
}

/// `at` counts from 1. The bytes of texts and blobs must stay until the statement was stepped. Throws SqliteError.
inline void bind_value(Statement& statement, int at, const SqliteValue& value) {
    sqlite3_stmt* const stmt = statement.get();
    int rc = SQLITE_OK;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        rc = sqlite3_bind_int64(stmt, at, *integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
        rc = sqlite3_bind_double(stmt, at, *real);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
        rc = sqlite3_bind_text64(stmt, at, text->data() == nullptr ? "" : text->data(), text->size(),
                                 SQLITE_STATIC, SQLITE_UTF8);
    } else if (const auto* blob = std::get_if<ByteSpan>(&value)) {
        rc = blob->empty() ? sqlite3_bind_zeroblob(stmt, at, 0)  // a null pointer would be NULL
                           : sqlite3_bind_blob64(stmt, at, blob->data(), blob->size(), SQLITE_STATIC);
    } else {
        rc = sqlite3_bind_null(stmt, at);
    }
    if (rc != SQLITE_OK) Statement::check(sqlite3_db_handle(stmt), rc, "bind a value");
}

inline int column_count(const Statement& query) { return sqlite3_column_count(query.get()); }
inline std::string column_name(const Statement& query, int column) {
    const char* name = sqlite3_column_name(query.get(), column);
    return name == nullptr ? std::string{} : name;
}
/// The type in CREATE TABLE of the column that a result column is taken from; empty for expressions.
inline std::string column_declared(const Statement& query, int column) {
    const char* declared = sqlite3_column_decltype(query.get(), column);
    return declared == nullptr ? std::string{} : declared;
}

/// A name in SQL, whatever is in it.
inline std::string sql_name(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

}  // namespace holdfast
