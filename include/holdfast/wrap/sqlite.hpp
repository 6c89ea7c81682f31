// wrap/sqlite.hpp - SQLite handles that close themselves and results that throw.
//
// Connections use extended result codes and bounded waits. Errors become Kinds here and nowhere else: BUSY and LOCKED are
// busy, CORRUPT and NOTADB corrupt, the rest io. Paths are plain paths: made absolute, never read as URIs.
// A connection belongs to one thread at a time.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/text.hpp"

namespace holdfast {

/// Keeps the extended result code for the few callers that recover from one of them.
class SqliteError : public Error {
public:
    SqliteError(int code, const std::string& message, const std::string& hint = {})
        : Error(kind_of(code), message, hint), code_(code) {}
    int code() const noexcept { return code_; }

private:
    static Kind kind_of(int code) {
        switch (code & 0xFF) {
            case SQLITE_BUSY:
            case SQLITE_LOCKED: return Kind::busy;
            case SQLITE_CORRUPT:
            case SQLITE_NOTADB: return Kind::corrupt;
            default: return Kind::io;
        }
    }
    int code_;
};

class Statement {
public:
    /// `rest` is set to what follows the first statement.
    Statement(sqlite3* db, const char* sql, const char** rest = nullptr) {
        sqlite3_stmt* raw = nullptr;
        const int rc = sqlite3_prepare_v2(db, sql, -1, &raw, rest);
        stmt_.reset(raw);
        check(db, rc, "prepare a query");
    }
    /// True while there is a row. Throws SqliteError.
    bool step() {
        const int rc = sqlite3_step(stmt_.get());
        if (rc == SQLITE_ROW) return true;
        if (rc == SQLITE_DONE) return false;
        check(sqlite3_db_handle(stmt_.get()), rc, "run a query");
        return false;
    }
    bool is_empty() const noexcept { return !stmt_; }  // the text was blank or a comment
    /// Does it only read, and is there something to read?
    bool is_query() const noexcept {
        return stmt_ && sqlite3_stmt_readonly(stmt_.get()) != 0 && sqlite3_column_count(stmt_.get()) > 0;
    }
    sqlite3_stmt* get() const noexcept { return stmt_.get(); }
    void reset() noexcept { sqlite3_reset(stmt_.get()); }
    void bind(int at, std::int64_t value) { bound(sqlite3_bind_int64(stmt_.get(), at, value)); }
    void bind(int at, std::string_view text) {
        bound(sqlite3_bind_text64(stmt_.get(), at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    }
    void bind(int at, ByteSpan blob) {
        bound(sqlite3_bind_blob64(stmt_.get(), at, blob.data(), blob.size(), SQLITE_TRANSIENT));
    }
    bool is_null(int column) const { return sqlite3_column_type(stmt_.get(), column) == SQLITE_NULL; }
    std::int64_t integer(int column) const { return sqlite3_column_int64(stmt_.get(), column); }
    /// Valid until the next step or reset.
    std::string_view text(int column) const {
        const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(stmt_.get(), column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), column));
        return data == nullptr ? std::string_view{} : std::string_view{data, size};
    }
    ByteSpan blob(int column) const {
        const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(stmt_.get(), column));
        return {data, static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), column))};
    }

    /// `rc` in words, with SQLite's own message made printable. Throws SqliteError unless it is OK.
    static void check(sqlite3* db, int rc, const std::string& doing) {
        if (rc == SQLITE_OK) return;
        const std::string why = db == nullptr ? sqlite3_errstr(rc) : sqlite3_errmsg(db);
        throw SqliteError(db == nullptr ? rc : sqlite3_extended_errcode(db), doing + ": " + printable(why));
    }

private:
    void bound(int rc) { check(sqlite3_db_handle(stmt_.get()), rc, "bind a value"); }
    struct Finalize {
        void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
    };
    std::unique_ptr<sqlite3_stmt, Finalize> stmt_;
};

