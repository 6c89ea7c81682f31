// source/sqlite_files.hpp - a database's files as files: its sidecars, its locks, a private copy.
//
// These open the database file by themselves, so no connection of this process may exist meanwhile.
// Lock bytes: https://www.sqlite.org/src/file/src/os.h (PENDING_BYTE and following).
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "holdfast/base/clock.hpp"
#include "holdfast/base/disk.hpp"
#include "holdfast/base/random.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

inline constexpr std::array<const char*, 3> kSqliteSidecars = {"-wal", "-shm", "-journal"};

namespace detail {
inline constexpr off_t kPendingByte = 0x40000000;
inline constexpr off_t kSharedFirst = kPendingByte + 2, kSharedSize = 510;

inline bool try_lock_range(int fd, short type, off_t start, off_t length) {
    struct flock range {};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = start;
    range.l_len = length;
    return ::fcntl(fd, F_SETLK, &range) == 0;
}

struct FileState {
    bool exists = false;
    struct stat st {};
    bool operator==(const FileState& o) const {
        return exists == o.exists && st.st_ino == o.st.st_ino && st.st_dev == o.st.st_dev &&
               st.st_size == o.st.st_size && st.st_mtim.tv_sec == o.st.st_mtim.tv_sec &&
               st.st_mtim.tv_nsec == o.st.st_mtim.tv_nsec;
    }
};
inline FileState file_state(const std::string& path) {
    FileState state;
    state.exists = ::lstat(path.c_str(), &state.st) == 0;
    return state;
}
}  // namespace detail

/// Remembers which sidecars existed; removes at the end what a read-only open had to create, if nobody else has the
/// database open and the WAL holds nothing. Make it before the connection and destroy it after.
class SidecarGuard {
public:
    explicit SidecarGuard(std::string path) : path_(std::move(path)) {
        for (std::size_t i = 0; i < kSqliteSidecars.size(); ++i)
            existed_[i] = detail::file_state(path_ + kSqliteSidecars[i]).exists;
    }
    SidecarGuard(const SidecarGuard&) = delete;
    SidecarGuard& operator=(const SidecarGuard&) = delete;
    ~SidecarGuard() {
        const bool made_wal = !existed_[0] && detail::file_state(path_ + "-wal").exists;
        const bool made_shm = !existed_[1] && detail::file_state(path_ + "-shm").exists;
        if (!made_wal && !made_shm) return;
        const UniqueFd fd{::open(path_.c_str(), O_RDWR | O_CLOEXEC)};
        // Every connection to a WAL database holds a shared lock here: an exclusive one says we are alone.
        if (!fd || !detail::try_lock_range(fd.get(), F_WRLCK, detail::kPendingByte, 512)) return;
        if (made_wal) {
            if (detail::file_state(path_ + "-wal").st.st_size != 0) return;
            ::unlink((path_ + "-wal").c_str());
        }
        if (made_shm) ::unlink((path_ + "-shm").c_str());
    }

private:
    std::string path_;
    std::array<bool, 3> existed_{};
};

/// A copy of a database with its journal and WAL in a folder of its own, taken under a shared lock and only if
/// nothing changed meanwhile; removed with the object.
class PrivateCopy {
public:
    /// Throws: busy if the files keep changing or stay locked, io.
    PrivateCopy(const std::string& path, const fs::path& staging, std::chrono::milliseconds budget)
        : folder_(staging / ("sqlite." + std::to_string(::getpid()) + "." + random_hex<4>())) {
        make_directory(folder_.path());
        const Deadline deadline{std::max(budget, kSettled + std::chrono::milliseconds{1000})};
        const UniqueFd database = open_fd(path, O_RDONLY);
        while (!copy_once(path, database.get())) {
            check_interrupted();
            if (deadline.has_passed())
                throw Error(
                    Kind::busy,
                    "database " + in_quotes(path) + " could not be copied: it kept changing or stayed locked",
                    "run as a user who may write beside the database, so that it can be read in place");
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
    }
    std::string path() const { return (folder_.path() / "copy.db").string(); }

private:
    bool copy_once(const std::string& path, int database) const {
        if (!detail::try_lock_range(database, F_RDLCK, detail::kSharedFirst, detail::kSharedSize))
            return false;
        struct ReleaseLock {
            int fd;
            ~ReleaseLock() { detail::try_lock_range(fd, F_UNLCK, detail::kSharedFirst, detail::kSharedSize); }
        };
        const ReleaseLock unlock{database};
        const auto states = [&] {
            return std::array{detail::file_state(path), detail::file_state(path + "-wal"),
                              detail::file_state(path + "-journal")};
        };
        const auto before = states();
        if (!is_settled(before)) return false;
        copy_file(database, path, this->path());
        for (const char* suffix : {"-wal", "-journal"}) {
            ::unlink((this->path() + suffix).c_str());
            UniqueFd sidecar{::open((path + suffix).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
            if (sidecar) copy_file(sidecar.get(), path + suffix, this->path() + suffix);
        }
        return before == states();
    }

    /// A change within one tick of the file system's clock would not show; so the files must have rested a while.
    static constexpr std::chrono::milliseconds kSettled{2000};
    static bool is_settled(const std::array<detail::FileState, 3>& states) {
        const auto latest = std::chrono::system_clock::now() - kSettled;
        return std::all_of(states.begin(), states.end(), [&](const detail::FileState& s) {
            const auto modified =
                std::chrono::seconds{s.st.st_mtim.tv_sec} + std::chrono::nanoseconds{s.st.st_mtim.tv_nsec};
            return !s.exists || modified <= latest.time_since_epoch() ||
                   modified > (latest + 2 * kSettled).time_since_epoch();
        });
    }

    static void copy_file(int from, const std::string& from_path, const std::string& to_path) {
        UniqueFd to = open_fd(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
        Bytes buffer(1_MiB);
        for (std::uint64_t at = 0;;) {
            check_interrupted();
            const std::size_t n = pread_full(from, buffer, at, "read '" + from_path + "'");
            if (n == 0) break;
            write_full(to.get(), ByteSpan(buffer).first(n), "write '" + to_path + "'");
            at += n;
        }
        to.close("close '" + to_path + "'");
    }

    TempName folder_;
};

}  // namespace holdfast
