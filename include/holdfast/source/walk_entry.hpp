// source/walk_entry.hpp - what a walk through a tree finds and tells.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/fd.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/wrap/tar_entry.hpp"

namespace holdfast {

/// Something for the report about one path.
enum class TreeIssue {
    // Problems: the capture is partial.
    unreadable,   // permission or input error
    vanished,     // gone between listing and reading
    changed,      // written to while it was read; what was read is saved
    busy,         // a database that stayed locked; left out
    damaged,      // a database that SQLite refused; its raw bytes are saved
    unsupported,  // a name or attribute that the archive cannot hold
    other_name,   // a database with a name elsewhere, where its WAL may lie; what this name has is saved
    // Notes: nothing is missing that a restore would want.
    socket,
    sidecar,
    kept_out,
    detached_link,  // a hard link saved as a file of its own
};
constexpr bool is_problem(TreeIssue issue) { return issue < TreeIssue::socket; }
using TreeListener = std::function<void(TreeIssue, const std::string& path, const std::string& why)>;

struct FileIdentity {
    dev_t device;
    ino_t inode;
    bool operator==(const FileIdentity&) const = default;
};
struct FileIdentityHash {
    std::size_t operator()(const FileIdentity& id) const noexcept {
        return std::hash<std::uint64_t>{}(id.inode * 0x9E3779B97F4A7C15ULL ^ id.device);
    }
};
inline FileIdentity identity_of(const struct stat& st) { return {st.st_dev, st.st_ino}; }
/// Nanoseconds since 1970; times outside 1678 to 2261 become the nearest that fits.
inline std::int64_t to_ns(const struct timespec& t) {
    const std::int64_t seconds = std::clamp<std::int64_t>(t.tv_sec, -9'200'000'000, 9'200'000'000);
    return seconds * 1'000'000'000 + t.tv_nsec;
}

/// Would SQLite open it as a database? Never ask while a connection of this process has it open: closing
/// a descriptor drops all POSIX locks on the file.
inline bool has_sqlite_magic(int fd) {
    static constexpr std::string_view kMagic{"SQLite format 3\0", 16};
    std::array<char, 16> head{};
    return ::pread(fd, head.data(), head.size(), 0) == 16 && std::string_view{head.data(), 16} == kMagic;
}
inline bool is_sqlite_file(const struct stat& st, int fd) {
    return S_ISREG(st.st_mode) && st.st_size >= 100 && has_sqlite_magic(fd);  // 100: the header's size
}
inline bool is_sqlite_at(int at, const std::string& name) {
    const UniqueFd fd{::openat(at, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    struct stat st {};
    return fd && ::fstat(fd.get(), &st) == 0 && is_sqlite_file(st, fd.get());
}

struct WalkEntry {
    std::string path;
    EntryType type = EntryType::file;
    struct stat st {};
    std::string link;                   // as in TarEntry
    std::vector<struct stat> sidecars;  // of a regular file: its kSidecarsInKey, which may belong to it
    bool owns_sidecars = false;         // it is a SQLite file and the walk left its sidecars out
    std::size_t names = 0;              // of a SQLite file with several: how many the source has
    std::string read_as;  // of such a file: its name with the WAL or journal, if that is another
};

/// What SQLite keeps beside a database and what its content depends on; -shm only mirrors the -wal.
inline constexpr std::array<const char*, 2> kSidecarsInKey = {"-journal", "-wal"};

/// The entry of one regular file in an open directory.
inline WalkEntry walk_one_file(int directory, const std::string& name) {
    WalkEntry entry;
    entry.path = name;
    if (::fstatat(directory, name.c_str(), &entry.st, AT_SYMLINK_NOFOLLOW) != 0)
        throw_os("stat " + in_quotes(name));
    struct stat st {};
    for (const char* end : kSidecarsInKey)
        if (::fstatat(directory, (name + end).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
            entry.sidecars.push_back(st);
    return entry;
}

}  // namespace holdfast
