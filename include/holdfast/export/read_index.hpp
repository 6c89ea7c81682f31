// export/read_index.hpp - export.json read back, as untrusted input.
#pragma once

#include <algorithm>
#include <set>

#include "holdfast/export/export_index.hpp"
#include "holdfast/export/time_shape.hpp"

namespace holdfast {

namespace detail {

inline ColumnType parse_type(const JsonFields& fields) {
    const std::string word = fields.text("type");
    for (const ColumnType type :
         {ColumnType::integer, ColumnType::real, ColumnType::text, ColumnType::blob, ColumnType::timestamp})
        if (word == type_word(type)) return type;
    fields.fail("type", "is not a known type");
}
inline CellRule parse_cells(const JsonFields& fields) {
    const std::string word = fields.text("cells");
    for (const CellRule rule : {CellRule::text, CellRule::number, CellRule::base64})
        if (word == cells_word(rule)) return rule;
    fields.fail("cells", "is not a known rule");
}
inline std::string word_in(const JsonFields& fields, const char* key,
                           std::initializer_list<std::string_view> words) {
    std::string word = fields.text(key);
    if (std::find(words.begin(), words.end(), word) == words.end())
        fields.fail(key, "is not a word that this program knows");
    return word;
}
inline bool is_true(const JsonFields& fields, const char* key, bool otherwise) {
    const Json* value = fields.find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) fields.fail(key, "is neither true nor false");
    return value->get<bool>();
}

inline IndexedTable read_table(const Json& json, const std::string& what) {
    const JsonFields fields(json, what);
    IndexedTable t;
    t.table = get_text(fields, "table");
    t.kind = word_in(fields, "kind", {"table", "shadow", "view", "virtual", "query"});
    t.file = get_text(fields, "file");
    if (t.file.empty() || t.file == "." || t.file == ".." || t.file.find('/') != std::string::npos ||
        t.file.find('\0') != std::string::npos)
        fields.fail("file", "is not the name of a file in this folder");
    t.rows = fields.number("rows");
    t.bytes = fields.number("bytes");
    const auto digest = Digest::parse(fields.text("sha256"));
    if (!digest) fields.fail("sha256", "is not a digest");
    t.digest = *digest;
    if (fields.find("plain_bytes") != nullptr) t.plain_bytes = fields.number("plain_bytes");
    t.where = fields.text_or("where", "");
    t.query = fields.text_or("query", "");
    if (fields.find("limit") != nullptr) t.limit = fields.number("limit");
    t.has_all_columns = is_true(fields, "has_all_columns", true);
    for (const Json& one : fields.array("columns")) {
        const JsonFields column(one, what + ", a column");
        t.columns.push_back({{get_text(column, "name"), parse_type(column), get_text(column, "declared"),
                              true, parse_cells(column), column.text_or("time_shape", "")},
                             is_true(column, "generated", false)});
        const ExportColumn& c = t.columns.back().column;
        if (c.type == ColumnType::timestamp && !time_shape_of(c.time_shape))
            column.fail("time_shape", "is not how a time is written");
    }
    return t;
}

inline ExportedDatabase read_database(const Json& json, const std::string& what) {
    const JsonFields fields(json, what);
    ExportedDatabase d;
    d.user_version = fields.signed_number("user_version");
    d.application_id = fields.signed_number("application_id");
    d.page_bytes = fields.signed_number("page_bytes");
    d.auto_vacuum = fields.signed_number("auto_vacuum");
    d.encoding = fields.text("encoding");
    const bool is_page =
        d.page_bytes >= 512 && d.page_bytes <= 65536 && (d.page_bytes & (d.page_bytes - 1)) == 0;
    if (!is_page) fields.fail("page_bytes", "is no page size");
    if (d.auto_vacuum < 0 || d.auto_vacuum > 2) fields.fail("auto_vacuum", "is not 0, 1 or 2");
    if (d.encoding != "UTF-8" && d.encoding != "UTF-16le" && d.encoding != "UTF-16be")
        fields.fail("encoding", "is no encoding of SQLite");
    d.has_statistics = is_true(fields, "has_statistics", false);
    for (const Json& one : fields.array("sequences")) {
        const JsonFields sequence(one, what + ", a sequence");
        d.sequences.emplace_back(get_text(sequence, "table"), sequence.signed_number("last"));
    }
    for (const Json& one : fields.array("schema")) {
        const JsonFields entry(one, what + ", a schema entry");
        d.schema.push_back({word_in(entry, "type", {"table", "index", "trigger", "view"}),
                            get_text(entry, "name"), get_text(entry, "table"), get_text(entry, "sql")});
    }
    return d;
}

/// What is listed exists once, and tables that have files have definitions.
inline void check_index(const ExportIndex& index, const JsonFields& fields) {
    std::set<std::pair<std::string, std::string>> defined, listed;
    for (const SchemaEntry& e : index.database.schema)
        if (!defined.emplace(e.type, e.name).second)
            fields.fail("database", ("defines " + in_quotes(e.name) + " twice").c_str());
    for (const IndexedTable& t : index.tables) {
        if (!listed.emplace(t.kind, t.table).second)
            fields.fail("tables", ("lists " + in_quotes(t.table) + " twice").c_str());
        const bool is_stored = t.kind == "table" || t.kind == "shadow";
        if (is_stored && !defined.contains({"table", t.table}))
            fields.fail("tables",
                        ("lists " + in_quotes(t.table) + ", which \"schema\" does not define").c_str());
    }
}

}  // namespace detail

/// Throws: corrupt; config (written by a newer version).
inline ExportIndex read_export_index(std::string_view text, const std::string& what) {
    const Json json = parse_json(text, what);
    const JsonFields fields(json, what);
    if (fields.text("format") != kExportFormat)
        throw Error(Kind::corrupt, what + " is not of a holdfast export");
    if (fields.number("version") != kExportVersion)
        throw Error(Kind::config,
                    what + " has version " + std::to_string(fields.number("version")) +
                        ", this program reads " + std::to_string(kExportVersion),
                    "use a newer holdfast; nothing was changed");
    ExportIndex index;
    index.timestamp = fields.text("export_timestamp");
    index.file_format = detail::word_in(fields, "file_format", {"csv", "json", "ndjson", "parquet"});
    index.compression = detail::word_in(fields, "compression", {"none", "gzip", "zstd"});
    for (const Json& one : fields.array("tables"))
        index.tables.push_back(detail::read_table(one, what + ", a table"));
    for (const Json& one : fields.array("left_out")) {
        const JsonFields left(one, what + ", left_out");
        index.left_out.emplace_back(left.text("table"), left.text("reason"));
    }
    index.database = detail::read_database(fields.at("database"), what + ", database");
    detail::check_index(index, fields);
    return index;
}

}  // namespace holdfast
