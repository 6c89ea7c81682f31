// wrap/tar_entry.hpp - one record of a tree, as the archive and the index both describe it.
//
// A path is relative and byte-exact: "." for the top, "a/b" below it; tree_path_problem() says why another
// one is refused. POSIX ACLs travel as the extended attributes in which Linux keeps them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

enum class EntryType { file, directory, symlink, hardlink, fifo, character_device, block_device };

struct EntryTypeName {
    EntryType type;
    const char* name;  // the word in the index
};
inline constexpr EntryTypeName kEntryTypeNames[] = {
    {EntryType::file, "file"},         {EntryType::directory, "dir"}, {EntryType::symlink, "symlink"},
    {EntryType::hardlink, "hardlink"}, {EntryType::fifo, "fifo"},     {EntryType::character_device, "char"},
    {EntryType::block_device, "block"}};

inline const char* entry_type_name(EntryType type) {
    for (const EntryTypeName& known : kEntryTypeNames)
        if (known.type == type) return known.name;
    return "file";
}
inline std::optional<EntryType> parse_entry_type(std::string_view name) {
    for (const EntryTypeName& known : kEntryTypeNames)
        if (known.name == name) return known.type;
    return std::nullopt;
}

struct Xattr {
    std::string name;
    std::string value;
    bool operator==(const Xattr&) const = default;
};
inline constexpr const char* kAccessAcl = "system.posix_acl_access";
inline constexpr const char* kDefaultAcl = "system.posix_acl_default";

struct DataRun {  // a run of data in a sparse file; everything between runs is zeros
    std::uint64_t offset;
    std::uint64_t bytes;
    bool operator==(const DataRun&) const = default;
};

struct TarEntry {
    std::string path;
    EntryType type = EntryType::file;
    mode_t mode = 0;  // permission bits with setuid, setgid and sticky: 0..07777
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t mtime_ns = 0;  // since 1970, negative before
    std::uint64_t size = 0;     // of a file, holes included; 0 for every other type
    std::string link;           // target of a symlink as it stands; path of a hard link's first name
    std::uint32_t device_major = 0, device_minor = 0;
    std::vector<Xattr> xattrs;
    std::optional<std::vector<DataRun>> runs;  // nothing: no holes
};

inline constexpr std::size_t kMaxTreePath = 32768;  // PATH_MAX is 4096; eight times that, so that a line
                                                    // of the index and a header stay small
inline constexpr std::size_t kMaxXattrBytes = 512 * 1024;  // names and values of one entry; libarchive
                                                           // reads headers of up to 1 MiB

/// Why `path` cannot be the path of an entry; null if it can.
inline const char* tree_path_problem(std::string_view path) {
    if (path == ".") return nullptr;
    if (path.empty()) return "is empty";
    if (path.size() > kMaxTreePath) return "is longer than 32768 bytes";
    if (path.front() == '/') return "is absolute";
    if (path.find('\0') != std::string_view::npos) return "contains a NUL";
    while (!path.empty()) {
        const std::string_view part = path.substr(0, path.find('/'));
        if (part.empty()) return "has an empty part";
        if (part == "." || part == "..") return "has a '.' or '..' part";
        if (part.size() == path.size()) return nullptr;
        path.remove_prefix(part.size() + 1);
    }
    return "ends in '/'";
}

}  // namespace holdfast
