// store/manifest_json.hpp - manifest.json; docs/format.md, "Manifest".
//
// Written once, read as untrusted input: every field is checked, names cannot leave the target of a restore, and a
// manifest that contradicts itself is corrupt. Unknown keys are ignored, so later versions may add some.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "holdfast/store/manifest.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

inline constexpr const char* kManifestFormat = "holdfast-snapshot";
inline constexpr std::uint64_t kMaxManifestBytes = 64_MiB;  // 400,000 chunks of recipe: 100 GB of recipes

namespace detail {

inline Json to_json(const StoredStream& stream) {
    Json json;
    json["bytes"] = stream.bytes;
    json["sha256"] = stream.digest.hex();
    json["extents"] = Json::array();
    for (const Extent& extent : stream.extents) json["extents"].push_back(format_extent(extent));
    return json;
}

inline std::string octal(std::uint32_t mode) {
    char text[16];
    std::snprintf(text, sizeof text, "%04o", mode & 07777U);
    return text;
}

inline Json to_json(const Component& c) {
    Json json;
    json["name"] = c.name;
    json["source"] = c.source;
    json["kind"] = c.kind;
    json["class"] = c.source_class;
    json["path"] = json_text(c.path);
    if (c.mount)
        json["mount"] = {{"point", json_text(c.mount->point)},
                         {"file_system", json_text(c.mount->file_system)},
                         {"path", json_text(c.mount->path)}};
    json["root"] = c.root == RootType::file ? "file" : "directory";
    json["bytes"] = c.bytes;
    if (c.digest) json["sha256"] = c.digest->hex();
    if (c.file) {
        json["mode"] = octal(c.file->mode);
        json["uid"] = c.file->uid;
        json["gid"] = c.file->gid;
        json["mtime_ns"] = c.file->mtime_ns;
    }
    if (c.sqlite) {
        Json& s = json["sqlite"];
        s["page_size"] = c.sqlite->page_bytes;
        s["page_count"] = c.sqlite->page_count;
        s["user_version"] = c.sqlite->user_version;
        s["application_id"] = c.sqlite->application_id;
        s["journal_mode"] = c.sqlite->is_wal ? "wal" : "rollback";
        if (c.sqlite->table_count) s["tables"] = *c.sqlite->table_count;
        s["row_counts"] = Json::object();
        for (const auto& [table, rows] : c.sqlite->row_counts) s["row_counts"][json_text(table)] = rows;
    }
    if (c.tree) {
        Json& t = json["tree"];
        t["files"] = c.tree->files;
        t["directories"] = c.tree->directories;
        t["others"] = c.tree->others;
        t["file_bytes"] = c.tree->file_bytes;
    }
    json["recipe"] = to_json(c.recipe);
    if (c.index) json["index"] = to_json(*c.index);
    json["new_bytes"] = c.new_bytes;
    if (c.new_stored_bytes) json["new_stored_bytes"] = *c.new_stored_bytes;
    json["warnings"] = Json::array();
    for (const std::string& w : c.warnings) json["warnings"].push_back(json_text(w));
    return json;
}

inline Digest digest_field(const JsonFields& fields, const char* key) {
    const auto digest = Digest::parse(fields.text(key));
    if (!digest) fields.fail(key, "is not a SHA-256");
    return *digest;
}

inline StoredStream stream_from(const Json& json, const std::string& what) {
    const JsonFields fields(json, what);
    StoredStream stream{fields.number("bytes"), digest_field(fields, "sha256"), {}};
    std::uint64_t total = 0;
    for (const Json& line : fields.array("extents")) {
        if (!line.is_string()) fields.fail("extents", "holds something that is not text");
        stream.extents.push_back(parse_extent(line.get<std::string>()));
        total += stream.extents.back().length;
    }
    if (total != stream.bytes) fields.fail("extents", "do not add up to 'bytes'");
    return stream;
}

inline std::uint32_t small_number(const JsonFields& fields, const char* key) {
    const std::uint64_t value = fields.number(key);
    if (value > 0xFFFFFFFFU) fields.fail(key, "is out of range");
    return static_cast<std::uint32_t>(value);
}

inline FileFacts file_facts_from(const JsonFields& fields) {
    FileFacts facts;
    const std::string mode = fields.text("mode");
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(mode.data(), mode.data() + mode.size(), value, 8);
    if (error != std::errc{} || end != mode.data() + mode.size() || value > 07777U)
        fields.fail("mode", "is not a file mode");
    facts.mode = value;
    facts.uid = small_number(fields, "uid");
    facts.gid = small_number(fields, "gid");
    facts.mtime_ns = fields.signed_number("mtime_ns");
    return facts;
}

inline SqliteFacts sqlite_facts_from(const Json& json, const std::string& what) {
    const JsonFields fields(json, what);
    SqliteFacts facts;
    facts.page_bytes = fields.number("page_size");
    facts.page_count = fields.number("page_count");
    facts.user_version = fields.signed_number("user_version");
    facts.application_id = fields.signed_number("application_id");
    facts.is_wal = fields.text("journal_mode") == "wal";
    if (fields.find("tables") != nullptr) facts.table_count = fields.number("tables");
    const Json& counts = fields.at("row_counts");
    if (!counts.is_object()) fields.fail("row_counts", "is not an object");
    for (const auto& [table, rows] : counts.items()) {
        if (!rows.is_number_integer()) fields.fail("row_counts", "holds something that is not a number");
        facts.row_counts[table] = rows.get<std::int64_t>();
    }
    return facts;
}

inline Component component_from(const Json& json, const std::string& what) {
    const JsonFields fields(json, what);
    Component c;
    c.name = fields.text("name");
    check_component_name(c.name);
    c.source = fields.text("source");
    c.kind = fields.text("kind");
    if (c.kind != "sqlite" && c.kind != "tree" && c.kind != "command" && c.kind != "stdin")
        fields.fail("kind", "is unknown");
    c.source_class = fields.text("class");
    c.path = fields.text("path");
    if (fields.find("mount") != nullptr) {
        const JsonFields mount(fields.at("mount"), what + ": mount");
        c.mount = MountPlace{mount.text("point"), mount.text("file_system"), mount.text("path")};
    }
    const std::string root = fields.text("root");
    if (root != "file" && root != "directory") fields.fail("root", "is unknown");
    c.root = root == "file" ? RootType::file : RootType::directory;
    if (c.root == RootType::directory && !c.is_tree()) fields.fail("root", "does not fit the kind");
    c.bytes = fields.number("bytes");
    c.recipe = stream_from(fields.at("recipe"), what + ": recipe");
    if (c.is_tree()) {
        c.index = stream_from(fields.at("index"), what + ": index");
        const JsonFields tree(fields.at("tree"), what + ": tree");
        c.tree = TreeFacts{tree.number("files"), tree.number("directories"), tree.number("others"),
                           tree.number("file_bytes")};
    } else {
        c.digest = digest_field(fields, "sha256");
    }
    if (fields.find("mode") != nullptr) c.file = file_facts_from(fields);
    if (fields.find("sqlite") != nullptr)
        c.sqlite = sqlite_facts_from(fields.at("sqlite"), what + ": sqlite");
    if (c.kind == "sqlite" && c.sqlite && c.sqlite->page_bytes * c.sqlite->page_count != c.bytes)
        fields.fail("sqlite", "does not fit 'bytes'");
    c.new_bytes = fields.number("new_bytes");
    if (fields.find("new_stored_bytes") != nullptr) c.new_stored_bytes = fields.number("new_stored_bytes");
    c.warnings = fields.texts("warnings");
    return c;
}

inline SystemSeconds time_field(const JsonFields& fields, const char* key) {
    const auto time = parse_utc(fields.text(key));
    if (!time) fields.fail(key, "is not a time");
    return *time;
}

}  // namespace detail

