// base/fd.hpp - file descriptors that close themselves, and reads and writes that finish.
//
// The destructor closes silently; whoever wrote through the descriptor calls close() and hears about
// a failure. No fsync is ever repeated: after an error the kernel may have dropped the pages.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"

namespace holdfast {

class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) noexcept : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~UniqueFd() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    void reset() noexcept {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    /// Throws: io. The descriptor is gone either way.
    void close(const std::string& doing) {
        if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) throw_os(doing);
    }

private:
    int fd_ = -1;
};

/// Throws: io (OsError). O_CLOEXEC is always added.
inline UniqueFd open_fd(const std::string& path, int flags, mode_t mode = 0600) {
    UniqueFd fd{::open(path.c_str(), flags | O_CLOEXEC, mode)};
    if (!fd) throw_os("open '" + path + "'");
    return fd;
}

/// One read, restarted on EINTR: 0 is the end of file. Throws: io.
inline std::size_t read_some(int fd, std::span<std::byte> out, const std::string& doing) {
    for (;;) {
        const ssize_t n = ::read(fd, out.data(), out.size());
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) throw_os(doing);
    }
}

/// Reads until `out` is full or the file ends; returns the bytes read. Throws: io.
inline std::size_t read_full(int fd, std::span<std::byte> out, const std::string& doing) {
    std::size_t done = 0;
    while (done < out.size()) {
        const std::size_t n = read_some(fd, out.subspan(done), doing);
        if (n == 0) break;
        done += n;
    }
    return done;
}

/// Reads at `offset` until `out` is full or the file ends. Throws: io.
inline std::size_t pread_full(int fd, std::span<std::byte> out, std::uint64_t offset,
                              const std::string& doing) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t n =
            ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (n == 0) break;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw_os(doing);
        done += static_cast<std::size_t>(n);
    }
    return done;
}

inline void write_full(int fd, ByteSpan bytes, const std::string& doing) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw_os(doing);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

inline void sync_fd(int fd, const std::string& doing) {
    if (::fsync(fd) != 0) throw_os(doing);
}

inline struct stat stat_fd(int fd, const std::string& doing) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) throw_os(doing);
    return st;
}

}  // namespace holdfast
