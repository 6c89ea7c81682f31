// ops/rebuild_schema.hpp - CREATE statements of somebody else, carried out in a new database and nowhere else.
//
// An authorizer lets nothing but definitions through, one statement at a time. Virtual tables are entered into the schema
// as they were, for their shadow tables hold what they are; their modules are not run.
#pragma once

#include <set>

#include "holdfast/export/export_index.hpp"
#include "holdfast/ops/check_sqlite.hpp"
#include "holdfast/wrap/sqlite_authorizer.hpp"

namespace holdfast::ops {

namespace detail {

inline bool is_virtual_table(std::string_view sql) {
    std::string begin;
    for (const char c : sql.substr(0, 40)) begin += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return begin.starts_with("CREATE VIRTUAL TABLE");
}
inline bool is_internal(const SchemaEntry& e) { return e.name.starts_with("sqlite_"); }

/// Was it the statement that failed, and not the disk, the memory or the person who stopped us?
inline bool is_of_statement(const SqliteError& e) {
    const int code = e.code() & 0xFF;
    return code == SQLITE_ERROR || code == SQLITE_AUTH || code == SQLITE_CONSTRAINT ||
           code == SQLITE_MISMATCH || code == SQLITE_TOOBIG;
}
inline bool has_more(const Database& db, const char* rest) {
    try {
        return !Statement(db.get(), rest).is_empty();
    } catch (const SqliteError&) {  // no SQL, but something
        return true;
    }
}

/// Compiles the definition of an entry. Throws: SqliteError; corrupt (it is none, another's, or more than one).
inline Statement compile_definition(const Database& db, const SchemaEntry& entry,
                                    const SqliteAuthorizer& authorizer) {
    const char* rest = nullptr;
    Statement statement(db.get(), entry.sql.c_str(), &rest);
    const std::optional<SqliteDefinition>& made = authorizer.defined();
    const bool is_own = made && made->name == entry.name &&
                        made->type == (is_virtual_table(entry.sql) ? "virtual table" : entry.type);
    if (!is_own || entry.sql.find('\0') != std::string::npos || has_more(db, rest))
        throw Error(Kind::corrupt,
                    "the definition of " + in_quotes(entry.name) + " is not one statement that makes it",
                    "nothing was changed; see \"schema\" in export.json");
    return statement;
}
/// Throws: SqliteError; corrupt.
inline void define(const Database& db, const SchemaEntry& entry) {
    const SqliteAuthorizer authorizer(db, SqliteAuthorizer::Allow::definitions);
    compile_definition(db, entry, authorizer).step();
}
inline std::string not_carried_out(const SchemaEntry& entry, const SqliteError& e) {
    return "the definition of " + in_quotes(entry.name) + " was not carried out: " + e.what();
}

inline void enter_virtual_table(const Database& db, const SchemaEntry& entry) {
    try {
        const SqliteAuthorizer authorizer(db, SqliteAuthorizer::Allow::definitions);
        compile_definition(db, entry, authorizer);
    } catch (const SqliteError& e) {
        if (!is_of_statement(e)) throw;
        throw Error(Kind::corrupt, not_carried_out(entry, e), "nothing was changed");
    }
    db.execute("PRAGMA writable_schema=ON");
    Statement insert = db.prepare(
        "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) VALUES('table', ?1, ?1, 0, ?2)");
    insert.bind(1, std::string_view(entry.name));
    insert.bind(2, std::string_view(entry.sql));
    insert.step();
    db.execute("PRAGMA writable_schema=OFF");
}

/// Does a full-text table keep the rowids of another table that has no INTEGER PRIMARY KEY, and so has others now?
inline bool is_indexed_by_rowid(const Database& db, std::string_view sql) {
    std::size_t at = sql.find("content=");
    if (at == std::string_view::npos || sql.find("fts") > at) return false;
    at += std::string_view("content=").size();
    std::string table(sql.substr(at, sql.find_first_of(",)", at) - at));
    std::erase_if(table, [](char c) { return c == '\'' || c == '"' || c == ' '; });
    Statement keys = db.prepare(
        "SELECT count(*) FILTER (WHERE pk > 0) = 1 AND max(pk > 0 AND type = 'INTEGER' COLLATE NOCASE), "
        "count(*) "
        "FROM pragma_table_info(?)");
    keys.bind(1, std::string_view(table));
    return keys.step() && keys.integer(1) > 0 && keys.integer(0) == 0;
}

/// The counters of AUTOINCREMENT. Throws: corrupt.
inline void set_sequences(const Database& db, const ExportedDatabase& facts,
                          const std::vector<std::string>& missing) {
    if (facts.sequences.empty()) return;
    if (db.query_integer("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'") == 0) {
        if (!missing.empty()) return;  // perhaps the tables that count
        throw Error(Kind::corrupt, "export.json has \"sequences\", but no table has AUTOINCREMENT",
                    "nothing was changed");
    }
    db.execute("DELETE FROM sqlite_sequence");
    Statement insert = db.prepare("INSERT INTO sqlite_sequence(name, seq) VALUES(?, ?)");
    for (const auto& [table, last] : facts.sequences) {
        insert.bind(1, std::string_view(table));
        insert.bind(2, last);
        insert.step();
        insert.reset();
    }
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

/// The tables, before their rows. Returns the names of those that need a function or collation that only the application
/// has, and names them in `missing`. Throws: corrupt.
inline std::set<std::string> define_tables(const Database& db, const ExportedDatabase& facts,
                                           std::vector<std::string>& missing) {
    std::set<std::string> left_out;
    for (const SchemaEntry& e : facts.schema) {
        if (e.type != "table" || detail::is_internal(e) || detail::is_virtual_table(e.sql)) continue;
        try {
            detail::define(db, e);
        } catch (const SqliteError& error) {
            if (!detail::is_of_statement(error)) throw;
            if (!detail::is_missing_extension(error.what()))
                throw Error(Kind::corrupt, detail::not_carried_out(e, error),
                            "nothing was changed; see \"schema\" in export.json");
            missing.push_back("table " + in_quotes(e.name) +
                              " is left out, its rows are in the export only: " + error.what());
            left_out.insert(e.name);
        }
    }
    return left_out;
}

/// Everything else, after the rows: indexes are filled at once, triggers do not fire. What cannot be made (a collation or
/// function that only the application has) is named in `missing`.
inline void define_rest(const Database& db, const ExportedDatabase& facts,
                        std::vector<std::string>& missing) {
    for (const char* type : {"index", "view", "trigger"})
        for (const SchemaEntry& e : facts.schema) {
            if (e.type != type) continue;
            try {
                detail::define(db, e);
            } catch (const SqliteError& error) {
                if (!detail::is_of_statement(error)) throw;
                missing.push_back(detail::not_carried_out(e, error));
            }
        }
    for (const SchemaEntry& e : facts.schema) {
        if (e.type != "table" || !detail::is_virtual_table(e.sql)) continue;
        detail::enter_virtual_table(db, e);
        if (detail::is_indexed_by_rowid(db, e.sql))
            missing.push_back("full-text table " + in_quotes(e.name) +
                              " finds texts by rowids that are given anew: let it rebuild itself");
    }
    detail::set_sequences(db, facts, missing);
    db.execute(("PRAGMA user_version=" + std::to_string(facts.user_version) +
                "; PRAGMA application_id=" + std::to_string(facts.application_id))
                   .c_str());
    if (!facts.has_statistics) return;
    try {
        db.execute("ANALYZE");
    } catch (const SqliteError& e) {
        if (!detail::is_of_statement(e)) throw;
        missing.push_back(std::string("statistics of the query planner: ") + e.what());
    }
}

/// The tables of a schema that was given as text. Returns its other definitions, for carry_out(): triggers must not fire on the
/// rows, and indexes are quicker made after them. Throws: usage.
inline std::vector<std::string> define_given_tables(const Database& db, const std::string& sql) {
    std::vector<std::string> others;
    const char* const hint = "it may hold CREATE TABLE, INDEX, TRIGGER and VIEW, nothing else";
    try {
        for (const char *from = sql.c_str(), *rest = from; *from != '\0'; from = rest) {
            const SqliteAuthorizer authorizer(db, SqliteAuthorizer::Allow::definitions);
            Statement statement(db.get(), from, &rest);
            if (statement.is_empty()) continue;
            const auto& made = authorizer.defined();
            if (!made || made->type == "virtual table")
                throw Error(Kind::usage, "--schema: this is no definition of a table, index, trigger or view",
                            hint);
            if (made->type == "table")
                statement.step();
            else
                others.emplace_back(from, rest);
        }
    } catch (const SqliteError& e) {
        if (!detail::is_of_statement(e)) throw;
        throw Error(Kind::usage, std::string("--schema: ") + e.what(), hint);
    }
    return others;
}

/// Throws: corrupt (the rows are against it).
inline void carry_out(const Database& db, const std::vector<std::string>& definitions) {
    try {
        for (const std::string& sql : definitions) {
            const SqliteAuthorizer authorizer(db, SqliteAuthorizer::Allow::definitions);
            Statement(db.get(), sql.c_str()).step();
        }
    } catch (const SqliteError& e) {
        if (!detail::is_of_statement(e)) throw;
        throw Error(Kind::corrupt, std::string("--schema, after the rows: ") + e.what(),
                    "nothing was changed");
    }
}

}  // namespace holdfast::ops