inline std::string format_manifest(const Manifest& m) {
    Json json;
    json["format"] = kManifestFormat;
    json["version"] = 1;
    json["id"] = m.id;
    json["number"] = m.number;
    json["repository"] = m.repository;
    json["parent"] = nullptr;
    if (m.parent) json["parent"] = {{"id", m.parent->id}, {"manifest_sha256", m.parent->manifest.hex()}};
    json["type"] = m.type;
    json["host"] = json_text(m.host);
    json["state"] = m.state();
    json["started_utc"] = format_utc(m.started);
    json["finished_utc"] = format_utc(m.finished);
    json["holdfast_version"] = m.holdfast_version;
    json["sqlite_version"] = m.sqlite_version;
    json["components"] = Json::array();
    for (const Component& c : m.components) json["components"].push_back(detail::to_json(c));
    json["missing"] = Json::array();
    for (const MissingSource& x : m.missing)
        json["missing"].push_back(
            {{"source", x.source}, {"path", json_text(x.path)}, {"reason", json_text(x.reason)}});
    json["suspect"] = Json::array();
    for (const std::string& reason : m.suspect) json["suspect"].push_back(json_text(reason));
    json["totals"] = {{"bytes", m.bytes()},
                      {"new_bytes", m.new_bytes()},
                      {"stored_bytes", m.stored_bytes},
                      {"objects", m.object_count}};
    return dump_json(json, 2) + "\n";
}

/// `expected_id` is the name of the snapshot's folder. Throws: corrupt; config for a newer version.
inline Manifest parse_manifest(std::string_view text, const std::string& expected_id) {
    const std::string what = "manifest of " + expected_id;
    const Json json = parse_json(text, what);
    const JsonFields fields(json, what);
    if (fields.text("format") != kManifestFormat) fields.fail("format", "is not that of a snapshot");
    if (fields.number("version") != 1)
        throw Error(Kind::config,
                    what + " has version " + std::to_string(fields.number("version")) +
                        ", this program reads version 1",
                    "use a newer holdfast; nothing was changed");
    Manifest m;
    m.id = fields.text("id");
    if (m.id != expected_id) fields.fail("id", "is not the name of its folder");
    m.number = fields.number("number");
    m.repository = fields.text("repository");
    if (const Json* parent = fields.find("parent")) {
        const JsonFields p(*parent, what + ": parent");
        m.parent = ParentLink{p.text("id"), detail::digest_field(p, "manifest_sha256")};
    }
    m.type = fields.text("type");
    m.host = fields.text("host");
    m.started = detail::time_field(fields, "started_utc");
    m.finished = detail::time_field(fields, "finished_utc");
    m.holdfast_version = fields.text("holdfast_version");
    m.sqlite_version = fields.text("sqlite_version");
    std::set<std::string> names;
    for (const Json& component : fields.array("components")) {
        m.components.push_back(
            detail::component_from(component, what + ": component " + std::to_string(names.size() + 1)));
        if (!names.insert(m.components.back().name).second)
            fields.fail("components", "names one component twice");
    }
    for (const Json& missing : fields.array("missing")) {
        const JsonFields x(missing, what + ": missing");
        m.missing.push_back({x.text("source"), x.text("path"), x.text("reason")});
    }
    m.suspect = fields.texts("suspect");
    const JsonFields totals(fields.at("totals"), what + ": totals");
    m.stored_bytes = totals.number("stored_bytes");
    m.object_count = totals.number("objects");
    if (fields.find("private") != nullptr) {
        m.private_text = fields.text("private");
        m.private_digest = detail::digest_field(fields, "private_sha256");
    }
    return m;
}

}  // namespace holdfast
