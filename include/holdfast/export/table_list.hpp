// export/table_list.hpp - what there is to export in a database: tables, shadow tables, views, and their columns.
//
// Hidden columns of virtual tables are left out, generated ones are in. Nothing of the schema is run.
#pragma once

#include "holdfast/export/column_types.hpp"
#include "holdfast/wrap/sqlite_values.hpp"

namespace holdfast {

struct TableColumn {
    std::string name, declared;
    bool is_generated = false;
};

struct TableInfo {
    std::string name;
    std::string kind;  // table, shadow, view, virtual, query
    std::vector<TableColumn> columns;
};

struct SchemaEntry {
    std::string type, name, table, sql;
};

/// SQLite compares names without regard to ASCII case.
inline bool is_same_name(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

/// In the order of their creation, SQLite's own tables left out. Throws SqliteError.
inline std::vector<TableInfo> list_tables(const Database& db) {
    std::vector<TableInfo> tables;
    Statement list = db.prepare(
        "SELECT s.name, l.type FROM sqlite_schema s JOIN pragma_table_list l ON l.schema = 'main' AND l.name "
        "= s.name "
        "WHERE s.type IN ('table', 'view') AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY s.rowid");
    while (list.step()) tables.push_back({std::string(list.text(0)), std::string(list.text(1)), {}});
    Statement columns =
        db.prepare("SELECT name, type, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid");
    for (TableInfo& table : tables) {
        if (table.kind == "view" || table.kind == "virtual") continue;  // known when they are asked for
        columns.reset();
        columns.bind(1, std::string_view(table.name));
        while (columns.step())
            table.columns.push_back(
                {std::string(columns.text(0)), std::string(columns.text(1)), columns.integer(2) > 1});
    }
    return tables;
}

/// Every CREATE statement in the order of the schema; indexes that belong to a constraint have none. Throws SqliteError.
inline std::vector<SchemaEntry> list_schema(const Database& db) {
    std::vector<SchemaEntry> entries;
    Statement list = db.prepare(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid");
    while (list.step())
        entries.push_back({std::string(list.text(0)), std::string(list.text(1)), std::string(list.text(2)),
                           std::string(list.text(3))});
    return entries;
}

inline ExportColumn export_column(const std::string& name, const std::string& declared) {
    const DeclaredType type = declared_type(declared);
    return {name, type.type, declared, true, type.cells};
}

}  // namespace holdfast
