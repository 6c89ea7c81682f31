// wrap/tar.hpp - writes a pax tar that GNU tar, bsdtar and we read alike.
//
// Promises: equal entries give equal bytes (no owner names, no atime, ctime, device or inode); names are
// kept byte for byte in every locale; extended attributes, ACLs and holes (GNU sparse 1.0) are stored.
// Any code of libarchive but ARCHIVE_OK throws. Without finish() the archive lacks its end, by design.
// Two limits of libarchive: a time in the last second of 1969 loses its fraction here ("-0.5" cannot be
// written; the index beside the archive keeps it), and GNU tar restores a space or a byte beyond ASCII in
// the name of an extended attribute as %20 (we read it back as it was). One thread at a time.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/wrap/posix_acl.hpp"
#include "holdfast/wrap/tar_entry.hpp"

namespace holdfast {

namespace detail {

struct FreeArchiveEntry {
    void operator()(archive_entry* e) const noexcept { archive_entry_free(e); }
};
using ArchiveEntry = std::unique_ptr<archive_entry, FreeArchiveEntry>;

/// Seconds and nanoseconds such that libarchive prints the decimal fraction that was meant: it writes
/// -1.5 s, which is {-2, 500000000}, as "-2.5".
inline std::pair<std::int64_t, long> tar_time(std::int64_t ns) {
    constexpr std::int64_t kBillion = 1'000'000'000;
    if (ns >= 0 || ns % kBillion == 0) return {ns / kBillion, static_cast<long>(ns % kBillion)};
    if (ns > -kBillion) return {-1, 0};  // "-0.5" cannot be said
    return {ns / kBillion, static_cast<long>(-(ns % kBillion))};
}
inline std::int64_t from_tar_time(std::int64_t seconds, long nanoseconds) {
    return seconds * 1'000'000'000 + (seconds < 0 ? -nanoseconds : nanoseconds);
}

inline mode_t archive_file_type(EntryType type) {
    switch (type) {
        case EntryType::directory: return AE_IFDIR;
        case EntryType::symlink: return AE_IFLNK;
        case EntryType::fifo: return AE_IFIFO;
        case EntryType::character_device: return AE_IFCHR;
        case EntryType::block_device: return AE_IFBLK;
        case EntryType::file:
        case EntryType::hardlink: break;
    }
    return AE_IFREG;
}

}  // namespace detail

/// The name in the archive: "./", "./a/" for directories, "./a/b" otherwise.
inline std::string tar_name(std::string_view path, EntryType type) {
    std::string name = "./";
    if (path != ".") name.append(path);
    if (type == EntryType::directory && path != ".") name += '/';
    return name;
}

class TarWriter {
public:
    using Output = std::function<void(ByteSpan)>;

    explicit TarWriter(Output output) : output_(std::move(output)), tar_(archive_write_new()) {
        if (!tar_ || !entry_) throw Error(Kind::internal, "no memory for a tar writer");
        check(archive_write_set_format_pax(tar_.get()), "start tar");
        check(archive_write_set_options(tar_.get(), "hdrcharset=BINARY,xattrheader=SCHILY"), "start tar");
        check(archive_write_set_bytes_per_block(tar_.get(), 0), "start tar");  // bytes come out as written
        check(archive_write_set_bytes_in_last_block(tar_.get(), 1), "start tar");
        check(archive_write_open(tar_.get(), this, nullptr, &TarWriter::take, nullptr), "start tar");
        buffer_.reserve(kBufferBytes);
    }
    TarWriter(const TarWriter&) = delete;  // libarchive holds its address
    TarWriter& operator=(const TarWriter&) = delete;
    ~TarWriter() { is_closing_ = true; }  // freeing would write the end of the archive

    /// Writes the header. A file's `size` bytes follow by data() and zeros(). Throws: io, what the output throws.
    void begin(const TarEntry& entry) {
        fill(entry);
        check(archive_write_header(tar_.get(), entry_.get()),
              "write the tar header of " + in_quotes(entry.path));
        left_ = entry.type == EntryType::file ? entry.size : 0;
    }
    /// The next bytes of the file, those in holes included.
    void data(ByteSpan bytes) {
        if (bytes.size() > left_) throw Error(Kind::internal, "more data than its tar header says");
        left_ -= bytes.size();
        while (!bytes.empty()) {
            const la_ssize_t n = archive_write_data(tar_.get(), bytes.data(), bytes.size());
            check(n > 0 ? ARCHIVE_OK : n < 0 ? static_cast<int>(n) : ARCHIVE_FATAL, "write tar data");
            bytes = bytes.subspan(static_cast<std::size_t>(n));
        }
    }
    /// The next `count` bytes are zeros; within a hole of the sparse map they cost nothing.
    void zeros(std::uint64_t count) {
        static constexpr std::array<std::byte, 65536> kZeros{};
        for (; count != 0; count -= std::min<std::uint64_t>(count, kZeros.size()))
            data({kZeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(count, kZeros.size()))});
    }
    /// Ends the entry, which must have all of its bytes.
    void end() {
        if (left_ != 0) throw Error(Kind::internal, "less data than its tar header says");
        check(archive_write_finish_entry(tar_.get()), "write tar entry");
    }
    /// Writes the end-of-archive blocks and hands everything out. Throws: io.
    void finish() {
        check(archive_write_close(tar_.get()), "finish tar");
        flush();
    }
    /// Hands out what is buffered.
    void flush() {
        if (!buffer_.empty()) output_(buffer_);
        buffer_.clear();
    }
    /// Bytes written so far, buffered ones included.
    std::uint64_t position() const noexcept { return position_; }

private:
    static constexpr std::size_t kBufferBytes = 256 * 1024;  // spares the output a call per 512-byte header

