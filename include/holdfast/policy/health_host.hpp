// policy/health_host.hpp - disks, databases, locks, schedules and the rest of the host, judged from facts.
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
};

inline HealthResult judge_disk(const DiskFacts& disk, const HealthConfig& config) {
    detail::Verdict verdict("disk", disk.path);
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
    detail::Verdict verdict("database", db.path);
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

// --- Other facts ------------------------------------------------------------------------------------------

struct AccessFacts {
    std::string path;
    std::uint32_t mode = 0700, uid = 0;
    std::uint32_t our_uid = 0;
    bool may_write = true;
    std::vector<std::string> foreign{};  // entries that belong to somebody else than the folder
};

inline HealthResult judge_access(const AccessFacts& a) {
    detail::Verdict verdict("repository", a.path);
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", a.mode & 07777U);
    if ((a.mode & 022U) != 0)
        verdict.add(Health::unhealthy, std::string("others may write it (mode ") + mode + ")",
                    "chmod -R go-rwx " + a.path);
    else if ((a.mode & 077U) != 0)
        verdict.add(Health::degraded, std::string("others may look into it (mode ") + mode + ")",
                    "chmod go-rwx " + a.path);
    for (const std::string& name : a.foreign)
        verdict.add(Health::degraded, in_quotes(name) + " in it belongs to another user",
                    "always run backups as one user; chown -R its owner's name " + a.path);
    if (!a.may_write && (a.our_uid == a.uid || a.our_uid == 0))
        verdict.add(Health::unhealthy, "its owner cannot write it",
                    "check mount options, chattr +i and modes on the way to it");
    return verdict.take(std::string("opens; mode ") + mode);
}

struct LockFacts {
    std::string path;
    struct Holder {
        int pid = 0;
        std::chrono::seconds age{};  // of the process: it cannot hold the lock for longer
    };
    std::vector<Holder> holders{};
};

inline HealthResult judge_lock(const LockFacts& lock, const HealthConfig& config) {
    detail::Verdict verdict("lock", lock.path);
    for (const LockFacts::Holder& h : lock.holders) {
        const std::string text =
            "held by process " + std::to_string(h.pid) + ", which runs for " + format_duration(h.age);
        if (config.max_lock < kForever && h.age > config.max_lock)
            verdict.add(Health::degraded, text, "see what it waits for: ps -fp " + std::to_string(h.pid));
        else
            verdict.note(text);
    }
    return verdict.take("free");
}

struct RestoreFacts {
    std::string id;
    bool is_interrupted = false;  // its moves were begun, and nobody is at it
    bool is_leftover = false;     // begun and dead before anything changed
    SystemSeconds started{};
};

inline HealthResult judge_restore(const RestoreFacts& r, const HealthConfig& config, SystemSeconds now) {
    detail::Verdict verdict("restores", r.id);
    if (r.is_interrupted)
        verdict.add(Health::unhealthy, "a restore in place was interrupted half-way",
                    "restore --resume finishes it, restore --undo takes it back");
    else if (r.is_leftover)
        verdict.add(Health::degraded, "a restore in place ended before it changed anything",
                    "restore --undo clears it away");
    else if (config.max_open_restore < kForever && now - r.started > config.max_open_restore)
        verdict.add(
            Health::degraded, "a restore in place of " + detail::ago(r.started, now) + " was never accepted",
            "look at the data, then restore --accept (or --undo); the old data takes up space until then");
    return verdict.take("a restore in place waits to be accepted");
}

struct ScheduleFacts {
    std::vector<std::string> found{};           // crontab lines and timers, as people call them
    std::vector<std::string> disabled{};        // timers that exist but never start
    std::optional<SystemSeconds> last_start{};  // the newest log of backup.sh
};

inline HealthResult judge_schedule(const ScheduleFacts& s, const HealthConfig& config, SystemSeconds now) {
    detail::Verdict verdict("schedule", "");
    for (const std::string& timer : s.disabled)
        verdict.add(Health::degraded, timer + " is not enabled", "systemctl enable --now " + timer);
    if (s.found.empty() && config.schedule)
        verdict.add(Health::unhealthy, "no backup is scheduled", "scripts/schedule_backups.sh daily");
    if (config.schedule && !s.found.empty() && config.max_age < kForever &&
        (!s.last_start || now - *s.last_start > config.max_age))
        verdict.add(
            Health::degraded,
            s.last_start ? "the last run began " + detail::ago(*s.last_start, now) : "no run has left a log",
            "does cron (or the timer) run? systemctl status cron; systemctl list-timers");
    if (!verdict.is_healthy()) return verdict.take();
    std::string text;
    for (const std::string& name : s.found) text += (text.empty() ? "" : ", ") + name;
    if (s.last_start)
        text += (text.empty() ? "" : "; ") + ("last run began " + detail::ago(*s.last_start, now));
    return verdict.take(text.empty() ? "none here, and none is expected (health.schedule)" : text);
}

struct ClockFacts {
    SystemSeconds now{};
    std::optional<SystemSeconds> newest_snapshot{}, last_line{};
};

/// No host ran this before: earlier, the clock has lost its battery.
inline constexpr SystemSeconds kFirstRelease{std::chrono::sys_days{std::chrono::year{2026} / 11 / 1}};

inline HealthResult judge_clock(const ClockFacts& c, std::chrono::seconds slack) {
    detail::Verdict verdict("clock", "");
    const std::string next =
        "set the clock (timedatectl); order and retention go by number, so nothing is lost";
    if (c.now < kFirstRelease)
        verdict.add(Health::unhealthy, "it says " + format_utc(c.now) + ", before this program existed",
                    next);
    if (c.newest_snapshot && *c.newest_snapshot > c.now + slack)
        verdict.add(Health::unhealthy, "a snapshot is from the future: " + format_utc(*c.newest_snapshot),
                    next);
    if (c.last_line && *c.last_line > c.now + slack)
        verdict.add(Health::unhealthy, "the ledger is from the future: " + format_utc(*c.last_line), next);
    return verdict.take(format_utc(c.now));
}

struct AlertFacts {
    std::string channel;
    std::uint64_t waiting = 0, damaged = 0;
    std::optional<SystemSeconds> oldest{};
    std::string trouble{};  // a secret that others may read, for instance
};

inline HealthResult judge_alerts(const AlertFacts& a, SystemSeconds now) {
    detail::Verdict verdict("alerts", a.channel);
    if (a.waiting > 0)
        verdict.add(Health::degraded,
                    std::to_string(a.waiting) + " wait to be delivered" +
                        (a.oldest ? ", the oldest from " + detail::ago(*a.oldest, now) : ""),
                    "alert buffer-status says why; then alert flush");
    if (a.damaged > 0)
        verdict.add(Health::degraded, std::to_string(a.damaged) + " lines of the buffer cannot be read",
                    "look at the files in alerts.spool");
    if (!a.trouble.empty()) verdict.add(Health::degraded, a.trouble, "correct it, then: alert test");
    verdict.sample({"alert_buffered", static_cast<double>(a.waiting), {{"channel", a.channel}}});
    return verdict.take("nothing waits");
}

}  // namespace holdfast
