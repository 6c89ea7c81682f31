// export/export_index.hpp - export.json: what the files of an export are, enough to prove and to rebuild from them.
//
// Written last, so a folder without it is no whole export. Read as untrusted input. docs/export.md has an example.
#pragma once

#include "holdfast/base/utc.hpp"
#include "holdfast/export/cell_text.hpp"
#include "holdfast/export/table_list.hpp"
#include "holdfast/wrap/digest.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

inline constexpr const char* kExportIndexName = "export.json";
inline constexpr const char* kExportFormat = "holdfast-export";
inline constexpr std::uint64_t kExportVersion = 1;
// In Parquet files: the CellRule of each column, or kTimeCells and its time shape.
inline constexpr const char* kCellsKey = "holdfast.cells";
inline const std::string kTimeCells = "time:";

struct ExportedDatabase {
    std::int64_t user_version = 0, application_id = 0, page_bytes = 4096, auto_vacuum = 0;
    std::string encoding = "UTF-8";
    std::vector<SchemaEntry> schema;
    std::vector<std::pair<std::string, std::int64_t>> sequences;  // of AUTOINCREMENT
    bool has_statistics = false;                                  // ANALYZE was run
};

struct IndexedColumn {
    ExportColumn column;
    bool is_generated = false;
};

struct IndexedTable {
    std::string table, kind, file;
    std::uint64_t rows = 0, bytes = 0;
    Digest digest;
    std::optional<std::uint64_t> plain_bytes{};  // before the file was compressed
    std::string where, query;
    std::optional<std::uint64_t> limit;
    std::vector<IndexedColumn> columns;
    bool has_all_columns = true;
    CellMarks marks;

    /// Can a database be made of it that has all of this table?
    bool is_whole() const { return where.empty() && query.empty() && !limit && has_all_columns; }
};

struct ExportIndex {
    std::string timestamp, holdfast_version;
    std::string snapshot, component, path;  // where it is from: the first two, or the last
    std::string file_format, compression;
    ExportedDatabase database;
    std::vector<IndexedTable> tables;
    std::vector<std::pair<std::string, std::string>> left_out;  // what, why
};

namespace detail {
inline const char* type_word(ColumnType type) {
    switch (type) {
        case ColumnType::integer: return "integer";
        case ColumnType::real: return "real";
        case ColumnType::text: return "text";
        case ColumnType::blob: return "blob";
        case ColumnType::timestamp: return "timestamp";
    }
    return "text";
}
inline const char* cells_word(CellRule rule) {
    return rule == CellRule::number ? "number" : rule == CellRule::base64 ? "base64" : "text";
}

/// Text that is not UTF-8 goes as <key>_base64.
inline void put_text(Json& json, const std::string& key, const std::string& text) {
    if (is_utf8_text(text))
        json[key] = text;
    else
        json[key + "_base64"] = to_base64(text);
}
inline std::string get_text(const JsonFields& fields, const std::string& key) {
    if (fields.find(key.c_str()) != nullptr) return fields.text(key.c_str());
    const std::string coded = key + "_base64";
    const std::optional<std::string> text = from_base64(fields.text(coded.c_str()));
    if (!text) fields.fail(coded.c_str(), "is not base64");
    return *text;
}

inline Json database_json(const ExportedDatabase& d) {
    Json json = {{"user_version", d.user_version}, {"application_id", d.application_id},
                 {"page_bytes", d.page_bytes},     {"auto_vacuum", d.auto_vacuum},
                 {"encoding", d.encoding},         {"has_statistics", d.has_statistics}};
    json["sequences"] = Json::array();
    for (const auto& [table, last] : d.sequences) {
        Json one = {{"last", last}};
        put_text(one, "table", table);
        json["sequences"].push_back(one);
    }
    json["schema"] = Json::array();
    for (const SchemaEntry& e : d.schema) {
        Json one = {{"type", e.type}};
        put_text(one, "name", e.name);
        put_text(one, "table", e.table);
        put_text(one, "sql", e.sql);
        json["schema"].push_back(one);
    }
    return json;
}

inline Json table_json(const IndexedTable& t) {
    Json json = Json::object();
    put_text(json, "table", t.table);
    json["kind"] = t.kind;
    put_text(json, "file", t.file);
    json["rows"] = t.rows;
    json["bytes"] = t.bytes;
    json["sha256"] = t.digest.hex();
    if (t.plain_bytes) json["plain_bytes"] = *t.plain_bytes;
    if (!t.where.empty()) json["where"] = t.where;
    if (!t.query.empty()) json["query"] = t.query;
    if (t.limit) json["limit"] = *t.limit;
    if (!t.has_all_columns) json["has_all_columns"] = false;
    json["marked"] = {
        {"not_utf8", t.marks.not_utf8}, {"other_type", t.marks.other_type}, {"infinite", t.marks.infinite}};
    json["columns"] = Json::array();
    for (const IndexedColumn& c : t.columns) {
        Json one = Json::object();
        put_text(one, "name", c.column.name);
        put_text(one, "declared", c.column.declared);
        one["type"] = type_word(c.column.type);
        one["cells"] = cells_word(c.column.cells);
        if (!c.column.time_shape.empty()) one["time_shape"] = c.column.time_shape;
        if (c.is_generated) one["generated"] = true;
        json["columns"].push_back(one);
    }
    return json;
}
}  // namespace detail

inline Json export_index_json(const ExportIndex& index) {
    Json json = {{"format", kExportFormat},
                 {"version", kExportVersion},
                 {"export_timestamp", index.timestamp},
                 {"holdfast_version", index.holdfast_version},
                 {"file_format", index.file_format},
                 {"compression", index.compression}};
    if (!index.snapshot.empty())
        json["source"] = {{"snapshot", index.snapshot}, {"component", index.component}};
    else
        detail::put_text(json["source"], "path", index.path);
    json["tables"] = Json::array();
    for (const IndexedTable& t : index.tables) json["tables"].push_back(detail::table_json(t));
    json["left_out"] = Json::array();
    for (const auto& [what, why] : index.left_out)
        json["left_out"].push_back({{"table", json_text(what)}, {"reason", json_text(why)}});
    json["database"] = detail::database_json(index.database);
    return json;
}

}  // namespace holdfast
