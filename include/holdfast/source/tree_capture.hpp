// source/tree_capture.hpp - turns walked entries into records: opens, reads, checks and tells what went wrong.
//
// Files up to kBufferedBytes are read whole before their header is written, and read again when they
// changed meanwhile. Larger ones are streamed: a change is reported, a file that shrank is marked as
// truncated in the index. No descriptor of a SQLite file is open while its image is. One thread at a time.
#pragma once

#include <sys/sysmacros.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "holdfast/base/directory_chain.hpp"
#include "holdfast/source/file_reading.hpp"
#include "holdfast/source/hard_links.hpp"
#include "holdfast/source/tree_record.hpp"
#include "holdfast/source/tree_report.hpp"
#include "holdfast/source/tree_shared.hpp"
#include "holdfast/source/tree_sqlite.hpp"

namespace holdfast {

inline constexpr std::size_t kBufferedBytes = 4 * 1024 * 1024;  // a file read whole before its header
inline constexpr std::size_t kReadBytes = 1024 * 1024;          // one read of a larger one
inline constexpr int kReadAttempts = 3;                         // one and two repetitions

class TreeCapture {
public:
    /// `root` is open on `directory`, the absolute path that SQLite gets to see. The sink and the report must
    /// outlive the capture.
    TreeCapture(UniqueFd root, std::string directory, ImageOpener opener, TreeSink& sink, TreeReport& report)
        : chain_(std::move(root)), directory_(std::move(directory)), opener_(std::move(opener)),
          report_(report), recorder_([&sink](ByteSpan bytes) { sink.write(bytes); }),
          buffer_(kBufferedBytes) {}

    /// Records the only entry under another name.
    void name_as(std::string name) { only_name_ = std::move(name); }

    /// Records the entries of a segment; true if each was read and was as the walk saw it. Throws:
    /// interrupted, what the sink throws.
    bool write(const std::vector<WalkEntry>& entries) {
        is_clean_ = true;
        for (const WalkEntry& entry : entries) {
            check_interrupted();
            if (!go_to(entry)) continue;
            if (entry.type == EntryType::file || orphans_.is_heir(entry))
                write_file(entry, Content::as_found);
            else
                write_bare(entry);
            if (entry.owns_sidecars && raw_.contains(identity_of(entry.st))) write_sidecars(entry);
        }
        return is_clean_;
    }
    /// Must these be recorded whatever an earlier capture says of them?
    bool must_write(const std::vector<WalkEntry>& entries) const { return orphans_.has_any(entries); }
    std::string end_segment() { return recorder_.end_segment(); }
    void finish() { recorder_.finish(); }

private:
    enum class Content { as_found, raw };  // raw: SQLite files too as their bytes
    enum class Outcome { done, again };

    static std::string name_of(const WalkEntry& e) { return std::string{tree_name(e.path)}; }

    bool go_to(const WalkEntry& e) {
        try {
            chain_.go(tree_parent(e.path));
            return true;
        } catch (const OsError& error) {
            lose(e, error.number() == ENOENT ? TreeIssue::vanished : TreeIssue::unreadable, error.what());
            return false;
        }
    }
    TarEntry header(const WalkEntry& e, EntryType type, const struct stat& st,
                    std::vector<Xattr> xattrs) const {
        TarEntry entry;
        entry.path = only_name_.empty() ? e.path : only_name_;
        entry.type = type;
        entry.mode = st.st_mode & 07777U;
        entry.uid = st.st_uid;
        entry.gid = st.st_gid;
        entry.mtime_ns = to_ns(st.st_mtim);
        entry.device_major = major(st.st_rdev);
        entry.device_minor = minor(st.st_rdev);
        entry.xattrs = std::move(xattrs);
        return entry;
    }
    template <class Read>
    std::vector<Xattr> attributes(const WalkEntry& e, const Read& read) {
        try {
            return read();
        } catch (const OsError& error) {
            tell(e, error.number() == ENOENT ? TreeIssue::vanished : TreeIssue::unsupported, error.what());
            return {};
        }
    }
    /// An entry without content.
    void write_bare(const WalkEntry& e) {
        std::vector<Xattr> xattrs;
        if (e.type != EntryType::hardlink)
            xattrs = attributes(e, [&] { return xattrs_.of_name(chain_.fd(), name_of(e)); });
        TarEntry entry = header(e, e.type, e.st, std::move(xattrs));
        entry.link = orphans_.target(e);
        if (entry.link != e.link) is_clean_ = false;
        recorder_.begin(entry);
        recorder_.end();
        report_.count(e.type, 0);
    }

