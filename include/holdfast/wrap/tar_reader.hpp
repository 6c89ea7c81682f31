// wrap/tar_reader.hpp - reads a tar stream as untrusted input.
//
// The bytes come from a pull function; whole records may be left out of the stream. Everything that
// libarchive finds odd, a header of more than kMaxTarHeader bytes and a path that tree_path_problem()
// refuses are Kind::corrupt. What the pull function throws passes through. One thread at a time.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <charconv>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/wrap/posix_acl.hpp"
#include "holdfast/wrap/tar.hpp"
#include "holdfast/wrap/tar_entry.hpp"

namespace holdfast {

inline constexpr std::uint64_t kMaxTarHeader = 8 * 1024 * 1024;  // pax header <= 1 MiB, path, sparse map of
                                                                 // 16384 runs <= 0.7 MiB, read-ahead

class TarReader {
public:
    struct Block {
        std::uint64_t offset;  // in the file; what lies between blocks is zeros
        ByteSpan bytes;        // valid until the next call
    };

    explicit TarReader(PullBytes pull)
        : pull_(std::move(pull)), buffer_(kBufferBytes), tar_(archive_read_new()) {
        if (!tar_) throw Error(Kind::internal, "no memory for a tar reader");
        check(archive_read_support_format_tar(tar_.get()), "start reading tar");
        check(archive_read_support_format_empty(tar_.get()), "start reading tar");
        check(archive_read_open(tar_.get(), this, nullptr, &TarReader::give, nullptr), "start reading tar");
    }
    TarReader(const TarReader&) = delete;  // libarchive holds its address
    TarReader& operator=(const TarReader&) = delete;

    /// The next record, whatever is left of the last one skipped; nothing at the end. Throws: corrupt, io.
    std::optional<TarEntry> next() {
        if (in_entry_) check(archive_read_data_skip(tar_.get()), "skip tar data");
        archive_entry* e = nullptr;
        budget_ = kMaxTarHeader;
        const int code = archive_read_next_header(tar_.get(), &e);
        budget_ = kNoLimit;
        in_entry_ = code != ARCHIVE_EOF;
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
        if (code == ARCHIVE_EOF) return std::nullopt;
        check(code, "read a tar header");
        return take_entry(e);
    }
    /// The next data of the record; nothing at its end. Blocks come in ascending order.
    std::optional<Block> block() {
        const void* data = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        const int code = archive_read_data_block(tar_.get(), &data, &size, &offset);
        if (code == ARCHIVE_EOF && !failure_) return std::nullopt;
        check(code, "read tar data");
        if (offset < 0) throw Error(Kind::corrupt, "tar data at a negative offset");
        return Block{static_cast<std::uint64_t>(offset), {static_cast<const std::byte*>(data), size}};
    }
    /// Pulls what comes after the end of the archive, so that a digest taken by the pull function is whole.
    void drain() {
        while (pull_(buffer_) != 0) continue;
    }

private:
    static constexpr std::size_t kBufferBytes = 256 * 1024;
    static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

    struct Free {
        void operator()(archive* a) const noexcept { archive_read_free(a); }
    };
    static la_ssize_t give(archive* a, void* self, const void** data) {
        auto* reader = static_cast<TarReader*>(self);
        try {
            const std::size_t n = reader->pull_(reader->buffer_);
            if (n > reader->budget_) {
                archive_set_error(a, EILSEQ, "header too large");
                return -1;
            }
            if (reader->budget_ != kNoLimit) reader->budget_ -= n;
            *data = reader->buffer_.data();
            return static_cast<la_ssize_t>(n);
        } catch (...) {  // no exception may pass through C
            reader->failure_ = std::current_exception();
            archive_set_error(a, EIO, "the input failed");
            return -1;
        }
    }

