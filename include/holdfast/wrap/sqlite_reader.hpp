// wrap/sqlite_reader.hpp - a database whose bytes come from a function, for images that lie in no file.
//
// A read-only VFS: the image never changes, so there are no locks, no WAL and no journal. Temporary files of large sorts are
// the default VFS's. What the function throws passes SQLite as an I/O error and is kept for rethrow().
#pragma once

#include <cstring>
#include <exception>
#include <span>

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

class SqliteReader {
public:
    /// Fills the span with the image's bytes from `offset`; both lie inside the image.
    using Read = std::function<void(std::uint64_t offset, std::span<std::byte> out)>;

    SqliteReader(std::uint64_t bytes, Read read) : bytes_(bytes), read_(std::move(read)) {}
    SqliteReader(const SqliteReader&) = delete;
    SqliteReader& operator=(const SqliteReader&) = delete;

    /// A hardened connection; this must outlive it. Throws SqliteError, or what the function threw.
    Database open() {
        current_ = this;
        Database db = Database::open("image", SQLITE_OPEN_READONLY, vfs());
        current_ = nullptr;
        db.harden();
        return db;
    }
    /// Throws what the function threw since the last call, if it did.
    void rethrow() {
        if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
    }

private:
    struct File {
        sqlite3_file base;
        SqliteReader* reader;
    };
    static SqliteReader& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file)->reader; }

    static int on_read(sqlite3_file* file, void* out, int n, sqlite3_int64 offset) {
        SqliteReader& self = of(file);
        if (self.failure_ != nullptr) return SQLITE_IOERR_READ;
        const auto at = static_cast<std::uint64_t>(offset), wanted = static_cast<std::uint64_t>(n);
        const std::uint64_t there = at >= self.bytes_ ? 0 : std::min(wanted, self.bytes_ - at);
        auto* bytes = static_cast<std::byte*>(out);
        try {
            if (there > 0) self.read_(at, {bytes, static_cast<std::size_t>(there)});
        } catch (...) {  // an exception must not pass through C code
            self.failure_ = std::current_exception();
            return SQLITE_IOERR_READ;
        }
        if (there == wanted) return SQLITE_OK;
        std::memset(bytes + there, 0, static_cast<std::size_t>(wanted - there));
        return SQLITE_IOERR_SHORT_READ;
    }

    static const sqlite3_io_methods* methods() {
        static const sqlite3_io_methods kMethods = {
            1,
            [](sqlite3_file*) { return SQLITE_OK; },
            &on_read,
            [](sqlite3_file*, const void*, int, sqlite3_int64) { return SQLITE_READONLY; },
            [](sqlite3_file*, sqlite3_int64) { return SQLITE_READONLY; },
            [](sqlite3_file*, int) { return SQLITE_OK; },
            [](sqlite3_file* f, sqlite3_int64* size) {
                *size = static_cast<sqlite3_int64>(of(f).bytes_);
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
            [](sqlite3_file*) { return SQLITE_IOCAP_IMMUTABLE; },  // then SQLite asks for no WAL either
            nullptr,
            nullptr,
            nullptr,
            nullptr,
            nullptr,
            nullptr};
        return &kMethods;
    }

    static int on_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
        file->pMethods = nullptr;
        if ((flags & SQLITE_OPEN_MAIN_DB) == 0) {
            sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
            return name == nullptr ? base->xOpen(base, name, file, flags, out_flags) : SQLITE_CANTOPEN;
        }
        if (current_ == nullptr) return SQLITE_CANTOPEN;
        reinterpret_cast<File*>(file)->reader = current_;
        file->pMethods = methods();
        if (out_flags != nullptr) *out_flags = flags;
        return SQLITE_OK;
    }
    static const char* vfs() {
        static sqlite3_vfs reader = [] {
            sqlite3_vfs v = *sqlite3_vfs_find(nullptr);
            v.zName = "holdfast-reader";
            v.szOsFile = std::max(v.szOsFile, static_cast<int>(sizeof(File)));
            v.pNext = nullptr;
            v.xOpen = &on_open;
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
        static const int registered = sqlite3_vfs_register(&reader, 0);
        if (registered != SQLITE_OK) throw Error(Kind::internal, "SQLite did not accept a file system layer");
        return reader.zName;
    }

    inline static thread_local SqliteReader* current_ = nullptr;  // whose file the next open is
    std::uint64_t bytes_;
    Read read_;
    std::exception_ptr failure_;
};

}  // namespace holdfast
