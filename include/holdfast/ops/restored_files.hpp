// ops/restored_files.hpp - the files of a restored tree as they lie on the disk: their names and sizes, and reading some of them.
//
// Folder by folder in the order of names, links not followed. Memory is the names of the folders on the way.
#pragma once

#include <cstring>

#include "holdfast/base/disk.hpp"
#include "holdfast/ops/check_delta.hpp"
#include "holdfast/source/walk_entry.hpp"
#include "holdfast/store/extent_spool.hpp"

namespace holdfast::ops {

class RestoredFiles {
public:
    explicit RestoredFiles(fs::path root) : root_(std::move(root)) { enter(""); }

    /// The next regular file. Throws: io, interrupted.
    std::optional<IndexEntry> next() {
        while (!folders_.empty()) {
            check_interrupted();
            Folder& folder = folders_.back();
            if (folder.next == folder.names.size()) {
                folders_.pop_back();
                continue;
            }
            const std::string path = folder.prefix + folder.names[folder.next++];
            struct stat st {};
            if (::lstat((root_ / path).c_str(), &st) != 0)
                throw_os("look at " + in_quotes((root_ / path).string()));
            if (S_ISDIR(st.st_mode)) enter(path + "/");
            if (!S_ISREG(st.st_mode)) continue;
            IndexEntry entry;
            entry.path = path;
            entry.size = static_cast<std::uint64_t>(st.st_size);
            return entry;
        }
        return std::nullopt;
    }

private:
    struct Folder {
        std::string prefix;
        std::vector<std::string> names;
        std::size_t next = 0;
    };
    void enter(const std::string& prefix) { folders_.push_back({prefix, list_directory(root_ / prefix)}); }

    fs::path root_;
    std::vector<Folder> folders_;
};

namespace detail {

/// Hands the files to `visitor` as a stored tree would. A file that has a digest must still have that content. Throws: io, what
/// `visitor` throws.
inline void read_restored(const fs::path& root, WantedSource files, TreeVisitor& visitor) {
    Bytes buffer(1_MiB);
    while (const auto file = files()) {
        const std::string path = (root / file->entry.path).string();
        const UniqueFd fd = open_fd(path, O_RDONLY | O_NOFOLLOW);
        visitor.begin(*file, {});
        Hasher hasher;
        for (std::uint64_t at = 0; at < file->entry.size;) {
            check_interrupted();
            const std::size_t n = read_some(fd.get(), buffer, "read " + in_quotes(path));
            if (n == 0) throw Error(Kind::io, in_quotes(path) + " became shorter while it was read");
            const ByteSpan bytes = ByteSpan(buffer).first(std::min<std::uint64_t>(n, file->entry.size - at));
            hasher.update(bytes);
            visitor.data(at, bytes);
            at += n;
        }
        if (file->entry.sha256 != Digest{} && hasher.finish() != file->entry.sha256)
            throw Error(Kind::io, in_quotes(path) + " was changed since it was captured");
        visitor.end(*file);
    }
}

}  // namespace detail

/// The Delta tables of a restored tree. Throws: corrupt, io.
inline DeltaCheck check_restored_delta(const fs::path& root, const fs::path& staging) {
    const auto read = [&](const std::function<WantedSource()>& files, TreeVisitor& visitor) {
        detail::read_restored(root, files(), visitor);
    };
    const auto entries = [&]() -> EntrySource {
        return [files = std::make_shared<RestoredFiles>(root)] { return files->next(); };
    };
    return check_delta(DeltaFiles{entries, read, staging});
}

/// Those of a tree that was captured a moment ago and cannot be read back: its log is read from the source once more.
/// Throws: corrupt, io.
inline DeltaCheck check_captured_delta(const fs::path& source, const TextSpool& index,
                                       const fs::path& staging) {
    const auto read = [&](const std::function<WantedSource()>& files, TreeVisitor& visitor) {
        detail::read_restored(source, files(), visitor);
    };
    const auto entries = [&]() -> EntrySource {
        return [lines = std::make_shared<IndexReader>(index.pull())] { return lines->next(); };
    };
    return check_delta(DeltaFiles{entries, read, staging});
}

/// The SQLite databases of a restored tree, by their paths in it. Their sizes are whole pages, so most other files are not
/// opened. Throws: io.
inline std::vector<std::string> restored_databases(const fs::path& root) {
    constexpr std::uint64_t kLeastPage = 512;
    std::vector<std::string> out;
    RestoredFiles files(root);
    while (const auto file = files.next())
        if (file->size != 0 && file->size % kLeastPage == 0 &&
            is_sqlite_at(AT_FDCWD, (root / file->path).string()))
            out.push_back(file->path);
    return out;
}

}  // namespace holdfast::ops