class Database {
public:
    /// An existing file, read-only. `immutable` promises that nobody writes to it: no lock, no -wal, no -shm.
    enum class Source { live, immutable };
    static Database open_readonly(const std::filesystem::path& path, Source source,
                                  std::chrono::milliseconds busy_budget, const char* vfs = nullptr) {
        // An absolute path is never taken for ":memory:", and without SQLITE_OPEN_URI never for a URI;
        // `immutable` can only be said in a URI, so there the path is escaped.
        const std::string absolute = std::filesystem::absolute(path).string();
        const bool uri = source == Source::immutable;
        Database db = open(uri ? "file://" + escape_uri(absolute) + "?immutable=1" : absolute,
                           SQLITE_OPEN_READONLY | (uri ? SQLITE_OPEN_URI : 0), vfs);
        db.harden();
        db.set_busy_budget(busy_budget);
        return db;
    }
    /// Restored data, for queries out of a configuration: immutable, and no query can attach or change anything.
    static Database open_for_queries(const std::filesystem::path& path) {
        Database db = open_readonly(path, Source::immutable, std::chrono::seconds{0});
        sqlite3_limit(db.get(), SQLITE_LIMIT_ATTACHED, 0);
        db.execute("PRAGMA query_only=ON");
        return db;
    }
    /// Our own cache: read and written, created if absent.
    static Database open_cache(const std::string& path) {
        Database db = open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
        db.set_busy_budget(std::chrono::seconds{5});  // a run goes on without its cache
        return db;
    }
    static Database open(const std::string& name, int flags, const char* vfs) {
        sqlite3* raw = nullptr;
        const int rc =
            sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, vfs);
        Database db{raw};  // SQLite hands out a handle even when it fails; own it first
        db.check(rc, "open " + in_quotes(name));
        return db;
    }

    sqlite3* get() const noexcept { return db_.get(); }
    void check(int rc, const std::string& doing) const { Statement::check(db_.get(), rc, doing); }
    Statement prepare(const char* sql) const { return Statement(db_.get(), sql); }
    /// One query that only reads, written by somebody else. Throws SqliteError; usage if it is none, or more than one.
    Statement prepare_query(const std::string& sql) const {
        const char* rest = nullptr;
        Statement query(db_.get(), sql.c_str(), &rest);
        if (!query.is_query())
            throw Error(Kind::usage, "this is no query that only reads: " + in_quotes(sql));
        if (!Statement(db_.get(), rest).is_empty())
            throw Error(Kind::usage, "this is more than one query: " + in_quotes(sql));
        return query;
    }
    void execute(const char* sql) const {
        check(sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr), "run SQL");
    }
    void roll_back() const noexcept { sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr); }
    std::int64_t query_integer(const char* sql) const {
        Statement q = prepare(sql);
        return q.step() ? q.integer(0) : 0;
    }
    std::string query_text(const char* sql) const {
        Statement q = prepare(sql);
        return q.step() ? std::string(q.text(0)) : std::string{};
    }
    void close() noexcept { db_.reset(); }

    /// What is opened may be hostile: its schema may not run code of its own choosing, and reading must not
    /// checkpoint or recover anything in the file.
    void harden() const {
        int off = 0;
        check(sqlite3_db_config(get(), SQLITE_DBCONFIG_DEFENSIVE, 1, &off), "harden");
        check(sqlite3_db_config(get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &off), "harden");
        check(sqlite3_db_config(get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &off), "harden");
        check(sqlite3_db_config(get(), SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, &off), "harden");
        execute("PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;");
    }

    /// How long a lock of somebody else is waited for, each time; a stop signal ends the wait.
    void set_busy_budget(std::chrono::milliseconds budget) {
        busy_ = std::make_unique<Busy>(Busy{budget, {}});
        check(sqlite3_busy_handler(get(), &Busy::wait, busy_.get()), "set the wait");
    }

    /// No text or blob may be longer: a hostile record claims gigabytes, which SQLite would ask the system for.
    void limit_values(std::uint64_t bytes) {
        constexpr std::uint64_t kMost = std::numeric_limits<int>::max();
        sqlite3_limit(get(), SQLITE_LIMIT_LENGTH, static_cast<int>(std::min(bytes, kMost)));
    }

    /// Calls `stop` now and then during long queries; true ends them with SQLITE_INTERRUPT. Empty: never.
    void set_progress(std::function<bool()> stop) {
        progress_ = std::make_unique<std::function<bool()>>(std::move(stop));
        sqlite3_progress_handler(
            get(), *progress_ ? 10'000 : 0,
            [](void* context) -> int { return (*static_cast<std::function<bool()>*>(context))() ? 1 : 0; },
            progress_.get());
    }

private:
    explicit Database(sqlite3* raw) : db_(raw) {}

    static std::string escape_uri(const std::string& path) {
        static constexpr char kDigits[] = "0123456789ABCDEF";
        std::string out;
        for (const char c : path) {
            const auto byte = static_cast<unsigned char>(c);
            if (c == '%' || c == '?' || c == '#' || byte < 0x20 || byte >= 0x7F)
                out += {'%', kDigits[byte >> 4], kDigits[byte & 15U]};
            else
                out += c;
        }
        return out;
    }

    struct Busy {
        std::chrono::milliseconds budget;
        std::chrono::steady_clock::time_point end;
        static int wait(void* context, int tries) {
            auto& busy = *static_cast<Busy*>(context);
            const auto now = std::chrono::steady_clock::now();
            if (tries == 0) busy.end = now + busy.budget;
            if (now >= busy.end || is_interrupted()) return 0;
            std::this_thread::sleep_for(std::chrono::milliseconds{tries < 10 ? 1 : 5});
            return 1;
        }
    };
    struct Close {
        void operator()(sqlite3* db) const noexcept { sqlite3_close(db); }
    };
    std::unique_ptr<Busy> busy_;
    std::unique_ptr<std::function<bool()>> progress_;
    std::unique_ptr<sqlite3, Close> db_;
};

inline std::string sqlite_version() { return sqlite3_libversion(); }

}  // namespace holdfast
