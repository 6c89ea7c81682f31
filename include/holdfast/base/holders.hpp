// base/holders.hpp - which other process has a file open?
//
// Looks through /proc/*/fd, so it sees what the caller may see: every process for root, else the caller's own. It opens
// none of the files: closing one would drop the POSIX locks that this process has on it.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/disk.hpp"

namespace holdfast {

struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileId&) const = default;
};

struct Holder {
    FileId file;
    pid_t pid = 0;
};

/// The identity of what a path leads to, links included; nothing if that is no regular file. A file on a network that
/// does not answer is not waited for.
inline std::optional<FileId> file_id(const std::string& path) {
    struct statx st {};
    if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st) !=
            0 ||
        !S_ISREG(st.stx_mode))
        return std::nullopt;
    return FileId{makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino};
}

/// "pid 12, sqlite3": for messages, so without the name if there is none to be had.
inline std::string describe_process(pid_t pid) {
    std::string text = "pid " + std::to_string(pid), name;
    std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
    if (std::getline(comm, name) && !name.empty()) text += ", " + name;
    return text;
}

/// The first other process found with one of the files open; best effort.
inline std::optional<Holder> find_holder(const std::vector<FileId>& files) {
    if (files.empty()) return std::nullopt;
    std::error_code error;
    fs::directory_iterator process("/proc", error);
    for (const fs::directory_iterator end; !error && process != end; process.increment(error)) {
        const std::string name = process->path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        const pid_t pid = static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10));
        if (pid == ::getpid()) continue;
        std::error_code gone;  // the process ended, or is somebody else's
        fs::directory_iterator fd(process->path() / "fd", gone);
        for (; !gone && fd != end; fd.increment(gone))
            if (const auto id = file_id(fd->path().string());
                id && std::find(files.begin(), files.end(), *id) != files.end())
                return Holder{*id, pid};
    }
    return std::nullopt;
}

}  // namespace holdfast
