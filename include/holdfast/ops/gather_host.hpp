// ops/gather_host.hpp - disks, access, locks, schedules and the clock of this host, as facts.
#pragma once

#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <set>

#include "holdfast/base/process.hpp"
#include "holdfast/ops/plan_sources.hpp"
#include "holdfast/ops/restore_journal.hpp"
#include "holdfast/policy/health_host.hpp"
#include "holdfast/policy/health_storage.hpp"
#include "holdfast/store/repository.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast::ops {

/// Nothing if it cannot be looked at.
inline std::optional<DiskFacts> gather_disk(const std::string& path, const std::string& purpose) {
    struct statvfs st {};
    if (::statvfs(path.c_str(), &st) != 0) return std::nullopt;
    DiskFacts out{path, purpose};
    out.free_bytes = std::uint64_t{st.f_bavail} * st.f_frsize;
    out.used_bytes = (std::uint64_t{st.f_blocks} - st.f_bfree) * st.f_frsize;
    out.free_inodes = st.f_favail;
    out.inodes = st.f_files;
    out.is_readonly = (st.f_flag & ST_RDONLY) != 0;
    out.must_write = purpose != "source";
    return out;
}

/// Would a reboot lose what lies there? The folder need not exist yet.
inline bool is_in_memory(fs::path path) {
    struct statfs st {};
    while (::statfs(path.c_str(), &st) != 0) {
        if (errno != ENOENT || !path.has_relative_path()) return false;
        path = path.parent_path();
    }
    return st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC;
}

/// Why the buffer of alerts would take nothing new; empty if it would. The folder need not exist yet.
inline std::string alerts_unwritable(const fs::path& spool) {
    fs::path folder = spool;
    while (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
        const int number = errno;
        if (number != ENOENT || !folder.has_relative_path())
            return OsError(number, "write into " + in_quotes(folder.string())).what();
        folder = folder.parent_path();
    }
    constexpr std::uint64_t kOneAlert = 64_KiB;  // its text, escaped, and a block or two
    const auto disk = gather_disk(folder.string(), "alerts");
    if (!disk || disk->free_bytes >= kOneAlert) return {};
    std::error_code error;
    if (fs::file_size(spool / "reserve", error) >= kOneAlert && !error) return {};
    return "the disk of " + in_quotes(folder.string()) + " is full, and the reserve is used up";
}

namespace detail {
inline void note_failure(int number, const std::string& path, const std::string& purpose,
                         std::vector<DiskFacts>& out) {
    if (number == ENOENT || number == ENOTDIR) return;
    out.push_back({path, purpose});
    out.back().failure = OsError(number, "look at " + in_quotes(path)).what();
}
}  // namespace detail

/// Each file system once, by the first of its paths. What is not there yet, or no more, is for other checks to tell.
inline std::vector<DiskFacts> gather_disks(const std::vector<std::pair<std::string, std::string>>& paths) {
    std::vector<DiskFacts> out;
    std::map<dev_t, std::size_t> seen;
    for (const auto& [path, purpose] : paths) {
        struct stat st {};
        if (::stat(path.c_str(), &st) != 0) {
            detail::note_failure(errno, path, purpose, out);
            continue;
        }
        const auto [at, is_new] = seen.emplace(st.st_dev, out.size());
        if (!is_new) {
            out[at->second].must_write = out[at->second].must_write || purpose != "source";
        } else if (auto disk = gather_disk(path, purpose)) {
            out.push_back(*std::move(disk));
        } else {
            const int number = errno;
            seen.erase(at);
            detail::note_failure(number, path, purpose, out);
        }
    }
    return out;
}

/// Throws: io.
inline AccessFacts gather_access(const Repository& repository) {
    AccessFacts out;
    out.path = repository.root().string();
    struct stat root {};
    if (::stat(out.path.c_str(), &root) != 0) throw_os("look at " + in_quotes(out.path));
    out.mode = root.st_mode & 07777U;
    out.uid = root.st_uid;
    out.our_uid = ::geteuid();
    for (const std::string& name : list_directory(repository.root())) {
        struct stat st {};
        if (::lstat((repository.root() / name).c_str(), &st) == 0 && st.st_uid != root.st_uid)
            out.foreign.push_back(name);
    }
    for (const fs::path& path : {repository.root(), repository.snapshots(), repository.ledger()})
        out.may_write = out.may_write && ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
    return out;
}

