// wrap/sqlite_backup.hpp - the pages of a database in order, through SQLite's backup API and two small VFSes.
//
// The backup API copies all pages inside one read transaction, but writes page 1 last and bumps counters in it. So the
// tap, a VFS over the default one, remembers page 1 as SQLite read it when the transaction began, and the sink, a
// write-only VFS, checks that what it is given follows in order. The result is the source's own image,
// byte for byte. https://www.sqlite.org/c3ref/backup_finish.html, https://www.sqlite.org/fileformat2.html
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <mutex>

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

namespace detail {

inline constexpr std::int64_t kLockByte = 0x40000000;  // the page around it is never used

/// Methods of an open file with xRead replaced; `original` does the work.
struct TapMethods {
    sqlite3_io_methods methods;  // first: file->pMethods points here
    const sqlite3_io_methods* original;
    bool is_wal;
};

/// Where this thread wants page 1 to be remembered, if it wants it.
inline thread_local Bytes* tapped_page_one = nullptr;

inline int tap_read(sqlite3_file* file, void* out, int n, sqlite3_int64 offset) {
    const auto* tap = reinterpret_cast<const TapMethods*>(file->pMethods);
    const int rc = tap->original->xRead(file, out, n, offset);
    const bool is_page = n >= 512 && (n & (n - 1)) == 0;
    if (rc != SQLITE_OK || tapped_page_one == nullptr || !is_page) return rc;
    bool is_page_one = !tap->is_wal && offset == 0;
    if (tap->is_wal && offset >= 24) {  // a frame's header says which page follows it
        std::array<unsigned char, 4> number{};
        is_page_one = tap->original->xRead(file, number.data(), 4, offset - 24) == SQLITE_OK &&
                      number == std::array<unsigned char, 4>{0, 0, 0, 1};
    }
    if (is_page_one) {
        const auto* bytes = static_cast<const std::byte*>(out);
        tapped_page_one->assign(bytes, bytes + n);
    }
    return rc;
}

inline int tap_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
    const int rc = base->xOpen(base, name, file, flags, out_flags);
    if (rc != SQLITE_OK || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0) return rc;
    static std::mutex mutex;
    static std::map<std::pair<const sqlite3_io_methods*, bool>, std::unique_ptr<TapMethods>> taps;
    const std::lock_guard guard(mutex);
    const bool is_wal = (flags & SQLITE_OPEN_WAL) != 0;
    auto& tap = taps[{file->pMethods, is_wal}];
    if (tap == nullptr) {
        tap = std::make_unique<TapMethods>(TapMethods{*file->pMethods, file->pMethods, is_wal});
        tap->methods.xRead = &tap_read;
    }
    file->pMethods = &tap->methods;
    return rc;
}

/// As root, SQLite gives every sidecar the owner of its database, even one that has it: that moves the ctime of a WAL
/// that nobody wrote to.
inline int chown_if_other(int fd, uid_t uid, gid_t gid) {
    struct stat st {};
    if (::fstat(fd, &st) == 0 && st.st_uid == uid && st.st_gid == gid) return 0;
    return ::fchown(fd, uid, gid);
}

/// The default VFS, except that page 1 can be overheard.
inline const char* tap_vfs() {
    static sqlite3_vfs vfs = [] {
        sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
        base->xSetSystemCall(base, "fchown", reinterpret_cast<sqlite3_syscall_ptr>(&chown_if_other));
        sqlite3_vfs copy = *base;
        copy.zName = "holdfast-tap";
        copy.pNext = nullptr;
        copy.xOpen = &tap_open;
        return copy;
    }();
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    if (registered != SQLITE_OK) throw Error(Kind::internal, "SQLite did not accept a file system layer");
    return vfs.zName;
}

}  // namespace detail

/// Receives a database file that SQLite writes front to back and hands it on as a byte stream.
class PageSink {
public:
    PageSink(Bytes page_one, std::uint64_t page_count, std::function<void(ByteSpan)> out)
        : page_one_(std::move(page_one)), page_bytes_(static_cast<std::int64_t>(page_one_.size())),
          total_(page_bytes_ * static_cast<std::int64_t>(page_count)), out_(std::move(out)) {}

    /// Copies all of `source`, which is inside a read transaction. Throws SqliteError, or what `out` threw.
    void copy_from(const Database& source) {
        current_ = this;
        Database target = Database::open("sink", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs());
        current_ = nullptr;
        target.execute(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA "
            "cache_size=64;");
        out_(page_one_);
        next_ = page_bytes_;
        sqlite3_backup* backup = sqlite3_backup_init(target.get(), "main", source.get(), "main");
        if (backup == nullptr) target.check(sqlite3_errcode(target.get()), "begin to copy pages");
        const int step = sqlite3_backup_step(backup, -1);
        const int finish = sqlite3_backup_finish(backup);
        if (failure_ != nullptr) std::rethrow_exception(failure_);
        if (step != SQLITE_DONE) throw SqliteError(step, std::string("copy pages: ") + sqlite3_errstr(step));
        target.check(finish, "copy pages");
        fill_lock_page();
        if (next_ != total_ || !saw_page_one_)
            throw Error(Kind::internal, "SQLite delivered " + std::to_string(next_) + " of " +
                                            std::to_string(total_) + " bytes");
    }

private:
    struct File {
        sqlite3_file base;
        PageSink* sink;
    };

