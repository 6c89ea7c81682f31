// source/tree_walk.hpp - every entry of a directory tree, sorted, without following a link.
//
// Names come in byte order within their directory, but `_delta_log` first, so that a Delta table's log is
// captured before the data files that it names. A directory comes before its content. Memory is the names
// of one directory per level and the hard links whose other names are still to come. File systems
// mounted inside the tree are walked too. A tree with SQLite files of several names is walked twice, from the first
// of them on, to know by which name to read it (tree_shared.hpp). Sockets, excluded paths, directories of `keep_out` and the
// sidecars of SQLite files are left out. One thread at a time.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/directory_chain.hpp"
#include "holdfast/base/fd.hpp"
#include "holdfast/base/glob.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/source/hard_links.hpp"
#include "holdfast/source/sqlite_files.hpp"
#include "holdfast/source/tree_shared.hpp"
#include "holdfast/source/walk_entry.hpp"

namespace holdfast {

class TreeWalk {
public:
    TreeWalk(UniqueFd root, std::vector<std::string> exclude, std::vector<FileIdentity> keep_out,
             TreeListener listener)
        : top_(open_again(root)), chain_(std::move(root)), exclude_(std::move(exclude)),
          keep_out_(std::move(keep_out)), listener_(std::move(listener)) {}

    /// Files whose content was last changed before this time since the epoch are passed over, as excluded ones are.
    void leave_out_before(std::chrono::nanoseconds time) { oldest_ = time; }