/// How long a process has been running; nothing if it is gone.
inline std::optional<std::chrono::seconds> process_age(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat"), uptime("/proc/uptime");
    std::string text;
    double up = 0;
    if (!std::getline(file, text) || !(uptime >> up)) return std::nullopt;
    const std::size_t name_end = text.rfind(')');  // the name may hold anything
    if (name_end == std::string::npos) return std::nullopt;
    const auto fields = split(std::string_view(text).substr(name_end + 2), ' ');
    constexpr std::size_t kStartTime = 19;  // field 22, and two are gone; in ticks since boot
    if (fields.size() <= kStartTime) return std::nullopt;
    const auto ticks = parse_number<std::uint64_t>(fields[kStartTime]);
    if (!ticks) return std::nullopt;
    const double age = up - static_cast<double>(*ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    return std::chrono::seconds{static_cast<long>(std::max(age, 0.0))};
}

inline LockFacts gather_lock(const std::string& path) {
    LockFacts out{path};
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) return out;
    for (const int pid : lock_holders(st))
        if (const auto age = process_age(pid)) out.holders.push_back({pid, *age});
    return out;
}

/// Throws: io, corrupt.
inline std::vector<RestoreFacts> gather_restores(const Repository& repository) {
    std::vector<RestoreFacts> out;
    const bool is_running = !gather_lock((restores_folder(repository) / "lock").string()).holders.empty();
    for (const RestoreJournal& j : list_journals(repository)) {
        if (is_running && j.state != RestoreState::restored && j.state != RestoreState::undone) continue;
        out.push_back({j.id, j.state == RestoreState::swapping || j.state == RestoreState::undoing,
                       j.state == RestoreState::staging, j.started});
    }
    return out;
}

namespace detail {

/// A line of a crontab that starts a backup, as people would call it.
inline std::optional<std::string> backup_line(std::string_view line) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos || line[begin] == '#') return std::nullopt;
    const bool is_job =
        line.find("run_job.sh") != std::string_view::npos &&
        (line.find(" full") != std::string_view::npos || line.find(" hourly") != std::string_view::npos);
    if (!is_job && line.find("backup.sh") == std::string_view::npos) return std::nullopt;
    const std::size_t name = line.find("# holdfast: ");
    return "cron: " + std::string(name == std::string_view::npos ? "backup.sh" : line.substr(name + 12));
}

inline void note_table(std::string_view text, ScheduleFacts& out) {
    for (const std::string_view line : split(text, '\n'))
        if (auto name = backup_line(line)) out.found.push_back(*std::move(name));
}

/// The crontab of this user; none, or no crontab program: nothing.
inline std::string own_crontab() {
    std::string text;
    try {
        Child child({"crontab", "-l"}, std::chrono::seconds{2});
        Bytes piece(4096);
        for (std::size_t n = 0; (n = child.read(piece)) > 0 && text.size() < 1_MiB;)
            text += as_text(ByteSpan(piece).first(n));
        child.wait();
    } catch (const Error&) {
        return text;
    }
    return text;
}

inline void note_files(const fs::path& folder, ScheduleFacts& out) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        try {
            if (at->is_regular_file(error)) note_table(read_file_if_any(at->path(), 1_MiB).value_or(""), out);
        } catch (const Error&) {  // of somebody else
        }
    }
}

inline void note_timers(const fs::path& folder, ScheduleFacts& out) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (!name.starts_with("holdfast-") || !name.ends_with(".timer")) continue;
        try {
            const std::string text = read_file_if_any(at->path(), 1_MiB).value_or("");
            if (text.find("holdfast-backup@") == std::string::npos && name != "holdfast-backup.timer")
                continue;
        } catch (const Error&) {
            continue;
        }
        const bool is_enabled = fs::exists(fs::symlink_status(folder / "timers.target.wants" / name, error));
        (is_enabled ? out.found : out.disabled).push_back(name);
    }
}

}  // namespace detail

/// backup_20261120_020000.log is when a run of backup.sh began; nothing if there is no log.
inline std::optional<SystemSeconds> newest_run_log(const fs::path& log_dir) {
    std::optional<SystemSeconds> newest;
    std::error_code error;
    for (fs::directory_iterator at(log_dir, error), end; !error && at != end; at.increment(error)) {
        const std::string n = at->path().filename().string();
        if (!n.starts_with("backup_") || !n.ends_with(".log") || n.size() < 26) continue;
        const auto time = parse_utc(n.substr(7, 4) + "-" + n.substr(11, 2) + "-" + n.substr(13, 2) + "T" +
                                    n.substr(16, 2) + ":" + n.substr(18, 2) + ":" + n.substr(20, 2));
        if (time && (!newest || *time > *newest)) newest = time;
    }
    return newest;
}

inline ScheduleFacts gather_schedule(const std::string& log_dir) {
    ScheduleFacts out;
    detail::note_table(detail::own_crontab(), out);
    try {
        detail::note_table(read_file_if_any("/etc/crontab", 1_MiB).value_or(""), out);
    } catch (const Error&) {  // of somebody else
    }
    detail::note_files("/etc/cron.d", out);
    const char* units = std::getenv("HOLDFAST_UNIT_DIR");  // as schedule_backups.sh has it
    detail::note_timers(units != nullptr && *units != '\0' ? units : "/etc/systemd/system", out);
    out.last_start = newest_run_log(log_dir);
    return out;
}

}  // namespace holdfast::ops
