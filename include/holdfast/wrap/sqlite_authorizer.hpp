// wrap/sqlite_authorizer.hpp - what statements of a connection may do, decided by SQLite while it compiles them.
//
// While a guard exists, everything but what its kind allows is refused: no ATTACH, no PRAGMA, no extension, whatever a
// query, a view or a CREATE statement of somebody else says. The connection must outlive the guard.
#pragma once

#include <string_view>

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

class SqliteAuthorizer {
public:
    enum class Allow {
        reading,      // queries
        definitions,  // CREATE TABLE, INDEX, TRIGGER, VIEW in the main database
    };

    SqliteAuthorizer(const Database& db, Allow allow) : db_(db.get()) {
        db.check(sqlite3_set_authorizer(db_, allow == Allow::reading ? &may_read : &may_define, nullptr),
                 "set the authorizer");
    }
    SqliteAuthorizer(const SqliteAuthorizer&) = delete;
    SqliteAuthorizer& operator=(const SqliteAuthorizer&) = delete;
    ~SqliteAuthorizer() { sqlite3_set_authorizer(db_, nullptr, nullptr); }

private:
    static int may_read(void*, int action, const char*, const char* function, const char*, const char*) {
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
        switch (action) {
            case SQLITE_CREATE_TABLE:
            case SQLITE_CREATE_INDEX:
            case SQLITE_CREATE_TRIGGER:
            case SQLITE_CREATE_VIEW:
            case SQLITE_REINDEX:  // filling a new index
                return c == nullptr || std::string_view(c) == "main" ? SQLITE_OK : SQLITE_DENY;
            case SQLITE_SELECT: return SQLITE_DENY;  // CREATE TABLE AS would bring rows of its own
            case SQLITE_INSERT:
            case SQLITE_UPDATE: return is_schema(a) ? SQLITE_OK : SQLITE_DENY;
            default: return may_read(context, action, a, b, c, d);
        }
    }
    static bool is_schema(const char* table) {
        return std::string_view(table) == "sqlite_master" || std::string_view(table) == "sqlite_schema";
    }

    sqlite3* db_;
};

}  // namespace holdfast
