// wrap/sqlite_authorizer.hpp - what statements of a connection may do, decided by SQLite while it compiles them.
//
// While a guard exists, everything but what its kind allows is refused: no ATTACH, no PRAGMA, no extension, whatever a
// query, a view or a CREATE statement of somebody else says. The connection must outlive the guard.
#pragma once

#include <optional>
#include <string_view>

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

/// What a CREATE statement makes, as SQLite's compiler understood it.
struct SqliteDefinition {
    std::string type;  // table, index, trigger, view, virtual table
    std::string name;
};

class SqliteAuthorizer {
public:
    enum class Allow {
        reading,  // queries
        definitions,  // CREATE TABLE, INDEX, TRIGGER, VIEW in the main database; VIRTUAL TABLE too: to be compiled only
    };

    SqliteAuthorizer(const Database& db, Allow allow) : db_(db.get()) {
        db.check(sqlite3_set_authorizer(db_, allow == Allow::reading ? &may_read : &may_define, this),
                 "set the authorizer");
    }
    SqliteAuthorizer(const SqliteAuthorizer&) = delete;
    SqliteAuthorizer& operator=(const SqliteAuthorizer&) = delete;
    ~SqliteAuthorizer() { sqlite3_set_authorizer(db_, nullptr, nullptr); }

    /// Of the statement that was compiled first; nothing if that was no definition.
    const std::optional<SqliteDefinition>& defined() const noexcept { return defined_; }

private:
    static int may_read(void*, int action, const char* a, const char* function, const char* database,
                        const char*) {
        if (is_of_module(action, a, function, database)) return SQLITE_OK;
        switch (action) {
            case SQLITE_SELECT:
            case SQLITE_READ:
            case SQLITE_RECURSIVE: return SQLITE_OK;
            case SQLITE_FUNCTION:
                return std::string_view(function) == "load_extension" ? SQLITE_DENY : SQLITE_OK;
            default: return SQLITE_DENY;
        }
    }
    static int may_define(void* context, int action, const char* a, const char* b, const char* c,
                          const char* d) {
        if (const char* type = type_of(action)) {
            if (c != nullptr && std::string_view(c) != "main") return SQLITE_DENY;
            auto& defined = static_cast<SqliteAuthorizer*>(context)->defined_;
            if (!defined) defined = SqliteDefinition{type, a};  // then come those that belong to it
            return SQLITE_OK;
        }
        switch (action) {
            case SQLITE_REINDEX:  // filling a new index
                return c == nullptr || std::string_view(c) == "main" ? SQLITE_OK : SQLITE_DENY;
            case SQLITE_SELECT: return SQLITE_DENY;  // CREATE TABLE AS would bring rows of its own
            case SQLITE_INSERT:
            case SQLITE_UPDATE: return is_schema(a) ? SQLITE_OK : SQLITE_DENY;
            default: return may_read(context, action, a, b, c, d);
        }
    }
    /// What virtual tables compile when they are first read: SQLite's own words for their columns, the counter by which FTS5 sees
    /// changes, the page size of FTS4, and statements on the shadow tables of an R-tree, which only its own writing runs.
    static bool is_of_module(int action, const char* a, const char* b, const char* database) {
        const std::string_view what = a == nullptr ? "" : a;
        switch (action) {
            case SQLITE_UPDATE: return is_schema(a);  // compiled for a declaration; no query runs it
            case SQLITE_PRAGMA:
                return b == nullptr && database != nullptr && (what == "data_version" || what == "page_size");
            case SQLITE_INSERT:
            case SQLITE_DELETE:
                return what.ends_with("_node") || what.ends_with("_rowid") || what.ends_with("_parent");
            default: return false;
        }
    }
    static const char* type_of(int action) {
        switch (action) {
            case SQLITE_CREATE_TABLE: return "table";
            case SQLITE_CREATE_INDEX: return "index";
            case SQLITE_CREATE_TRIGGER: return "trigger";
            case SQLITE_CREATE_VIEW: return "view";
            case SQLITE_CREATE_VTABLE: return "virtual table";
            default: return nullptr;
        }
    }
    static bool is_schema(const char* table) {
        return std::string_view(table) == "sqlite_master" || std::string_view(table) == "sqlite_schema";
    }

    sqlite3* db_;
    std::optional<SqliteDefinition> defined_;
};

}  // namespace holdfast
