// base/disk.hpp - durable publication of files and folders.
//
// publish_file() is the only way a small file gets its final name: temporary, write, fsync, close,
// rename, fsync of the folder. A crash leaves the old file or the new one. Modes are set explicitly,
// so the umask changes nothing.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/fd.hpp"

namespace holdfast {

namespace fs = std::filesystem;

/// Private folders that restores make in or beside their targets begin so. They are of no use in a snapshot.
inline constexpr std::string_view kStagingPrefix = ".holdfast-restore.";

/// Removes a file or a whole folder, also one whose folders its owner may not write. What is not there is no error; after
/// one some of it may be left.
inline std::error_code remove_tree(const fs::path& path) noexcept {
    std::error_code error;
    fs::remove_all(path, error);
    if (!error) return error;
    const auto open_folder = [](const fs::path& folder) {
        std::error_code ignored;
        fs::permissions(folder, fs::perms::owner_all, fs::perm_options::add, ignored);
    };
    open_folder(path);
    fs::recursive_directory_iterator at(path, error), end;
    for (; !error && at != end; at.increment(error))
        if (at->is_directory(error) && !at->is_symlink(error)) open_folder(at->path());
    fs::remove_all(path, error);
    return error;
}

/// Removes its file (or whole folder) unless keep() was called.
class TempName {
public:
    explicit TempName(fs::path path) : path_(std::move(path)) {}
    TempName(TempName&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempName& operator=(TempName&&) = delete;
    ~TempName() {
        if (!path_.empty()) remove_tree(path_);  // nobody to tell; the next run removes leftovers
    }
    const fs::path& path() const noexcept { return path_; }
    void keep() noexcept { path_.clear(); }

private:
    fs::path path_;
};

inline void sync_directory(const fs::path& path) {
    const UniqueFd fd = open_fd(path.string(), O_RDONLY | O_DIRECTORY);
    sync_fd(fd.get(), "sync directory '" + path.string() + "'");
}

/// Creates one folder with mode 0700 and syncs its parent; true if it was not there before. Throws: io.
inline bool make_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0700) != 0) {
        std::error_code unknown;
        const int number = errno;
        if (number == EEXIST && fs::is_directory(path, unknown)) return false;
        errno = number;
        throw_os("create directory '" + path.string() + "'");
    }
    if (::chmod(path.c_str(), 0700) != 0) throw_os("set the mode of '" + path.string() + "'");
    sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
    return true;
}

/// Creates every missing folder on the way, each with mode 0700. Throws: io.
inline void make_directories(const fs::path& path) {
    std::error_code unknown;  // then making it says what is wrong
    if (path.empty() || fs::is_directory(path, unknown)) return;
    make_directories(path.parent_path());
    make_directory(path);
}

inline void rename_path(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0)
        throw_os("rename '" + from.string() + "' to '" + to.string() + "'");
}

/// Swaps what two names stand for, files or folders, in one step: at no instant does either stand for nothing.
/// False, and nothing was done, where the file system or the kernel cannot: both are EINVAL in glibc. Throws: io.
[[nodiscard]] inline bool exchange_paths(const fs::path& a, const fs::path& b) {
    if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
    if (errno != EINVAL) throw_os("exchange '" + a.string() + "' and '" + b.string() + "'");
    return false;
}

/// Writes a new file, synced but under this very name; the folder is not synced. Throws: io.
inline void write_new_file(const fs::path& path, ByteSpan bytes, mode_t mode = 0600) {
    UniqueFd fd = open_fd(path.string(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (::fchmod(fd.get(), mode) != 0) throw_os("set the mode of '" + path.string() + "'");
    write_full(fd.get(), bytes, "write '" + path.string() + "'");
    sync_fd(fd.get(), "sync '" + path.string() + "'");
    fd.close("close '" + path.string() + "'");
}

/// Replaces or creates `path` atomically and durably. Throws: io.
inline void publish_file(const fs::path& path, ByteSpan bytes, mode_t mode = 0600) {
    TempName tmp{path.string() + ".tmp." + std::to_string(::getpid())};
    std::error_code ignored;
    fs::remove(tmp.path(), ignored);  // ours from a crashed process that had this pid
    write_new_file(tmp.path(), bytes, mode);
    rename_path(tmp.path(), path);
    tmp.keep();
    sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

/// The whole file, refused beyond `max_bytes` before memory is taken; nothing if it does not exist.
/// Throws: io, corrupt (too large).
inline std::optional<std::string> read_file_if_any(const fs::path& path, std::uint64_t max_bytes) {
    UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // a pipe would be waited for
    if (!fd && errno == ENOENT) return std::nullopt;
    if (!fd) throw_os("open '" + path.string() + "'");
    const struct stat st = stat_fd(fd.get(), "stat '" + path.string() + "'");
    if (!S_ISREG(st.st_mode)) throw Error(Kind::io, "'" + path.string() + "' is not a regular file");
    if (static_cast<std::uint64_t>(st.st_size) > max_bytes)
        throw Error(Kind::corrupt, "'" + path.string() + "' is larger than " + std::to_string(max_bytes) +
                                       " bytes, the most it may have");
    std::string text(static_cast<std::size_t>(st.st_size), '\0');
    const std::size_t n =
        read_full(fd.get(), std::as_writable_bytes(std::span(text)), "read '" + path.string() + "'");
    text.resize(n);
    return text;
}

inline std::string read_file(const fs::path& path, std::uint64_t max_bytes) {
    std::optional<std::string> text = read_file_if_any(path, max_bytes);
    if (!text) throw OsError(ENOENT, "open '" + path.string() + "'");
    return *std::move(text);
}

/// Names in a folder without "." and "..", sorted by bytes. Throws: io.
inline std::vector<std::string> list_directory(const fs::path& path) {
    struct CloseDir {
        void operator()(DIR* dir) const noexcept { ::closedir(dir); }
    };
    const std::unique_ptr<DIR, CloseDir> dir{::opendir(path.c_str())};
    if (!dir) throw_os("list '" + path.string() + "'");
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(dir.get());
        if (entry == nullptr) {
            if (errno != 0) throw_os("list '" + path.string() + "'");
            break;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace holdfast
