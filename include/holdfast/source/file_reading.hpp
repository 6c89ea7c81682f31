// source/file_reading.hpp - what a backup reads of one open file: attributes, holes, content.
//
// Nothing here follows a link or waits for a FIFO. Reads are bounded by the size that fstat() told.
#pragma once

#include <sys/xattr.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/fd.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/source/walk_entry.hpp"
#include "holdfast/wrap/tar_entry.hpp"

namespace holdfast {

inline constexpr std::size_t kMaxRuns = 16384;  // of a sparse file; the tail of a wilder one counts as data

inline UniqueFd open_for_backup(int at, const std::string& name) {
    return UniqueFd{::openat(at, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
}

/// Did anything that could touch the content happen between two fstat() of one descriptor? Renames, new
/// links and chmod move ctime too, but show in other fields.
inline bool content_changed(const struct stat& a, const struct stat& b) {
    const bool explained =
        a.st_nlink != b.st_nlink || a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid;
    return a.st_size != b.st_size || to_ns(a.st_mtim) != to_ns(b.st_mtim) ||
           (to_ns(a.st_ctim) != to_ns(b.st_ctim) && !explained);
}
inline bool same_stat(const struct stat& a, const struct stat& b) {
    return identity_of(a) == identity_of(b) && a.st_mode == b.st_mode && a.st_size == b.st_size &&
           to_ns(a.st_mtim) == to_ns(b.st_mtim) && to_ns(a.st_ctim) == to_ns(b.st_ctim);
}

/// Where the file has data; nothing if it has no holes or the file system cannot say.
inline std::optional<std::vector<DataRun>> find_holes(int fd, const struct stat& st) {
    if (st.st_blocks * 512 >= st.st_size) return std::nullopt;
    std::vector<DataRun> runs;
    const off_t size = st.st_size;
    for (off_t at = 0; at < size;) {
        const off_t data = ::lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;  // a hole up to the end
        if (data < 0) return std::nullopt;
        if (data >= size) break;
        off_t hole = ::lseek(fd, data, SEEK_HOLE);
        if (hole < 0 && errno != ENXIO) return std::nullopt;
        if (hole < 0 || hole > size || runs.size() + 1 == kMaxRuns) hole = size;
        runs.push_back({static_cast<std::uint64_t>(data), static_cast<std::uint64_t>(hole - data)});
        at = hole;
    }
    if (runs.size() == 1 && runs[0].offset == 0 && runs[0].bytes == static_cast<std::uint64_t>(size))
        return std::nullopt;
    return runs;
}

struct ReadResult {
    std::size_t bytes;
    int error;  // errno of the read that failed, 0 if none did
};
/// Reads at `offset` until `out` is full, the file ends or a read fails: a bad sector is news, no exception.
inline ReadResult read_at(int fd, std::span<std::byte> out, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t n =
            ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return {done, errno};
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    return {done, 0};
}

inline constexpr int kAllRead = -1;

/// Hands out the data runs of a file piece by piece, each with its offset; what lies between is zeros. Returns
/// kAllRead, 0 if the file ended early, or the errno of a read that failed. Throws: interrupted, and what
/// `piece` throws.
template <class Piece>
int read_runs(int fd, const TarEntry& entry, std::span<std::byte> buffer, const Piece& piece) {
    const std::vector<DataRun> whole{{0, entry.size}};
    for (const DataRun& run : entry.runs ? *entry.runs : whole) {
        const std::uint64_t end = run.offset + run.bytes;
        for (std::uint64_t at = run.offset; at < end;) {
            check_interrupted();
            const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
            const ReadResult got = read_at(fd, buffer.first(want), at);
            if (got.bytes != 0) piece(at, ByteSpan{buffer.first(got.bytes)});
            if (got.bytes < want) return got.error;
            at += want;
        }
    }
    return kAllRead;
}

class XattrReader {
public:
    /// All extended attributes, ACLs among them. Throws: io (OsError; E2BIG beyond kMaxXattrBytes).
    std::vector<Xattr> of_open_file(int fd) {
        return collect(
            [&](char* out, std::size_t n) { return ::flistxattr(fd, out, n); },
            [&](const char* name, char* out, std::size_t n) { return ::fgetxattr(fd, name, out, n); });
    }
    /// Of a name in an open directory, without opening or following it ("." is the directory itself).
    std::vector<Xattr> of_name(int directory, const std::string& name) {
        const std::string path = "/proc/self/fd/" + std::to_string(directory) + "/" + name;
        return collect([&](char* out, std::size_t n) { return ::llistxattr(path.c_str(), out, n); },
                       [&](const char* key, char* out, std::size_t n) {
                           return ::lgetxattr(path.c_str(), key, out, n);
                       });
    }

private:
    template <class List, class Get>
    std::vector<Xattr> collect(const List& list, const Get& get) {
        std::vector<Xattr> found;
        const ssize_t n = list(names_.data(), names_.size());
        if (n < 0 && (errno == ENOTSUP || errno == ENOSYS)) return found;
        if (n < 0) throw_os("list the extended attributes");
        std::size_t total = 0;
        for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
            const std::string name{names_.data() + at};
            at += name.size() + 1;
            const ssize_t size = get(name.c_str(), value_.data(), value_.size());
            if (size < 0 && (errno == ENODATA || errno == ENOTSUP)) continue;  // gone, or only listed
            if (size < 0) throw_os("read the extended attribute " + in_quotes(name));
            total += name.size() + static_cast<std::size_t>(size);
            if (total > kMaxXattrBytes) throw OsError(E2BIG, "read the extended attributes");
            found.push_back({name, std::string{value_.data(), static_cast<std::size_t>(size)}});
        }
        std::sort(found.begin(), found.end(), [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
        return found;
    }
    std::string names_ = std::string(65536, '\0');  // XATTR_LIST_MAX
    std::string value_ = std::string(65536, '\0');  // XATTR_SIZE_MAX
};

}  // namespace holdfast
