// store/cache_tables.hpp - the shape of the cache's database.
//
// A cache whose tables are not exactly these is of another version, or somebody changed it: it is made anew, never
// converted, because everything in it can be found out again.
#pragma once

#include <string>
#include <utility>

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

inline constexpr int kCacheVersion = 3;  // raise it when the same columns come to mean something else

inline constexpr std::pair<const char*, const char*> kCacheTables[] = {
    {"object",
     "CREATE TABLE object(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, stored_bytes INTEGER NOT NULL)"},
    {"chunk",
     "CREATE TABLE chunk(digest BLOB PRIMARY KEY, object INTEGER NOT NULL, offset INTEGER NOT NULL,"
     " length INTEGER NOT NULL) WITHOUT ROWID"},
    {"segment",
     "CREATE TABLE segment(key BLOB PRIMARY KEY, recipe TEXT NOT NULL, index_lines TEXT NOT NULL,"
     " seen INTEGER NOT NULL)"},
    {"unchanged",
     "CREATE TABLE unchanged(component TEXT PRIMARY KEY, key BLOB NOT NULL, snapshot TEXT NOT NULL)"},
    {"made", "CREATE TABLE made(snapshot TEXT PRIMARY KEY, manifest BLOB NOT NULL)"},
    {"checked",
     "CREATE TABLE checked(component TEXT PRIMARY KEY, key BLOB NOT NULL, findings TEXT NOT NULL)"},
    {"object_use",
     "CREATE TABLE object_use(component TEXT, object BLOB, used_bytes INTEGER NOT NULL,"
     " plain_bytes INTEGER NOT NULL, PRIMARY KEY(component, object)) WITHOUT ROWID"},
};

/// Throws SqliteError: the file is damaged.
inline bool has_cache_tables(const Database& db) {
    if (db.query_integer("PRAGMA user_version") != kCacheVersion) return false;
    Statement q = db.prepare("SELECT sql FROM sqlite_schema WHERE name = ?1");
    for (const auto& [name, sql] : kCacheTables) {
        q.reset();
        q.bind(1, std::string_view(name));
        if (!q.step() || q.text(0) != sql) return false;
    }
    return true;
}

/// Makes empty tables unless they are there; true if it did. Throws SqliteError.
inline bool ensure_cache_tables(const Database& db) {
    if (has_cache_tables(db)) return false;
    db.execute("BEGIN IMMEDIATE");
    const bool is_needed = !has_cache_tables(db);  // another run may have been faster
    if (is_needed) {
        std::string make;
        for (const auto& [name, sql] : kCacheTables)
            make += "DROP TABLE IF EXISTS " + std::string(name) + "; " + sql + ";";
        db.execute((make + "PRAGMA user_version = " + std::to_string(kCacheVersion)).c_str());
    }
    db.execute("COMMIT");
    return is_needed;
}

}  // namespace holdfast