    /// The next entry; nothing at the end. Throws: interrupted.
    std::optional<WalkEntry> next() {
        if (!started_) return start();
        for (;;) {
            if (entering_) enter();
            if (levels_.empty()) return std::nullopt;
            Level& level = levels_.back();
            if (level.at == level.names.size()) {
                leave();
                continue;
            }
            check_interrupted();
            if (auto entry = look_at(level, level.names[level.at++])) return entry;
        }
    }

private:
    struct Level {
        std::vector<std::string> names;
        std::size_t at = 0;
        bool has_sidecars = false;
        std::set<std::string> databases;  // whose sidecars are left out
    };
    static UniqueFd open_again(const UniqueFd& root) {
        UniqueFd fd{::openat(root.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
        if (!fd) throw_os("open the top directory");
        return fd;
    }
    static bool before(const std::string& a, const std::string& b) {
        const bool a_is_log = a == "_delta_log", b_is_log = b == "_delta_log";
        return a_is_log != b_is_log ? a_is_log : a < b;
    }
    /// The SQLite file that `name` would be a sidecar of; empty if none.
    static std::string_view sidecar_base(std::string_view name) {
        for (const std::string_view end : kSqliteSidecars)
            if (name.ends_with(end) && name.size() > end.size())
                return name.substr(0, name.size() - end.size());
        return {};
    }

    std::optional<WalkEntry> start() {
        started_ = true;
        WalkEntry top;
        top.path = ".";
        top.type = EntryType::directory;
        top.st = stat_fd(chain_.fd(), "stat the top directory");
        levels_.push_back(list());
        return top;
    }
    void enter() {
        const std::string name = *std::exchange(entering_, std::nullopt);
        try {
            chain_.enter(name);
            levels_.push_back(list());
        } catch (const OsError& e) {
            listener_(e.number() == ENOENT ? TreeIssue::vanished : TreeIssue::unreadable,
                      join_tree_path(chain_.path(), name), e.what());
        }
    }
    void leave() {
        levels_.pop_back();
        if (!levels_.empty()) chain_.leave();
    }
    /// The sorted names of the innermost directory; what could not be listed is reported and empty.
    Level list() {
        Level level;
        const int fd = ::openat(chain_.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct CloseDir {
            void operator()(DIR* dir) const noexcept { ::closedir(dir); }
        };
        const std::unique_ptr<DIR, CloseDir> dir{fd < 0 ? nullptr : ::fdopendir(fd)};
        while (dir) {
            errno = 0;
            const dirent* entry = ::readdir(dir.get());
            if (entry == nullptr) break;
            const std::string_view name = entry->d_name;
            if (name == "." || name == "..") continue;
            level.names.emplace_back(name);
            level.has_sidecars = level.has_sidecars || !sidecar_base(name).empty();
        }
        if (!dir || errno != 0)
            listener_(TreeIssue::unreadable, std::string{chain_.path()},
                      OsError(errno, "the directory cannot be listed").what());
        std::sort(level.names.begin(), level.names.end(), before);
        level.names.erase(std::unique(level.names.begin(), level.names.end()), level.names.end());
        return level;
    }

    std::optional<WalkEntry> look_at(Level& level, const std::string& name) {
        WalkEntry entry;
        entry.path = join_tree_path(chain_.path(), name);
        if (any_glob_covers(exclude_, entry.path)) return std::nullopt;
        if (entry.path.size() > kMaxTreePath)
            return skip(TreeIssue::unsupported, entry.path, "its path is longer than 32768 bytes");
        if (::fstatat(chain_.fd(), name.c_str(), &entry.st, AT_SYMLINK_NOFOLLOW) != 0)
            return skip(errno == ENOENT ? TreeIssue::vanished : TreeIssue::unreadable, entry.path,
                        OsError(errno, "stat").what());
        if (S_ISREG(entry.st.st_mode) && modified(entry.st) < oldest_) return std::nullopt;
        switch (entry.st.st_mode & S_IFMT) {
            case S_IFREG: return look_at_file(level, name, std::move(entry));
            case S_IFDIR: return look_at_directory(name, std::move(entry));
            case S_IFLNK: return look_at_symlink(name, std::move(entry));
            case S_IFIFO: entry.type = EntryType::fifo; break;
            case S_IFCHR: entry.type = EntryType::character_device; break;
            case S_IFBLK: entry.type = EntryType::block_device; break;
            default: return skip(TreeIssue::socket, entry.path, "sockets are not saved");
        }
        return entry;
    }
    std::optional<WalkEntry> look_at_directory(const std::string& name, WalkEntry entry) {
        if (std::find(keep_out_.begin(), keep_out_.end(), identity_of(entry.st)) != keep_out_.end())
            return skip(TreeIssue::kept_out, entry.path, "this directory does not back itself up");
        if (name.starts_with(kStagingPrefix))
            return skip(TreeIssue::kept_out, entry.path, "a restore keeps here what it replaced");
        entry.type = EntryType::directory;
        entering_ = name;
        return entry;
    }
    std::optional<WalkEntry> look_at_symlink(const std::string& name, WalkEntry entry) {
        entry.type = EntryType::symlink;
        entry.link.resize(4096);  // PATH_MAX: the kernel makes no longer target
        const ssize_t n = ::readlinkat(chain_.fd(), name.c_str(), entry.link.data(), entry.link.size());
        if (n <= 0)
            return skip(errno == ENOENT ? TreeIssue::vanished : TreeIssue::unreadable, entry.path,
                        OsError(errno, "read the link").what());
        entry.link.resize(static_cast<std::size_t>(n));
        return entry;
    }
    std::optional<WalkEntry> look_at_file(Level& level, const std::string& name, WalkEntry entry) {
        if (level.has_sidecars) {
            // A database comes before its sidecars: its name is the front of theirs.
            if (level.databases.contains(std::string{sidecar_base(name)}))
                return skip(TreeIssue::sidecar, entry.path,
                            "belongs to the database beside it, which is saved whole");
            if (has_sidecars(level, name)) {
                entry.owns_sidecars = is_sqlite_at(chain_.fd(), name);
                if (entry.owns_sidecars) level.databases.insert(name);
                entry.sidecars = walk_one_file(chain_.fd(), name).sidecars;
            }
        }
        if (entry.st.st_nlink > 1 && !links_.has(entry) &&
            (entry.owns_sidecars || (entry.st.st_size >= 100 && is_sqlite_at(chain_.fd(), name)))) {
            if (scan_ != nullptr) {
                scan_->add(entry);
            } else {
                if (!shared_) scan();
                shared_->resolve(entry, listener_);
            }
            return entry;
        }
        return scan_ != nullptr ? entry : with_link(std::move(entry));
    }
    /// All names of databases that have several.
    void scan() {
        shared_.emplace();
        TreeWalk walk(open_again(top_), exclude_, keep_out_,
                      [](TreeIssue, const std::string&, const std::string&) {});
        walk.scan_ = &*shared_;
        while (walk.next()) {}
    }
    static std::chrono::nanoseconds modified(const struct stat& st) {
        return std::chrono::seconds{st.st_mtim.tv_sec} + std::chrono::nanoseconds{st.st_mtim.tv_nsec};
    }
    static bool has_sidecars(const Level& level, const std::string& name) {
        return std::any_of(kSqliteSidecars.begin(), kSqliteSidecars.end(), [&](const char* end) {
            return std::binary_search(level.names.begin(), level.names.end(), name + end, before);
        });
    }

    WalkEntry with_link(WalkEntry entry) {
        if (const char* why = links_.resolve(entry)) listener_(TreeIssue::detached_link, entry.path, why);
        return entry;
    }
    std::optional<WalkEntry> skip(TreeIssue issue, const std::string& path, const std::string& why) {
        listener_(issue, path, why);
        return std::nullopt;
    }

    UniqueFd top_;
    DirectoryChain chain_;
    std::vector<std::string> exclude_;
    std::chrono::nanoseconds oldest_ = std::chrono::nanoseconds::min();
    std::vector<FileIdentity> keep_out_;
    TreeListener listener_;
    bool started_ = false;
    std::optional<std::string> entering_;
    std::vector<Level> levels_;
    FirstNames links_;
    std::optional<SharedDatabases> shared_;
    SharedDatabases* scan_ = nullptr;  // this walk only looks for them
};

}  // namespace holdfast
