// ops/probe.hpp - asks a database or a service how it is, in bounded time and without changing anything.
#pragma once

#include "holdfast/base/clock.hpp"
#include "holdfast/ops/check_sqlite.hpp"
#include "holdfast/policy/health_probes.hpp"
#include "holdfast/policy/health_storage.hpp"
#include "holdfast/source/sqlite_files.hpp"
#include "holdfast/source/sqlite_image.hpp"
#include "holdfast/wrap/http.hpp"
#include "holdfast/wrap/sqlite_time_limit.hpp"

namespace holdfast::ops {

namespace detail {

/// Reads the schema and, until the time is over, runs quick_check. Throws SqliteError.
inline void read_database(const std::string& path, std::chrono::milliseconds limit, DatabaseFacts& out) {
    constexpr std::chrono::seconds kLocked{1};
    const Database db = Database::open_readonly(path, Database::Source::live, kLocked);
    db.query_integer("SELECT count(*) FROM sqlite_schema");
    if (limit.count() == 0) return;
    const SqliteTimeLimit timer(db, limit);
    try {
        Statement check = db.prepare("PRAGMA quick_check(5)");
        while (check.step())
            // An interrupted check may call pages unused that it did not come to; the timer says so before.
            if (check.text(0) != "ok" && !is_missing_extension(check.text(0)) && !timer.is_over())
                out.damage.push_back(printable(check.text(0)));
        out.is_checked = !timer.is_over();
    } catch (const SqliteError& e) {
        if (!timer.is_over() && !is_missing_extension(e.what())) throw;
    }
}

}  // namespace detail

/// Opens it read-only; leaves no -wal and no -shm that was not there. Throws: interrupted.
inline DatabaseFacts probe_database(const std::string& source, const std::string& path,
                                    std::chrono::milliseconds limit) {
    DatabaseFacts out{source, path, {}};
    try {
        struct stat st {};
        const std::string real = fs::canonical(path).string();
        if (::stat(real.c_str(), &st) != 0) throw_os("look at " + in_quotes(path));
        if (!S_ISREG(st.st_mode)) throw Error(Kind::io, "is no regular file");
        out.bytes = static_cast<std::uint64_t>(st.st_size);
        if (::stat((real + "-wal").c_str(), &st) == 0) out.wal_bytes = static_cast<std::uint64_t>(st.st_size);
        if (::faccessat(AT_FDCWD, real.c_str(), R_OK, AT_EACCESS) != 0) throw_os("read it");
        const SidecarGuard guard(real);
        detail::read_database(real, limit, out);
    } catch (const SqliteError& e) {
        check_interrupted();
        out.is_busy = e.kind() == Kind::busy;
        out.needs_recovery = SqliteImage::is_hot_journal(e.code());
        // Another user than the application's can often read a WAL database by a copy only, as snap does.
        if (!SqliteImage::needs_private_copy(e.code())) out.failure = e.what();
    } catch (const Error& e) {
        out.failure = e.what();
    } catch (const fs::filesystem_error& e) {
        out.failure = e.code().message();
    }
    return out;
}

/// Throws: interrupted.
inline ProbeFacts probe_endpoint(const EndpointConfig& config) {
    ProbeFacts out;
    HttpRequest request;
    request.url = config.url;
    request.ca_file = config.ca_file;
    request.timeout = config.timeout;
    try {
        const HttpReply reply = http_send(request);
        out.status = reply.status;
        out.took = reply.took;
    } catch (const Error& e) {
        out.failure = e.what();
        out.took = config.timeout;
    }
    return out;
}

/// Waits for the first event. Throws: interrupted.
inline ProbeFacts probe_stream(const StreamConfig& config) {
    ProbeFacts out;
    EventFinder finder;
    HttpRequest request;
    request.url = config.url;
    request.ca_file = config.ca_file;
    request.timeout = config.within;
    request.headers = {"Accept: text/event-stream", "Cache-Control: no-cache"};
    request.max_bytes = 1_MiB;
    request.may_be_cut_off = true;
    request.on_data = [&](std::string_view bytes) {
        out.has_event = finder.feed(bytes);
        return !out.has_event;
    };
    try {
        const HttpReply reply = http_send(request);
        out.status = reply.status;
        out.took = reply.took;
        out.content_type = reply.content_type;
    } catch (const Error& e) {
        out.failure = e.what();
        out.took = config.within;
    }
    return out;
}

}  // namespace holdfast::ops