    static EntryType type_of(archive_entry* e) {
        if (archive_entry_hardlink(e) != nullptr) return EntryType::hardlink;
        switch (archive_entry_filetype(e)) {
            case AE_IFREG: return EntryType::file;
            case AE_IFDIR: return EntryType::directory;
            case AE_IFLNK: return EntryType::symlink;
            case AE_IFIFO: return EntryType::fifo;
            case AE_IFCHR: return EntryType::character_device;
            case AE_IFBLK: return EntryType::block_device;
            default: throw Error(Kind::corrupt, "tar record of a type that no tree has");
        }
    }
    /// "./a/b" -> "a/b", checked.
    static std::string take_path(const char* raw, EntryType type) {
        std::string_view path = raw == nullptr ? std::string_view{} : std::string_view{raw};
        if (path.starts_with("./")) path.remove_prefix(2);
        if (type == EntryType::directory) {
            if (path.ends_with('/')) path.remove_suffix(1);
            if (path.empty() && raw != nullptr && std::string_view{raw} == "./") path = ".";
        }
        if (const char* problem = tree_path_problem(path))
            throw Error(Kind::corrupt, "path " + in_quotes(path) + " in a tar " + problem);
        return std::string{path};
    }
    static TarEntry take_entry(archive_entry* e) {
        TarEntry entry;
        entry.type = type_of(e);
        entry.path = take_path(archive_entry_pathname(e), entry.type);
        entry.mode = archive_entry_perm(e) & 07777U;
        entry.uid = static_cast<std::uint32_t>(archive_entry_uid(e));
        entry.gid = static_cast<std::uint32_t>(archive_entry_gid(e));
        entry.mtime_ns = detail::from_tar_time(archive_entry_mtime(e), archive_entry_mtime_nsec(e));
        if (archive_entry_size(e) < 0) throw Error(Kind::corrupt, "tar record of negative size");
        if (entry.type == EntryType::file) entry.size = static_cast<std::uint64_t>(archive_entry_size(e));
        if (entry.type == EntryType::hardlink)
            entry.link = take_path(archive_entry_hardlink(e), EntryType::file);
        if (entry.type == EntryType::symlink && archive_entry_symlink(e) != nullptr)
            entry.link = archive_entry_symlink(e);
        entry.device_major = static_cast<std::uint32_t>(archive_entry_rdevmajor(e));
        entry.device_minor = static_cast<std::uint32_t>(archive_entry_rdevminor(e));
        take_xattrs(e, entry);
        return entry;
    }
    /// libarchive writes "a b=%" as "a%20b%3D%25" and does not undo it when reading.
    static std::string decoded(std::string_view name) {
        std::string out;
        for (std::size_t i = 0; i < name.size(); ++i) {
            unsigned char byte = 0;
            const char* digits = name.data() + i + 1;
            const bool is_escape = name[i] == '%' && i + 2 < name.size() &&
                                   std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
            out += is_escape ? static_cast<char>(byte) : name[i];
            if (is_escape) i += 2;
        }
        return out;
    }
    static void take_xattrs(archive_entry* e, TarEntry& entry) {
        archive_entry_xattr_reset(e);
        const char* name = nullptr;
        const void* value = nullptr;
        std::size_t size = 0;
        while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK)
            entry.xattrs.push_back({decoded(name), std::string{static_cast<const char*>(value), size}});
        const bool has_access = (archive_entry_acl_types(e) & ARCHIVE_ENTRY_ACL_TYPE_ACCESS) != 0;
        const bool has_default = (archive_entry_acl_types(e) & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT) != 0;
        if (has_access)
            entry.xattrs.push_back({kAccessAcl, detail::take_acl(e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS)});
        if (has_default)
            entry.xattrs.push_back({kDefaultAcl, detail::take_acl(e, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT)});
    }
    void check(int code, const char* doing) {
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
        if (code == ARCHIVE_OK) return;
        const char* why = archive_error_string(tar_.get());
        throw Error(Kind::corrupt,
                    std::string(doing) + ": " + (why != nullptr ? printable(why) : "no reason given"));
    }

    PullBytes pull_;
    std::exception_ptr failure_;
    Bytes buffer_;
    std::uint64_t budget_ = kNoLimit;
    bool in_entry_ = false;
    std::unique_ptr<archive, Free> tar_;  // last: freed while the rest still stands
};

}  // namespace holdfast
