// store/tree_match.hpp - reads a tar stream and the index beside each other and holds one against the other.
//
// Every record must be the wanted entry that comes next, with the type, size, owner and link that the index
// says; a missing, an additional or a different record is Kind::corrupt. The digest of every file is
// taken over what a restore makes of it: holes as zeros, filler of truncated files cut off.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "holdfast/base/signals.hpp"
#include "holdfast/store/tree_select.hpp"
#include "holdfast/wrap/digest.hpp"
#include "holdfast/wrap/tar_reader.hpp"

namespace holdfast {

/// Is told what the stream holds, record by record.
class TreeVisitor {
public:
    TreeVisitor() = default;
    TreeVisitor(const TreeVisitor&) = delete;
    TreeVisitor& operator=(const TreeVisitor&) = delete;
    virtual ~TreeVisitor() = default;

    virtual void begin(const WantedEntry& wanted, const TarEntry& record) = 0;
    /// Content at `offset` of the file; gaps are zeros. Never beyond content_bytes().
    virtual void data(std::uint64_t offset, ByteSpan bytes) = 0;
    virtual void end(const WantedEntry& wanted) = 0;
    /// The content is not what the index says. Throwing ends the walk.
    virtual void bad_content(const WantedEntry& wanted, const std::string& why) = 0;
};

namespace detail {

inline void require_match(bool is_equal, const IndexEntry& entry, const char* what) {
    if (!is_equal)
        throw Error(Kind::corrupt,
                    "tar stream and index disagree about " + in_quotes(entry.path) + ": " + what);
}
inline void match_record(const IndexEntry& entry, const TarEntry& record) {
    require_match(record.path == entry.path, entry, "another path stands there");
    require_match(record.type == entry.type, entry, "its type");
    require_match(record.uid == entry.uid && record.gid == entry.gid, entry, "its owner");
    require_match(record.type != EntryType::file || record.size == entry.size, entry, "its size");
    require_match(record.link == entry.link, entry, "its link");
    require_match(record.device_major == entry.device_major && record.device_minor == entry.device_minor,
                  entry, "its device");
    const bool has_acl = std::any_of(record.xattrs.begin(), record.xattrs.end(),
                                     [](const Xattr& x) { return x.name == kAccessAcl; });
    // With an ACL stat shows its mask as the group's bits, libarchive writes the group's own.
    const mode_t compared = has_acl ? 07707U : 07777U;
    require_match((record.mode & compared) == (entry.mode & compared), entry, "its mode");
    const auto [seconds, nanoseconds] = tar_time(entry.mtime_ns);
    require_match(record.mtime_ns == from_tar_time(seconds, nanoseconds), entry, "its time");
}

inline void hash_zeros(Hasher& hasher, std::uint64_t count) {
    static constexpr std::array<std::byte, 65536> kZeros{};
    for (; count != 0; count -= std::min<std::uint64_t>(count, kZeros.size()))
        hasher.update(
            ByteSpan{kZeros}.first(static_cast<std::size_t>(std::min<std::uint64_t>(count, kZeros.size()))));
}

inline void match_content(TarReader& tar, const WantedEntry& wanted, Hasher& hasher, TreeVisitor& visitor) {
    const std::uint64_t size = wanted.entry.size, kept = wanted.entry.content_bytes();
    std::uint64_t done = 0;  // of `kept`
    while (const auto block = tar.block()) {
        check_interrupted();
        require_match(block->offset >= done || done == kept, wanted.entry, "its data overlaps");
        require_match(block->offset <= size && block->bytes.size() <= size - block->offset, wanted.entry,
                      "its data is longer than it");
        if (block->offset >= kept) continue;
        const ByteSpan bytes = block->bytes.first(
            static_cast<std::size_t>(std::min<std::uint64_t>(block->bytes.size(), kept - block->offset)));
        hash_zeros(hasher, block->offset - done);
        hasher.update(bytes);
        visitor.data(block->offset, bytes);
        done = block->offset + bytes.size();
    }
    hash_zeros(hasher, kept - done);
    if (hasher.finish() != wanted.entry.sha256)
        visitor.bad_content(wanted, "its content is not what its digest says");
}

}  // namespace detail

/// Walks through the whole stream. Throws: corrupt, what `tar`, `wanted` and the visitor throw.
inline void match_tree(PullBytes tar, const WantedSource& wanted, TreeVisitor& visitor) {
    TarReader reader(std::move(tar));
    Hasher hasher;
    while (const std::optional<WantedEntry> next = wanted()) {
        check_interrupted();
        const std::optional<TarEntry> record = reader.next();
        if (!record) throw Error(Kind::corrupt, "the tar stream ends before " + in_quotes(next->entry.path));
        detail::match_record(next->entry, *record);
        visitor.begin(*next, *record);
        if (next->entry.type == EntryType::file) detail::match_content(reader, *next, hasher, visitor);
        visitor.end(*next);
    }
    if (const auto record = reader.next())
        throw Error(Kind::corrupt,
                    "the tar stream holds " + in_quotes(record->path) + ", which its index does not name");
    reader.drain();
}

}  // namespace holdfast