    void write_file(const WalkEntry& e, Content content) {
        for (int attempt = 1;; ++attempt) {
            UniqueFd fd = open_for_backup(chain_.fd(), name_of(e));
            if (!fd)
                return lose(e, errno == ENOENT ? TreeIssue::vanished : TreeIssue::unreadable, why("open"));
            const struct stat st = stat_fd(fd.get(), "stat");
            if (!S_ISREG(st.st_mode)) return lose(e, TreeIssue::changed, "it is no longer a regular file");
            if (!same_stat(st, e.st)) is_clean_ = false;
            // Another file took the name: its content is not that of the other links to the first one.
            if (identity_of(st) != identity_of(e.st)) orphans_.lose(e);
            TarEntry entry =
                header(e, EntryType::file, st, attributes(e, [&] { return xattrs_.of_open_file(fd.get()); }));
            if (content == Content::as_found && is_sqlite_file(st, fd.get())) {
                fd.reset();
                if (st.st_nlink > std::max<std::size_t>(e.names, 1))
                    tell(e, TreeIssue::other_name, other_name_warning(name_of(e), st.st_nlink));
                return write_image(e, std::move(entry));
            }
            entry.size = static_cast<std::uint64_t>(st.st_size);
            entry.runs = find_holes(fd.get(), st);
            if (entry.size > kBufferedBytes) return stream(e, std::move(entry), fd.get(), st);
            if (read_whole(e, std::move(entry), fd.get(), st, attempt) == Outcome::done) return;
        }
    }

    Outcome read_whole(const WalkEntry& e, TarEntry entry, int fd, const struct stat& st, int attempt) {
        content_.clear();
        const int end = read_runs(fd, entry, buffer_, [&](std::uint64_t at, ByteSpan bytes) {
            content_.resize(at);
            content_.insert(content_.end(), bytes.begin(), bytes.end());
        });
        if (end == kAllRead) content_.resize(entry.size);
        const struct stat after = stat_fd(fd, "stat");
        const bool is_sound = end == kAllRead && !content_changed(st, after);
        if (!is_sound && attempt < kReadAttempts) return Outcome::again;
        if (end > 0 && content_.empty()) {
            lose(e, TreeIssue::unreadable, OsError(end, "read").what());
            return Outcome::done;
        }
        if (content_.size() != entry.size) entry.runs.reset();
        const std::uint64_t size = std::exchange(entry.size, content_.size());
        recorder_.begin(entry);
        recorder_.data(content_);
        if (!is_sound) tell_change(e, end, size, after);
        end_file(e);
        return Outcome::done;
    }
    void stream(const WalkEntry& e, const TarEntry& entry, int fd, const struct stat& st) {
        ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        recorder_.begin(entry);
        const int end =
            read_runs(fd, entry, std::span(buffer_).first(kReadBytes), [&](std::uint64_t at, ByteSpan bytes) {
                recorder_.hole_until(at);
                recorder_.data(bytes);
            });
        if (end == kAllRead) recorder_.hole_until(entry.size);
        const struct stat after = stat_fd(fd, "stat");
        if (end != kAllRead || content_changed(st, after)) tell_change(e, end, entry.size, after);
        end_file(e);
    }
    void tell_change(const WalkEntry& e, int end, std::uint64_t expected, const struct stat& after) {
        const std::string saved = "; its first " + std::to_string(recorder_.done()) + " bytes are saved";
        recorder_.mark_changed();
        if (end > 0) return tell(e, TreeIssue::unreadable, OsError(end, "read").what() + saved);
        if (end == 0) return tell(e, TreeIssue::changed, "it shrank while it was read" + saved);
        if (static_cast<std::uint64_t>(after.st_size) > expected)
            return tell(e, TreeIssue::changed, "it grew while it was read" + saved);
        tell(e, TreeIssue::changed,
             "it was written to while it was read; the bytes are saved as they were found");
    }

