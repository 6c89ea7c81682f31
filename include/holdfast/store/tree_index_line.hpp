// store/tree_index_line.hpp - one entry of a tree's index and the JSON line that holds it.
//
// Names that are not UTF-8 stand as base64 in path_b64 and link_b64. Parsing refuses (Kind::corrupt)
// unknown types, missing or impossible values and paths that leave the tree.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/wrap/digest.hpp"
#include "holdfast/wrap/json.hpp"
#include "holdfast/wrap/tar_entry.hpp"

namespace holdfast {

struct IndexEntry {
    std::string path;  // "." is the top directory
    EntryType type = EntryType::file;
    mode_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t mtime_ns = 0;
    std::uint64_t size = 0;  // file: bytes in the tar, holes included
    Digest sha256;           // file: of its content, holes read as zeros
    std::string link;        // symlink: its target; hardlink: the path of the first name
    std::uint32_t device_major = 0, device_minor = 0;
    std::uint64_t offset = 0;  // of its tar record: in the group when encoded, in the stream when read
    std::uint64_t length = 0;  // of its tar record, headers and padding included
    bool is_sqlite = false;    // the content is an image taken through SQLite
    bool is_changed = false;   // it changed while it was read
    std::optional<std::uint64_t> truncated;  // only so many bytes could be read; the rest of `size` is
                                             // filler, restore cuts it off and sha256 leaves it out

    /// Bytes of the file once restored.
    std::uint64_t content_bytes() const { return truncated.value_or(size); }
};

/// A path of 32 KiB and a link of 32 KiB, each byte as \u00XX, and the fixed fields.
inline constexpr std::size_t kMaxIndexLine = 2 * 6 * kMaxTreePath + 4096;

namespace detail {

inline void append_json_string(std::string& out, std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte < 0x20)
            out += {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15U]};
        else
            out += c;
    }
    out += '"';
}
inline void append_name(std::string& out, std::string_view key, std::string_view name) {
    const bool is_text = is_utf8(name);
    out.append("\"").append(key).append(is_text ? "\":" : "_b64\":");
    append_json_string(out, is_text ? std::string{name} : to_base64(name));
}

}  // namespace detail

/// Appends the line that starts a group of `bytes` of tar.
inline void append_segment_line(std::string& out, std::uint64_t bytes) {
    out += "{\"segment_bytes\":" + std::to_string(bytes) + "}\n";
}

/// Appends the line of `entry`, whose offset is within its group.
inline void append_index_line(std::string& out, const IndexEntry& entry) {
    const auto number = [&](const char* key, auto value) {
        out.append(",\"").append(key).append("\":").append(std::to_string(value));
    };
    out += '{';
    detail::append_name(out, "path", entry.path);
    out.append(",\"type\":\"").append(entry_type_name(entry.type)).append("\",\"mode\":\"0");
    for (int shift = 9; shift >= 0; shift -= 3)
        if (shift != 9 || (entry.mode & 07000U) != 0)
            out += static_cast<char>('0' + (entry.mode >> shift & 7U));
    out += '"';
    number("uid", entry.uid);
    number("gid", entry.gid);
    number("mtime_ns", entry.mtime_ns);
    if (entry.type == EntryType::file) {
        number("size", entry.size);
        out.append(",\"sha256\":\"").append(entry.sha256.hex()).append("\"");
    }
    if (entry.type == EntryType::symlink || entry.type == EntryType::hardlink) {
        out += ',';
        detail::append_name(out, "link", entry.link);
    }
    if (entry.type == EntryType::character_device || entry.type == EntryType::block_device) {
        number("major", entry.device_major);
        number("minor", entry.device_minor);
    }
    number("offset", entry.offset);
    number("length", entry.length);
    if (entry.is_sqlite) out += ",\"sqlite\":true";
    if (entry.is_changed) out += ",\"changed\":true";
    if (entry.truncated) number("truncated", *entry.truncated);
    out += "}\n";
}

namespace detail {

class IndexLine {
public:
    explicit IndexLine(const Json& json) : fields_(json, "tree index line") {}

    std::optional<std::uint64_t> segment_bytes() const {
        if (fields_.find("segment_bytes") == nullptr) return std::nullopt;
        return fields_.number("segment_bytes");
    }
    IndexEntry entry() const {
        IndexEntry e;
        e.path = name("path", "path_b64");
        if (const char* why = tree_path_problem(e.path)) fields_.fail("path", why);
        const auto type = parse_entry_type(fields_.text("type"));
        if (!type) fields_.fail("type", "is not known");
        e.type = *type;
        e.mode = mode();
        e.uid = small("uid");
        e.gid = small("gid");
        e.mtime_ns = fields_.signed_number("mtime_ns");
        e.offset = fields_.number("offset");
        e.length = fields_.number("length");
        read_by_type(e);
        if (e.length < 512 || e.length % 512 != 0) fields_.fail("length", "is not that of a tar record");
        return e;
    }

private:
    void read_by_type(IndexEntry& e) const {
        if (e.type == EntryType::file) {
            e.size = fields_.number("size");
            if (e.size >> 62 != 0) fields_.fail("size", "is impossible");
            const auto digest = Digest::parse(fields_.text("sha256"));
            if (!digest) fields_.fail("sha256", "is not a SHA-256");
            e.sha256 = *digest;
            e.is_sqlite = flag("sqlite");
            e.is_changed = flag("changed");
            if (fields_.find("truncated") != nullptr) e.truncated = fields_.number("truncated");
            if (e.truncated && *e.truncated > e.size) fields_.fail("truncated", "is more than the size");
        }
        if (e.type == EntryType::symlink || e.type == EntryType::hardlink) {
            e.link = name("link", "link_b64");
            if (e.link.empty() || e.link.size() > kMaxTreePath || e.link.find('\0') != std::string::npos)
                fields_.fail("link", "is not a path");
            const char* why = e.type == EntryType::hardlink ? tree_path_problem(e.link) : nullptr;
            if (why != nullptr) fields_.fail("link", why);
        }
        if (e.type == EntryType::character_device || e.type == EntryType::block_device) {
            e.device_major = small("major");
            e.device_minor = small("minor");
        }
        if (e.path == "." && e.type != EntryType::directory) fields_.fail("type", "of the top is not dir");
    }
    std::string name(const char* key, const char* key_b64) const {
        if (fields_.find(key) != nullptr) {
            if (fields_.find(key_b64) != nullptr) fields_.fail(key_b64, "is there twice");
            return fields_.text(key);
        }
        const auto decoded = from_base64(fields_.text(key_b64));
        if (!decoded) fields_.fail(key_b64, "is not base64");
        return *decoded;
    }
    mode_t mode() const {
        const std::string text = fields_.text("mode");
        if (text.size() < 4 || text.size() > 5 || text[0] != '0') fields_.fail("mode", "is not octal");
        mode_t mode = 0;
        for (const char c : text) {
            if (c < '0' || c > '7') fields_.fail("mode", "is not octal");
            mode = mode << 3 | static_cast<mode_t>(c - '0');
        }
        return mode;
    }
    std::uint32_t small(const char* key) const {
        const std::uint64_t value = fields_.number(key);
        if (value > 0xFFFFFFFFU) fields_.fail(key, "is too large");
        return static_cast<std::uint32_t>(value);
    }
    bool flag(const char* key) const {
        const Json* value = fields_.find(key);
        if (value != nullptr && !value->is_boolean()) fields_.fail(key, "is not true or false");
        return value != nullptr && value->get<bool>();
    }
    JsonFields fields_;
};

}  // namespace detail

}  // namespace holdfast
