// policy/health_storage.hpp - disks and databases, judged from facts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "holdfast/policy/health.hpp"

namespace holdfast {

// --- Disks ----------------------------------------------------------------------------------------------

struct DiskFacts {
    std::string path;
    std::string purpose;  // repository, source, state
    std::uint64_t free_bytes = 0, used_bytes = 0;
    std::uint64_t free_inodes = 0, inodes = 0;  // none: this file system does not count them
    bool is_readonly = false;
    bool must_write = false;                 // we write there
    std::optional<double> growth_per_day{};  // bytes; repository
    std::uint64_t newest_backup_bytes = 0;   // that the last backup added; repository
    std::string failure{};                   // why it cannot be looked at
};

inline HealthResult judge_disk(const DiskFacts& disk, const HealthConfig& config) {
    detail::HealthVerdict verdict("disk", disk.path);
    if (!disk.failure.empty()) {
        verdict.add(Health::unknown, disk.failure,
                    "is that file system still there? check mounts, owners and modes on the way");
        return verdict.take();
    }
    const std::string make_room = disk.purpose == "repository"
                                      ? "prune, then prune --empty-trash; or a larger disk"
                                      : "make room there; backups of what is cut short are worthless";
    const auto share = [](std::uint64_t part, std::uint64_t all) {
        return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
    };
    const double used = share(disk.used_bytes, disk.used_bytes + disk.free_bytes);
    const double inodes = disk.inodes == 0 ? 0 : 1 - share(disk.free_inodes, disk.inodes);
    const std::string free = format_bytes(disk.free_bytes) + " free";
    if (disk.is_readonly && disk.must_write)
        verdict.add(Health::unhealthy, "the file system is read-only",
                    "dmesg says why; no backup can be written until it is mounted read-write again");
    const bool is_nearly_full = disk.free_bytes < config.min_free / 10;
    if (is_nearly_full || disk.free_bytes < disk.newest_backup_bytes)
        verdict.add(Health::unhealthy,
                    free + (is_nearly_full ? ""
                                           : ", less than the last backup added (" +
                                                 format_bytes(disk.newest_backup_bytes) + ")"),
                    make_room);
    else if (disk.free_bytes < config.min_free)
        verdict.add(Health::degraded, free + ", the least is " + format_bytes(config.min_free), make_room);
    if (used > config.max_used)
        verdict.add(Health::degraded,
                    format_percent(used) + " used, the most is " + format_percent(config.max_used),
                    make_room);
    if (inodes > config.max_used)
        verdict.add(inodes > 0.99 ? Health::unhealthy : Health::degraded,
                    format_percent(inodes) + " of the inodes used", make_room);
    verdict.sample({"backup_disk_free_bytes", static_cast<double>(disk.free_bytes), {{"path", disk.path}}});
    verdict.sample({"backup_disk_used_ratio", used, {{"path", disk.path}}});
    if (verdict.is_healthy()) verdict.note(free + ", " + format_percent(used) + " used");
    if (!disk.growth_per_day || *disk.growth_per_day <= 0) return verdict.take();
    const double days = static_cast<double>(disk.free_bytes) / *disk.growth_per_day;
    const double most = 3650;
    const std::string left = days > most ? "full in more than 10 years"
                                         : "full in " + std::to_string(static_cast<long>(days)) + " d";
    verdict.sample({"backup_disk_days_left", std::min(days, most), {{"path", disk.path}}});
    if (days * 86400 < static_cast<double>(config.min_left.count()))
        verdict.add(Health::degraded, left + " at this growth", make_room);
    else
        verdict.note(left);
    return verdict.take();
}

/// What backups add a day: stored bytes of those that are kept, over the time that they span. `newest_first` may be cut to a
/// window; the oldest is where the measuring begins, so it does not count. Nothing for less than a day.
template <class Manifests>
std::optional<double> growth_per_day(const Manifests& newest_first, SystemSeconds not_before) {
    double bytes = 0, pending = 0;
    std::optional<SystemSeconds> first, last;
    for (const auto& m : newest_first) {
        if (m.started < not_before) break;
        if (!last) last = m.started;
        first = m.started;
        bytes += pending;
        pending = static_cast<double>(m.stored_bytes);
    }
    if (!last || *last - *first < std::chrono::days{1}) return std::nullopt;
    return bytes * 86400 / static_cast<double>((*last - *first).count());
}

// --- Databases --------------------------------------------------------------------------------------------

struct DatabaseFacts {
    std::string source, path;
    std::string failure;  // why it could not be opened or read; empty: it was
    bool is_busy = false;
    bool needs_recovery = false;  // a crash left a journal; the next application that opens it recovers it
    std::vector<std::string> damage{};  // quick_check
    bool is_checked = false;            // to the end
    std::uint64_t bytes = 0, wal_bytes = 0;
    std::optional<double> growth_per_day{};
};

inline HealthResult judge_database(const DatabaseFacts& db, const HealthConfig& config) {
    detail::HealthVerdict verdict("database", db.path);
    if (db.is_busy)
        verdict.add(Health::degraded, "it stayed locked", "find the long transaction: fuser -v " + db.path);
    else if (db.needs_recovery)
        verdict.add(Health::degraded, "a crash left a hot journal",
                    "start its application once, which recovers it; backups go on meanwhile");
    else if (!db.failure.empty())
        verdict.add(Health::unhealthy, db.failure,
                    "check path, owner and mode; if it is damaged: restore latest --source " + db.source +
                        " --target DIR, and compare");
    for (const std::string& what : db.damage)
        verdict.add(Health::unhealthy, "quick_check: " + what,
                    "stop the application; restore latest --source " + db.source + " --in-place");
    if (db.wal_bytes > config.max_wal)
        verdict.add(
            Health::degraded,
            "its WAL has " + format_bytes(db.wal_bytes) + ", more than " + format_bytes(config.max_wal),
            "a reader that never ends keeps it from being emptied: fuser -v " + db.path);
    verdict.sample({"database_size_bytes", static_cast<double>(db.bytes), {{"path", db.path}}});
    verdict.sample({"database_wal_bytes", static_cast<double>(db.wal_bytes), {{"path", db.path}}});
    if (!verdict.is_healthy()) return verdict.take();
    std::string text = format_bytes(db.bytes);
    if (db.growth_per_day) {
        const double growth = *db.growth_per_day;
        text += std::string(growth < 0 ? ", -" : ", +") +
                format_bytes(static_cast<std::uint64_t>(growth < 0 ? -growth : growth)) + " a day";
        verdict.sample({"database_growth_bytes_per_day", growth, {{"path", db.path}}});
    }
    if (!db.is_checked) text += ", readable; quick_check not finished in its time";
    return verdict.take(text);
}

}  // namespace holdfast
