// store/manifest.hpp - what a snapshot says of itself, as values; manifest_json.hpp writes and reads it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/base/mounts.hpp"
#include "holdfast/store/recipe.hpp"

namespace holdfast {

/// A recipe or an index: itself a stream, whose extents stand in the manifest.
struct StoredStream {
    std::uint64_t bytes = 0;
    Digest digest;
    std::vector<Extent> extents;
};
struct FileFacts {
    std::uint32_t mode = 0600;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t mtime_ns = 0;
};
struct SqliteFacts {
    std::uint64_t page_bytes = 0;
    std::uint64_t page_count = 0;
    std::int64_t user_version = 0;
    std::int64_t application_id = 0;
    bool is_wal = false;
    std::map<std::string, std::int64_t> row_counts;  // of the tables that could be counted
    std::optional<std::uint64_t> table_count{};      // of all ordinary ones
};
struct TreeFacts {
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t others = 0;
    std::uint64_t file_bytes = 0;
};

enum class RootType { file, directory };

struct Component {
    std::string name;
    std::string source;
    std::string kind;  // sqlite, tree, command, stdin
    std::string source_class;
    std::string path;
    std::optional<MountPlace>
        mount;  // where the path led; nothing without a path and in manifests of old versions
    RootType root = RootType::file;
    std::uint64_t bytes = 0;
    std::optional<Digest> digest;  // of the stream; a tree's files have their own in the index
    StoredStream recipe;
    std::optional<StoredStream> index;
    std::optional<FileFacts> file;
    std::optional<SqliteFacts> sqlite;
    std::optional<TreeFacts> tree;
    std::uint64_t new_bytes = 0;
    std::optional<std::uint64_t> new_stored_bytes;  // what they became; nothing in manifests of old versions
    std::vector<std::string> warnings;

    bool is_tree() const { return kind == "tree"; }
    /// Where an entry of the index lies below the component; empty if the component is that one file.
    std::string path_of(const std::string& entry) const {
        return root == RootType::file ? std::string{} : entry;
    }
    /// An entry of the index as a person reads it, from the target of a restore.
    std::string name_of(const std::string& entry) const {
        return root == RootType::file ? name : name + "/" + entry;
    }
};

struct MissingSource {
    std::string source;
    std::string path;
    std::string reason;
};
struct ParentLink {
    std::string id;
    Digest manifest;
};

struct Manifest {
    std::string id;
    std::uint64_t number = 0;
    std::string repository;
    std::optional<ParentLink> parent;
    std::string type;
    std::string host;
    SystemSeconds started{};
    SystemSeconds finished{};
    std::string holdfast_version;
    std::string sqlite_version;
    std::vector<Component> components;
    std::vector<MissingSource> missing;
    std::vector<std::string> suspect;  // reasons to look before trusting it
    std::uint64_t stored_bytes = 0;    // that this snapshot added
    std::uint64_t object_count = 0;    // that it needs
    std::optional<Digest>
        private_digest{};                 // of the manifest that is sealed in this one: private_manifest.hpp
    std::string private_text{};           // that, in base64
    std::optional<Digest> text_digest{};  // of the bytes of manifest.json that it was read from or written to

    /// Names that this process could not reveal: they are component-1 and so on, whatever the component is.
    bool has_hidden_names() const { return private_digest && !private_text.empty(); }
    bool is_partial() const {
        if (!missing.empty()) return true;
        return std::any_of(components.begin(), components.end(),
                           [](const Component& c) { return !c.warnings.empty(); });
    }
    std::string state() const { return !suspect.empty() ? "suspect" : is_partial() ? "partial" : "complete"; }
    std::uint64_t bytes() const {
        std::uint64_t total = 0;
        for (const Component& c : components) total += c.bytes;
        return total;
    }
    std::uint64_t new_bytes() const {
        std::uint64_t total = 0;
        for (const Component& c : components) total += c.new_bytes;
        return total;
    }
    const Component* find(std::string_view name) const {
        for (const Component& c : components)
            if (c.name == name) return &c;
        return nullptr;
    }
};

/// 20261120T020000Z-7f3a9c
inline bool is_snapshot_id(std::string_view id) {
    if (id.size() != 23 || id[8] != 'T' || id[15] != 'Z' || id[16] != '-') return false;
    for (std::size_t i = 0; i < id.size(); ++i) {
        if (i == 8 || i == 15 || i == 16) continue;
        const bool digit = id[i] >= '0' && id[i] <= '9';
        if (!digit && (i < 17 || id[i] < 'a' || id[i] > 'f')) return false;
    }
    return true;
}

/// A source name, or "source/file name": one or two parts that are safe to make below a target. Throws: corrupt.
inline void check_component_name(const std::string& name) {
    const auto parts = split(name, '/');
    bool ok = parts.size() <= 2 && is_utf8(name);
    for (const std::string_view part : parts)
        ok = ok && !part.empty() && part != "." && part != ".." && part.size() <= 255;
    for (const char c : name) ok = ok && static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    if (!ok) throw Error(Kind::corrupt, "component name " + in_quotes(name) + " is not safe");
}

}  // namespace holdfast