    void write_image(const WalkEntry& e, TarEntry entry) {
        std::exception_ptr sink_failure;
        try {
            const std::string path = join_path(directory_, e.read_as.empty() ? e.path : e.read_as);
            struct stat st {};
            if (!e.read_as.empty() &&
                (::lstat(path.c_str(), &st) != 0 || identity_of(st) != identity_of(e.st)))
                throw Error(Kind::not_found, "its other name " + in_quotes(e.read_as) + " is gone");
            const std::unique_ptr<ImageSource> image = opener_(path);
            const auto begun = stat_of(e);
            entry.size = image->bytes();
            if (!image->stands_alone()) is_clean_ = false;
            const bool is_small = entry.size <= kBufferedBytes;
            if (is_small) {
                content_.clear();
                image->copy_to(
                    [&](ByteSpan bytes) { content_.insert(content_.end(), bytes.begin(), bytes.end()); });
                if (content_.size() != entry.size) throw Error(Kind::io, "its image is not complete");
            }
            try {
                recorder_.begin(entry);
                recorder_.mark_sqlite();
                if (is_small) recorder_.data(content_);
            } catch (...) {
                sink_failure = std::current_exception();
                throw;
            }
            if (!is_small) stream_image(e, *image, sink_failure);
            // A WAL beside the name that was read would keep writers off the file.
            if (const auto ended = stat_of(e);
                e.names > 1 && e.sidecars.empty() && begun && ended && content_changed(*begun, *ended))
                tell(e, TreeIssue::changed, "it was written to by another of its names while it was read");
        } catch (const Error& error) {
            if (sink_failure) throw;
            return without_image(e, error);
        }
        end_file(e);
        if (!is_unmoved(e)) is_clean_ = false;
    }
    /// From here on the record exists: a failure of the database leaves it truncated.
    void stream_image(const WalkEntry& e, ImageSource& image, std::exception_ptr& sink_failure) {
        try {
            image.copy_to([&](ByteSpan bytes) {
                check_interrupted();
                try {
                    recorder_.data(bytes);
                } catch (...) {
                    sink_failure = std::current_exception();
                    throw;
                }
            });
        } catch (const Error& error) {
            if (sink_failure) std::rethrow_exception(sink_failure);
            recorder_.mark_changed();
            tell(e, TreeIssue::damaged,
                 std::string(error.what()) + "; its first " + std::to_string(recorder_.done()) +
                     " bytes are saved");
        }
    }
    void without_image(const WalkEntry& e, const Error& error) {
        if (error.kind() == Kind::busy) return lose(e, TreeIssue::busy, error.what());
        if (error.kind() == Kind::not_found) return lose(e, TreeIssue::vanished, error.what());
        tell(e, TreeIssue::damaged, std::string(error.what()) + "; its bytes are saved as they are");
        raw_.insert(identity_of(e.st));
        write_file(e, Content::raw);
    }
    void write_sidecars(const WalkEntry& e) {
        for (const char* end : {"-journal", "-wal"}) {
            WalkEntry sidecar;
            sidecar.path = e.path + end;
            if (::fstatat(chain_.fd(), name_of(sidecar).c_str(), &sidecar.st, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISREG(sidecar.st.st_mode))
                write_file(sidecar, Content::raw);
        }
    }
    std::optional<struct stat> stat_of(const WalkEntry& e) const {
        struct stat st {};
        if (::fstatat(chain_.fd(), name_of(e).c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
        return st;
    }
    bool is_unmoved(const WalkEntry& e) const {
        struct stat st {};
        if (::fstatat(chain_.fd(), name_of(e).c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || !same_stat(st, e.st))
            return false;
        std::size_t i = 0;
        for (const char* end : kSidecarsInKey)
            if (e.read_as.empty()
                    ? ::fstatat(chain_.fd(), (name_of(e) + end).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0
                    : ::lstat((join_path(directory_, e.read_as) + end).c_str(), &st) == 0)
                if (i >= e.sidecars.size() || !same_stat(st, e.sidecars[i++])) return false;
        return i == e.sidecars.size();
    }

    void end_file(const WalkEntry& e) {
        report_.count(EntryType::file, recorder_.done());
        recorder_.end();
        orphans_.inherit(e);
    }
    void lose(const WalkEntry& e, TreeIssue issue, const std::string& reason) {
        tell(e, issue, reason);
        orphans_.lose(e);
    }
    void tell(const WalkEntry& e, TreeIssue issue, const std::string& reason) {
        is_clean_ = false;
        report_.tell(issue, e.path, reason);
    }
    static std::string why(const char* doing) { return OsError(errno, doing).what(); }
    static std::string join_path(const std::string& directory, const std::string& path) {
        return directory.ends_with('/') ? directory + path : directory + "/" + path;
    }

    DirectoryChain chain_;
    std::string directory_;
    std::string only_name_;
    ImageOpener opener_;
    TreeReport& report_;
    TreeRecorder recorder_;
    XattrReader xattrs_;
    Bytes buffer_;   // one read
    Bytes content_;  // a whole small file
    bool is_clean_ = true;
    OrphanLinks orphans_;
    std::unordered_set<FileIdentity, FileIdentityHash> raw_;  // databases saved as their bytes
};

}  // namespace holdfast