    struct Free {
        void operator()(archive* a) const noexcept { archive_write_free(a); }
    };

    static la_ssize_t take(archive*, void* self, const void* data, std::size_t size) {
        auto* writer = static_cast<TarWriter*>(self);
        if (writer->is_closing_) return -1;
        try {
            if (!writer->is_broken_) writer->append({static_cast<const std::byte*>(data), size});
        } catch (...) {  // no exception may pass through C: check() throws it on the other side
            writer->failure_ = std::current_exception();
            writer->is_broken_ = true;
        }
        return static_cast<la_ssize_t>(size);  // -1 would make libarchive forget to free its buffer
    }
    void append(ByteSpan bytes) {
        position_ += bytes.size();
        if (buffer_.size() + bytes.size() > kBufferBytes) flush();
        if (bytes.size() >= kBufferBytes)
            output_(bytes);
        else
            buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    }

    void fill(const TarEntry& entry) {
        archive_entry* e = entry_.get();
        archive_entry_clear(e);
        archive_entry_set_pathname(e, tar_name(entry.path, entry.type).c_str());
        archive_entry_set_filetype(e, detail::archive_file_type(entry.type));
        archive_entry_set_perm(e, entry.mode);
        archive_entry_set_uid(e, entry.uid);
        archive_entry_set_gid(e, entry.gid);
        const auto [seconds, nanoseconds] = detail::tar_time(entry.mtime_ns);
        archive_entry_set_mtime(e, seconds, nanoseconds);
        archive_entry_set_size(e, static_cast<la_int64_t>(entry.size));
        if (entry.type == EntryType::symlink) archive_entry_set_symlink(e, entry.link.c_str());
        if (entry.type == EntryType::hardlink)
            archive_entry_set_hardlink(e, tar_name(entry.link, EntryType::file).c_str());
        if (entry.type == EntryType::character_device || entry.type == EntryType::block_device) {
            archive_entry_set_rdevmajor(e, entry.device_major);
            archive_entry_set_rdevminor(e, entry.device_minor);
        }
        for (const Xattr& x : entry.xattrs) add_xattr(x);
        if (entry.runs) {
            for (const DataRun& x : *entry.runs)
                archive_entry_sparse_add_entry(e, static_cast<la_int64_t>(x.offset),
                                               static_cast<la_int64_t>(x.bytes));
            if (entry.runs->empty())
                archive_entry_sparse_add_entry(e, static_cast<la_int64_t>(entry.size), 0);
        }
    }
    void add_xattr(const Xattr& x) {
        const bool is_access = x.name == kAccessAcl;
        if (is_access || x.name == kDefaultAcl) {
            const int type = is_access ? ARCHIVE_ENTRY_ACL_TYPE_ACCESS : ARCHIVE_ENTRY_ACL_TYPE_DEFAULT;
            if (detail::add_acl(entry_.get(), type, x.value)) return;
        }
        archive_entry_xattr_add_entry(entry_.get(), x.name.c_str(), x.value.data(), x.value.size());
    }
    void check(int code, const std::string& doing) {
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
        if (code == ARCHIVE_OK) return;
        const char* why = archive_error_string(tar_.get());  // may be null even when fatal
        throw Error(Kind::io, doing + ": " + (why != nullptr ? printable(why) : "no reason given"));
    }

    Output output_;
    std::exception_ptr failure_;
    Bytes buffer_;
    std::uint64_t position_ = 0;
    std::uint64_t left_ = 0;
    bool is_broken_ = false;  // the output failed: nothing more goes there
    bool is_closing_ = false;
    detail::ArchiveEntry entry_{archive_entry_new()};
    std::unique_ptr<archive, Free> tar_;  // last: freed while the rest still stands
};

}  // namespace holdfast