    void write(ByteSpan bytes, std::int64_t offset) {
        if (offset == 0) return check_page_one(bytes);
        fill_lock_page();
        if (offset != next_ || static_cast<std::int64_t>(bytes.size()) != page_bytes_)
            throw Error(Kind::internal,
                        "SQLite delivered pages out of order at byte " + std::to_string(offset));
        out_(bytes);
        next_ += page_bytes_;
    }
    void fill_lock_page() {
        if (next_ >= total_ || next_ / page_bytes_ != detail::kLockByte / page_bytes_) return;
        out_(Bytes(static_cast<std::size_t>(page_bytes_)));
        next_ += page_bytes_;
    }
    /// The copy's page 1 may differ from the source's in the change counter (24), the schema cookie (40),
    /// version-valid-for and library version (92, 96) and the two format versions (18); in nothing else.
    void check_page_one(ByteSpan bytes) {
        saw_page_one_ = true;
        Bytes copy(bytes.begin(), bytes.end());
        Bytes own = page_one_;
        for (Bytes* page : {&copy, &own})
            for (const auto& [at, n] : {std::pair{18, 2}, {24, 4}, {28, 4}, {40, 4}, {92, 8}})
                if (page->size() >= 100) std::fill_n(page->begin() + at, n, std::byte{0});
        if (copy != own) throw Error(Kind::internal, "page 1 changed while the database was copied");
    }

    static PageSink& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file)->sink; }

    static int on_open(sqlite3_vfs*, const char*, sqlite3_file* file, int flags, int* out_flags) {
        file->pMethods = nullptr;
        if (current_ == nullptr || (flags & SQLITE_OPEN_MAIN_DB) == 0) return SQLITE_CANTOPEN;
        reinterpret_cast<File*>(file)->sink = current_;
        static const sqlite3_io_methods kMethods = {
            1,
            [](sqlite3_file*) { return SQLITE_OK; },
            [](sqlite3_file*, void* out, int n, sqlite3_int64) {
                std::memset(out, 0, static_cast<std::size_t>(n));
                return SQLITE_IOERR_SHORT_READ;
            },
            &on_write,
            [](sqlite3_file*, sqlite3_int64) { return SQLITE_OK; },
            [](sqlite3_file*, int) { return SQLITE_OK; },
            [](sqlite3_file* f, sqlite3_int64* size) {
                *size = of(f).written_;
                return SQLITE_OK;
            },
            [](sqlite3_file*, int) { return SQLITE_OK; },
            [](sqlite3_file*, int) { return SQLITE_OK; },
            [](sqlite3_file*, int* held) {
                *held = 0;
                return SQLITE_OK;
            },
            [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; },
            [](sqlite3_file*) { return 4096; },
            [](sqlite3_file*) { return SQLITE_IOCAP_SEQUENTIAL | SQLITE_IOCAP_SAFE_APPEND; },
            nullptr,
            nullptr,
            nullptr,
            nullptr,
            nullptr,
            nullptr};
        file->pMethods = &kMethods;
        if (out_flags != nullptr) *out_flags = flags;
        return SQLITE_OK;
    }
    static int on_write(sqlite3_file* file, const void* bytes, int n, sqlite3_int64 offset) {
        PageSink& sink = of(file);
        if (sink.failure_ != nullptr) return SQLITE_IOERR_WRITE;
        try {
            sink.write({static_cast<const std::byte*>(bytes), static_cast<std::size_t>(n)}, offset);
            sink.written_ = std::max<sqlite3_int64>(sink.written_, offset + n);
            return SQLITE_OK;
        } catch (...) {  // an exception must not pass through C code
            sink.failure_ = std::current_exception();
            return SQLITE_IOERR_WRITE;
        }
    }
    static const char* vfs() {
        static sqlite3_vfs sink = [] {
            sqlite3_vfs v = *sqlite3_vfs_find(nullptr);
            v.zName = "holdfast-sink";
            v.szOsFile = sizeof(File);
            v.pNext = nullptr;
            v.xOpen = &on_open;
            v.xDelete = [](sqlite3_vfs*, const char*, int) { return SQLITE_OK; };
            v.xAccess = [](sqlite3_vfs*, const char*, int, int* result) {
                *result = 0;
                return SQLITE_OK;
            };
            v.xFullPathname = [](sqlite3_vfs*, const char* name, int n, char* out) {
                sqlite3_snprintf(n, out, "%s", name);
                return SQLITE_OK;
            };
            return v;
        }();
        static const int registered = sqlite3_vfs_register(&sink, 0);
        if (registered != SQLITE_OK) throw Error(Kind::internal, "SQLite did not accept a file system layer");
        return sink.zName;
    }

    inline static thread_local PageSink* current_ = nullptr;  // whose file the next open is
    Bytes page_one_;
    std::int64_t page_bytes_;
    std::int64_t total_;
    std::function<void(ByteSpan)> out_;
    std::int64_t next_ = 0;
    sqlite3_int64 written_ = 0;
    bool saw_page_one_ = false;
    std::exception_ptr failure_;
};

/// Begins a read transaction and returns page 1 as it stands in it (empty for a database without pages).
/// `db` was opened with detail::tap_vfs(). Throws SqliteError.
inline Bytes begin_and_read_page_one(const Database& db) {
    struct Tap {
        explicit Tap(Bytes* page) { detail::tapped_page_one = page; }
        ~Tap() { detail::tapped_page_one = nullptr; }
    };
    Bytes page;
    const Tap tap{&page};
    db.execute("BEGIN; SELECT count(*) FROM sqlite_schema LIMIT 1;");
    return page;
}

}  // namespace holdfast
