// base/holders.hpp - which other process has a file open?
//
// Looks through /proc/*/fd and, below a folder, through the maps of memory too, so it sees what the caller may see: every process for root, else the caller's own. It opens
// none of the files: closing one would drop the POSIX locks that this process has on it.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
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

namespace detail {

/// This process and those that started it: the shell of whoever typed the command.
inline std::set<pid_t> own_line() {
    std::set<pid_t> line;
    for (pid_t pid = ::getpid(); pid > 0 && line.insert(pid).second;) {
        std::ifstream status("/proc/" + std::to_string(pid) + "/status");
        pid = 0;
        for (std::string text; std::getline(status, text);)
            if (text.starts_with("PPid:"))
                pid = static_cast<pid_t>(std::strtol(text.c_str() + 5, nullptr, 10));
    }
    return line;
}

/// Calls `visit` with the pid and each link that stands for what another process has open, or for its current folder, until it
/// says true.
inline void visit_open_files(const std::function<bool(pid_t, const fs::path&)>& visit) {
    std::error_code error;
    fs::directory_iterator process("/proc", error);
    for (const fs::directory_iterator end; !error && process != end; process.increment(error)) {
        const std::string name = process->path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        const pid_t pid = static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10));
        if (pid == ::getpid()) continue;
        if (visit(pid, process->path() / "cwd")) return;
        std::error_code gone;  // the process ended, or is somebody else's
        fs::directory_iterator fd(process->path() / "fd", gone);
        for (; !gone && fd != end; fd.increment(gone))
            if (visit(pid, fd->path())) return;
    }
}

}  // namespace detail

/// The first other process found with one of the files open; best effort.
inline std::optional<Holder> find_holder(const std::vector<FileId>& files) {
    std::optional<Holder> found;
    if (files.empty()) return found;
    detail::visit_open_files([&](pid_t pid, const fs::path& link) {
        const auto id = file_id(link.string());
        if (id && std::find(files.begin(), files.end(), *id) != files.end()) found = Holder{*id, pid};
        return found.has_value();
    });
    return found;
}

struct FolderHolder {
    pid_t pid = 0;
    std::string path;  // what it has open, or its current folder
};

namespace detail {

/// The first file below a folder that a process has in its memory, as a program, a library or data; nothing if there is none.
inline std::optional<std::string> mapped_below(pid_t pid, const std::string& folder) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    for (std::string line; std::getline(maps, line);) {  // address perms offset device inode path
        const std::size_t at = line.find(" " + folder + "/");
        if (at != std::string::npos && line.find('/') == at + 1) return line.substr(at + 1);
    }
    return std::nullopt;
}

}  // namespace detail

/// The first other process that works below a folder, or in it; best effort. `folder` is canonical. A shell that only stands
/// there and waits for us does not count.
inline std::optional<FolderHolder> find_holder_below(const std::string& folder) {
    std::optional<FolderHolder> found;
    const std::set<pid_t> own = detail::own_line();
    detail::visit_open_files([&](pid_t pid, const fs::path& link) {
        if (link.filename() == "cwd")  // once for each process
            if (const auto mapped = detail::mapped_below(pid, folder)) {
                found = {pid, *mapped};
                return true;
            }
        if (own.contains(pid) && link.filename() == "cwd") return false;
        std::error_code unreadable;
        const std::string path = fs::read_symlink(link, unreadable).string();
        if (!unreadable && (path == folder || path.starts_with(folder + "/"))) found = {pid, path};
        return found.has_value();
    });
    return found;
}

}  // namespace holdfast
