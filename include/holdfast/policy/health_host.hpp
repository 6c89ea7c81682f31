// policy/health_host.hpp - access, locks, restores, schedules, clock and alerts of a host, judged from facts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "holdfast/policy/health.hpp"
#include "holdfast/policy/retention.hpp"

namespace holdfast {

struct AccessFacts {
    std::string path;
    std::uint32_t mode = 0700, uid = 0;
    std::uint32_t our_uid = 0;
    bool may_write = true;
    std::vector<std::string> foreign{};  // entries that belong to somebody else than the folder
};

inline HealthResult judge_access(const AccessFacts& a) {
    detail::HealthVerdict verdict("repository", a.path);
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
    detail::HealthVerdict verdict("lock", lock.path);
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
    detail::HealthVerdict verdict("restores", r.id);
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
    detail::HealthVerdict verdict("schedule", "");
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
    if (s.last_start && *s.last_start > now + kClockSlack)  // it proves nothing, and would for all that time
        verdict.add(
            Health::degraded, "the last run began " + detail::ago(*s.last_start, now),
            "correct this host's clock (date -u), then remove the log of that name in backup.log_dir");
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
    detail::HealthVerdict verdict("clock", "");
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
    std::string trouble{};      // a secret that others may read, for instance
    bool is_in_memory = false;  // the buffer
    std::uint64_t refused = 0;  // set aside
    std::uint64_t most = 0;     // may wait; 0: any number
    std::string unwritable{};   // why the buffer takes nothing new
};

inline HealthResult judge_alerts(const AlertFacts& a, SystemSeconds now) {
    detail::HealthVerdict verdict("alerts", a.channel);
    if (a.waiting > 0)
        verdict.add(Health::degraded,
                    std::to_string(a.waiting) + " wait to be delivered" +
                        (a.oldest ? ", the oldest from " + detail::ago(*a.oldest, now) : ""),
                    "alert buffer-status says why; then alert flush");
    if (a.most > 0 && a.waiting >= a.most)
        verdict.add(Health::unhealthy, "no more may wait: what is new is lost unless it is taken at once",
                    "put right why they are not delivered, then: alert flush");
    if (!a.unwritable.empty())
        verdict.add(Health::degraded, "an alert could not be kept: " + a.unwritable,
                    "make room or give write access in alerts.spool, or name another folder");
    if (a.damaged > 0)
        verdict.add(Health::degraded, std::to_string(a.damaged) + " lines of the buffer cannot be read",
                    "look at the files in alerts.spool");
    if (a.refused > 0)
        verdict.add(
            Health::degraded, std::to_string(a.refused) + " were refused by the receiver and set aside",
            "see " + a.channel + ".refused.jsonl in alerts.spool; then alert flush --refused, or remove it");
    if (!a.trouble.empty()) verdict.add(Health::degraded, a.trouble, "correct it, then: alert test");
    if (a.is_in_memory)
        verdict.add(Health::degraded, "the buffer lies in memory: a reboot loses what waits",
                    "name a folder on a disk: alerts.spool");
    verdict.sample({"alert_buffered", static_cast<double>(a.waiting), {{"channel", a.channel}}});
    return verdict.take("nothing waits");
}

}  // namespace holdfast
