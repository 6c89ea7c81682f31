// source/sqlite_image.hpp - a consistent image of a live SQLite database, without changing it.
//
// One read transaction from construction to destruction: every commit acknowledged before is in, and in WAL mode
// writers go on. In rollback mode writers wait meanwhile. The source is not recovered, not checkpointed and keeps no
// sidecar file that this open had to create. A database with a hot journal, or one whose -shm cannot be
// used, is copied with its journal or WAL to `staging` and read there.
// While an image exists nothing else in the process may open and close the file (POSIX locks would drop).
#pragma once

#include "holdfast/base/clock.hpp"
#include "holdfast/base/disk.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/source/sqlite_files.hpp"
#include "holdfast/source/table_rows.hpp"
#include "holdfast/wrap/sqlite_backup.hpp"

namespace holdfast {

struct SqliteImageOptions {
    std::chrono::milliseconds busy_timeout{30'000};
    fs::path staging;  // a folder for the rare private copy
};

class SqliteImage {
public:
    /// Throws: not_found, busy (locked past the budget), corrupt (not a database, damaged schema), io.
    SqliteImage(const std::string& path, const SqliteImageOptions& options)
        : path_(resolve(path)), options_(options) {
        sidecars_.emplace(path_);
        try {
            begin(path_, Access::in_place);
        } catch (const SqliteError& e) {
            db_.reset();
            if (!needs_private_copy(e.code())) rethrow(e);
            has_hot_journal_ = is_hot_journal(e.code());
            copy_.emplace(path_, options_.staging, options_.busy_timeout);
            sidecars_.reset();
            try {
                begin(copy_->path(), Access::private_copy);
            } catch (const SqliteError& again) {
                rethrow(again);
            }
        }
    }

    /// Does this error of a read-only open mean that only a copy with its journal or WAL can be read?
    static bool needs_private_copy(int code) {
        return code == SQLITE_READONLY_ROLLBACK || code == SQLITE_READONLY_RECOVERY ||
               code == SQLITE_READONLY_CANTINIT || code == SQLITE_READONLY_CANTLOCK ||
               code == SQLITE_READONLY_DIRECTORY || (code & 0xFF) == SQLITE_CANTOPEN;
    }

    /// Is it because a crash left a journal to roll back?
    static bool is_hot_journal(int code) { return code == SQLITE_READONLY_ROLLBACK; }

    std::uint64_t bytes() const { return page_bytes_ * page_count_; }
    std::uint64_t page_bytes() const { return page_bytes_; }
    std::uint64_t page_count() const { return page_count_; }
    std::int64_t user_version() const { return pragma("PRAGMA user_version"); }
    std::int64_t application_id() const { return pragma("PRAGMA application_id"); }
    bool is_wal() const { return page_one_.size() > 18 && page_one_[18] == std::byte{2}; }
    bool was_recovered() const { return copy_.has_value(); }
    /// Then more than the database and its sidecars decides what this image is: a super-journal may lie anywhere, and
    /// without it the journal means nothing.
    bool has_hot_journal() const { return has_hot_journal_; }

    /// The connection inside the read transaction, for queries. It stays the image's.
    Database& database() { return *db_; }

    /// The whole image in file order, in pieces of one page. Throws what `out` throws, SqliteError, io.
    void copy_to(const std::function<void(ByteSpan)>& out) const {
        if (page_count_ == 0) return;
        try {
            PageSink(page_one_, page_count_, out).copy_from(*db_);
        } catch (const SqliteError& e) {
            rethrow(e);
        }
    }

    /// How many tables row_counts() could count; nothing if the schema cannot be read.
    std::optional<std::uint64_t> table_count() const {
        try {
            return static_cast<std::uint64_t>(
                db_->query_integer(("SELECT count(*)" + std::string(detail::kOrdinaryTables)).c_str()));
        } catch (const SqliteError&) {
            return std::nullopt;
        }
    }

    /// Rows per ordinary table; `counter` has seen the whole image. A table whose pages are no tree is damaged, and named in
    /// `uncounted`. Throws: interrupted.
    std::map<std::string, std::int64_t> row_counts(RowCounter& counter,
                                                   std::vector<std::string>& uncounted) const {
        return rows_of_tables(*db_, counter, uncounted);
    }

private:
    enum class Access { in_place, private_copy };

    static std::string resolve(const std::string& path) {
        struct stat st {};
        if (::stat(path.c_str(), &st) != 0) {
            if (errno == ENOENT || errno == ENOTDIR)
                throw Error(Kind::not_found, "database " + in_quotes(path) + " does not exist",
                            "check the path of the source");
            throw_os("look at database " + in_quotes(path));
        }
        if (!S_ISREG(st.st_mode)) throw Error(Kind::io, in_quotes(path) + " is not a regular file");
        return fs::canonical(path).string();
    }

    void begin(const std::string& path, Access access) {
        if (access == Access::in_place) {
            db_.emplace(Database::open_readonly(path, Database::Source::live, options_.busy_timeout,
                                                detail::tap_vfs()));
        } else {
            db_.emplace(Database::open(path, SQLITE_OPEN_READWRITE, detail::tap_vfs()));
            db_->set_busy_budget(options_.busy_timeout);
        }
        page_one_ = begin_and_read_page_one(*db_);
        page_bytes_ = page_one_.size();
        page_count_ = static_cast<std::uint64_t>(db_->query_integer("PRAGMA page_count"));
        if (page_count_ != 0 && page_bytes_ == 0)
            throw Error(Kind::internal, "page 1 of " + in_quotes(path) + " was not seen");
    }

    std::int64_t pragma(const char* sql) const { return page_count_ == 0 ? 0 : db_->query_integer(sql); }

    [[noreturn]] void rethrow(const SqliteError& e) const {
        check_interrupted();
        const std::string name = "database " + in_quotes(path_);
        if (e.kind() == Kind::busy)
            throw Error(
                Kind::busy,
                name + " stayed locked by another process for " +
                    format_duration(std::chrono::duration_cast<std::chrono::seconds>(options_.busy_timeout)),
                "a long write is running; try again later or raise the source's busy_timeout");
        if (e.kind() == Kind::corrupt)
            throw Error(Kind::corrupt, name + " is damaged or not a database: " + e.what(),
                        "restore an earlier snapshot beside it and compare; --keep-corrupt captures the "
                        "bytes as they are");
        throw Error(e.kind(), name + " cannot be read: " + e.what(), e.hint());
    }

    std::string path_;
    SqliteImageOptions options_;
    std::optional<SidecarGuard> sidecars_;  // before db_: it cleans up after the connection is closed
    std::optional<PrivateCopy> copy_;
    bool has_hot_journal_ = false;
    std::optional<Database> db_;
    Bytes page_one_;
    std::uint64_t page_bytes_ = 0;
    std::uint64_t page_count_ = 0;
};

}  // namespace holdfast
