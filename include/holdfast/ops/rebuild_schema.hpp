// ops/rebuild_schema.hpp - CREATE statements of somebody else, carried out in a new database and nowhere else.
//
// An authorizer lets nothing but definitions through, one statement at a time. Virtual tables are entered into the schema
// as they were, for their shadow tables hold what they are; their modules are not run.
#pragma once

#include "holdfast/export/export_index.hpp"
#include "holdfast/wrap/sqlite_authorizer.hpp"

namespace holdfast::ops {

namespace detail {

inline bool is_virtual_table(std::string_view sql) {
    std::string begin;
    for (const char c : sql.substr(0, 40)) begin += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return begin.starts_with("CREATE VIRTUAL TABLE");
}
inline bool is_internal(const SchemaEntry& e) { return e.name.starts_with("sqlite_"); }

/// One statement, which must be a definition. Throws: corrupt with the statement's name.
inline void define(const Database& db, const SchemaEntry& entry) {
    try {
        const SqliteAuthorizer authorizer(db, SqliteAuthorizer::Allow::definitions);
        const char* rest = nullptr;
        Statement statement(db.get(), entry.sql.c_str(), &rest);
        if (statement.is_empty() || !Statement(db.get(), rest).is_empty())
            throw Error(Kind::corrupt,
                        "the definition of " + in_quotes(entry.name) + " is not one statement");
        statement.step();
    } catch (const SqliteError& e) {
        throw Error(Kind::corrupt,
                    "the definition of " + in_quotes(entry.name) + " was not carried out: " + e.what(),
                    "nothing was changed; see \"schema\" in export.json");
    }
}

inline void enter_virtual_table(const Database& db, const SchemaEntry& entry) {
    db.execute("PRAGMA writable_schema=ON");
    Statement insert = db.prepare(
        "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) VALUES('table', ?1, ?1, 0, ?2)");
    insert.bind(1, std::string_view(entry.name));
    insert.bind(2, std::string_view(entry.sql));
    insert.step();
    db.execute("PRAGMA writable_schema=OFF");
}

}  // namespace detail

/// What must be set before the first table. Throws SqliteError.
inline void begin_database(const Database& db, const ExportedDatabase& facts) {
    db.execute(
        ("PRAGMA page_size=" + std::to_string(facts.page_bytes) + "; PRAGMA encoding='" + facts.encoding +
         "'; PRAGMA auto_vacuum=" + std::to_string(facts.auto_vacuum) +
         "; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA "
         "trusted_schema=OFF;"
         " PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON; PRAGMA cache_size=-65536; BEGIN")
            .c_str());
}

/// The tables, before their rows.
inline void define_tables(const Database& db, const ExportedDatabase& facts) {
    for (const SchemaEntry& e : facts.schema)
        if (e.type == "table" && !detail::is_internal(e) && !detail::is_virtual_table(e.sql))
            detail::define(db, e);
}

/// Everything else, after the rows: indexes are filled at once, triggers do not fire. What cannot be made (a collation or
/// function that only the application has) is named in `missing`.
inline void define_rest(const Database& db, const ExportedDatabase& facts, std::vector<std::string>& missing) {
    for (const char* type : {"index", "view", "trigger"})
        for (const SchemaEntry& e : facts.schema) {
            if (e.type != type) continue;
            try {
                detail::define(db, e);
            } catch (const Error& error) {
                missing.push_back(error.what());
            }
        }
    for (const SchemaEntry& e : facts.schema)
        if (e.type == "table" && detail::is_virtual_table(e.sql)) detail::enter_virtual_table(db, e);
    if (!facts.sequences.empty()) {
        db.execute("DELETE FROM sqlite_sequence");
        Statement insert = db.prepare("INSERT INTO sqlite_sequence(name, seq) VALUES(?, ?)");
        for (const auto& [table, last] : facts.sequences) {
            insert.bind(1, std::string_view(table));
            insert.bind(2, last);
            insert.step();
            insert.reset();
        }
    }
    db.execute(("PRAGMA user_version=" + std::to_string(facts.user_version) +
                "; PRAGMA application_id=" + std::to_string(facts.application_id))
                   .c_str());
    if (!facts.has_statistics) return;
    try {
        db.execute("ANALYZE");
    } catch (const SqliteError& e) {
        missing.push_back(std::string("statistics of the query planner: ") + e.what());
    }
}

/// Every statement of a schema that was given as text. Throws: usage.
inline void run_schema_text(const Database& db, const std::string& sql) {
    try {
        const SqliteAuthorizer authorizer(db, SqliteAuthorizer::Allow::definitions);
        for (const char* rest = sql.c_str(); *rest != '\0';) {
            Statement statement(db.get(), rest, &rest);
            if (!statement.is_empty()) statement.step();
        }
    } catch (const SqliteError& e) {
        throw Error(Kind::usage, std::string("--schema: ") + e.what(),
                    "it may hold CREATE TABLE, INDEX, TRIGGER and VIEW, nothing else");
    }
}

}  // namespace holdfast::ops
