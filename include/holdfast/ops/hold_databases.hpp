// ops/hold_databases.hpp - keeps applications out of databases that are about to be replaced.
//
// An application that has the old file open would go on writing to it, and lose every commit. SQLite's own locks show
// who is reading, writing or in WAL mode, and keep out who comes later; an idle connection in rollback mode has no lock,
// only a descriptor.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/holders.hpp"
#include "holdfast/source/sqlite_files.hpp"

namespace holdfast::ops {

class HeldDatabases {
public:
    HeldDatabases() = default;
    HeldDatabases(const HeldDatabases&) = delete;
    HeldDatabases& operator=(const HeldDatabases&) = delete;

    /// Locks the database at `path`, if there is one, until this object goes. Meanwhile nothing else in this process may
    /// open it: closing any descriptor of a file drops its POSIX locks. Throws: busy, io.
    void add(const fs::path& path) {
        std::error_code missing;
        const fs::path real = fs::canonical(path, missing);  // SQLite has the sidecars there
        if (missing || !remember(real.string())) return;
        hold(real.string(), holdfast::detail::kPendingByte, kMainLocks);
        if (remember(real.string() + "-shm")) hold(real.string() + "-shm", kWalIndexFirst, kWalIndexLocks);
        for (const char* suffix : {"-wal", "-journal"}) remember(real.string() + suffix);
    }

    /// Throws busy if another process has one of them open, also under another name by now.
    void check_unused() const {
        std::vector<FileId> ids;
        for (const auto& [id, path] : files_) ids.push_back(id);
        const auto holder = find_holder(ids);
        if (!holder) return;
        const auto file = std::find_if(files_.begin(), files_.end(),
                                       [&](const auto& known) { return known.first == holder->file; });
        throw_open(file->second, holder->pid);
    }

private:
    static constexpr off_t kMainLocks = 512;  // PENDING, RESERVED and SHARED
    static constexpr off_t kWalIndexFirst = 120,
                           kWalIndexLocks = 9;  // with the one that each connection has

    bool remember(const std::string& path) {
        const auto id = file_id(path);
        if (id) files_.emplace_back(*id, path);
        return id.has_value();
    }

    void hold(const std::string& path, off_t first, off_t count) {
        constexpr int kFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        short type = F_WRLCK;
        UniqueFd fd{::open(path.c_str(), O_RDWR | kFlags)};
        if (!fd && (errno == EACCES || errno == EPERM)) {  // keeps out writers only
            type = F_RDLCK;
            fd = UniqueFd{::open(path.c_str(), O_RDONLY | kFlags)};
        }
        if (!fd) throw_os("see whether " + in_quotes(path) + " is in use; nothing was changed");
        const bool is_locked = holdfast::detail::try_lock_range(fd.get(), type, first, count);
        if (!is_locked && errno != EAGAIN && errno != EACCES)
            throw_os("lock " + in_quotes(path) + " against other processes; nothing was changed");
        struct flock other {};
        other.l_type = F_WRLCK;
        other.l_whence = SEEK_SET;
        other.l_start = first;
        other.l_len = count;
        const bool has_other = ::fcntl(fd.get(), F_GETLK, &other) == 0 && other.l_type != F_UNLCK;
        if (!is_locked || has_other) throw_open(path, has_other ? other.l_pid : 0);
        locked_.push_back(std::move(fd));
    }

    [[noreturn]] static void throw_open(const std::string& path, pid_t pid) {
        throw Error(Kind::busy,
                    in_quotes(path) + " is open in another process" +
                        (pid > 0 ? " (" + describe_process(pid) + ")" : "") + "; nothing was changed",
                    "stop the application that uses it, then run it again; or restore into an empty "
                    "--target");
    }

    std::vector<std::pair<FileId, std::string>> files_;
    std::vector<UniqueFd> locked_;
};

}  // namespace holdfast::ops
