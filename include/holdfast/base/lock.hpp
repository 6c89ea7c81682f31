// base/lock.hpp - advisory flock() on a file that exists: the kernel drops it when the holder dies.
//
// There is nothing in the file, so nothing goes stale. Waits are bounded; the error names the holders.
#pragma once

#include <sys/file.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/base/fd.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

enum class LockMode { shared, exclusive };

/// The processes that hold a flock() on a file: from /proc/locks, matched by inode; best effort.
inline std::vector<int> lock_holders(const struct stat& file) {
    const std::string inode = ":" + std::to_string(file.st_ino) + " ";
    std::ifstream locks("/proc/locks");
    std::vector<int> pids;
    for (std::string line; std::getline(locks, line);) {
        if (line.find("FLOCK") == std::string::npos || line.find(inode) == std::string::npos) continue;
        if (line.find("->") != std::string::npos) continue;  // a waiter
        std::size_t at = line.find("READ ");
        if (at == std::string::npos) at = line.find("WRITE ");
        if (at == std::string::npos) continue;
        const std::size_t begin = line.find_first_of("0123456789", at);
        if (const auto pid = parse_number<int>(line.substr(begin, line.find(' ', begin) - begin)))
            pids.push_back(*pid);
    }
    return pids;
}

class FileLock {
public:
    /// Throws: busy after `budget`, io if the file cannot be opened. Read access to the file is enough.
    FileLock(const std::string& path, LockMode mode, std::chrono::seconds budget)
        : fd_(open_fd(path, O_RDONLY)) {
        const int operation = (mode == LockMode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
        const Deadline deadline{budget};
        while (::flock(fd_.get(), operation) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) throw_os("lock '" + path + "'");
            check_interrupted();
            if (deadline.has_passed())
                throw Error(Kind::busy,
                            "'" + path + "' stayed locked for " + format_duration(budget) + holders(),
                            "wait for that process to end, or allow more time with --lock-wait");
            std::this_thread::sleep_for(std::chrono::milliseconds{50});
        }
    }

private:
    /// " by process 12, 40": best effort, for the message only.
    std::string holders() const {
        std::string pids;
        for (const int pid : lock_holders(stat_fd(fd_.get(), "stat the lock")))
            pids += (pids.empty() ? " by process " : ", ") + std::to_string(pid);
        return pids;
    }
    UniqueFd fd_;
};

}  // namespace holdfast
