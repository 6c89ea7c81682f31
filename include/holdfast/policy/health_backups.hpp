// policy/health_backups.hpp - are there backups, young enough, whole, verified and rehearsed?
//
// An emergency snapshot is the state before a restore, perhaps a broken one: it counts as no backup.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "holdfast/policy/health.hpp"
#include "holdfast/policy/retention.hpp"
#include "holdfast/policy/run_history.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast {

/// The newest of what happened to snapshots, from the ledger.
struct Proof {
    SystemSeconds at{};
    bool is_good = false;
    std::string snapshot;
    double seconds = 0;  // drills: how long it took
    std::string what{};  // drills: the targets that were missed
};

struct BackupFacts {
    std::vector<Manifest> newest_first;
    std::vector<std::string> unreadable;     // why, of snapshots whose manifest cannot be read
    std::vector<std::string> sources;        // of the configuration
    std::optional<SystemSeconds> created;    // the repository
    std::optional<SystemSeconds> last_line;  // the time of the ledger's newest line
    std::optional<Proof> last_verified;      // the newest that was good
    std::vector<std::string> damaged;  // snapshots that are here and whose last verification found damage
    std::optional<Proof> last_drill;
    std::optional<RunHistory> runs;
    bool is_running = false;       // backup.sh is at work
    std::set<std::string> pruned;  // ids: absent for a good reason
};

namespace detail {

inline bool is_backup(const Manifest& m) { return m.type != word_for(SnapshotType::emergency); }

/// The newest backup that `fits`; null if there is none.
template <class Fits>
const Manifest* newest_backup(const BackupFacts& facts, Fits fits) {
    for (const Manifest& m : facts.newest_first)
        if (is_backup(m) && fits(m)) return &m;
    return nullptr;
}

inline bool holds(const Manifest& m, const std::string& source) {
    return std::any_of(m.components.begin(), m.components.end(),
                       [&](const Component& c) { return c.source == source; });
}

inline HealthResult judge_age(const std::string& subject, const Manifest* newest, std::chrono::seconds limit,
                              SystemSeconds now, const std::string& next) {
    HealthVerdict verdict("backup_age", subject);
    const std::string what = subject.empty() ? "backup" : "backup of " + in_quotes(subject);
    if (newest == nullptr) {
        if (limit >= kForever) return verdict.take("none, and none is asked for");
        verdict.add(Health::unhealthy, "there is no " + what, next);
        return verdict.take();
    }
    if (newest->finished > now + kClockSlack)
        verdict.add(Health::unhealthy,
                    "the newest " + what + " is from the future (" + format_utc(newest->finished) + ")",
                    "correct this host's clock; date -u");
    else if (limit < kForever && now - newest->finished > limit)
        verdict.add(Health::unhealthy,
                    "the newest " + what + " is " + format_duration(now - newest->finished) +
                        " old, more than " + format_duration(limit),
                    next);
    return verdict.take("newest " + ago(newest->finished, now) + " (" + newest->id + ")");
}

}  // namespace detail

/// One result for all backups, one for each source, one for each type that has a limit of its own.
inline std::vector<HealthResult> judge_backup_age(const BackupFacts& facts, const HealthConfig& config,
                                                  SystemSeconds now) {
    using detail::newest_backup;
    const std::string next = "run scripts/backup.sh by hand and read its log; is it still scheduled?";
    std::vector<HealthResult> out;
    const Manifest* any = newest_backup(facts, [](const Manifest&) { return true; });
    out.push_back(detail::judge_age("", any, config.max_age, now, next));
    for (const std::string& source : facts.sources) {
        const Manifest* newest =
            newest_backup(facts, [&](const Manifest& m) { return detail::holds(m, source); });
        out.push_back(detail::judge_age(source, newest, config.max_age_for(source), now,
                                        "see why it is left out: snap --dry-run " + source));
        if (newest == nullptr) continue;
        double bytes = 0;
        for (const Component& c : newest->components)
            if (c.source == source) bytes += static_cast<double>(c.bytes);
        out.back().samples = {
            {"backup_source_timestamp", detail::unix_time(newest->finished), {{"source", source}}},
            {"backup_source_size_bytes", bytes, {{"source", source}}}};
    }
    for (const std::string& type : words_of<SnapshotType>())
        if (config.max_age_of.contains(type)) {
            const Manifest* newest = newest_backup(facts, [&](const Manifest& m) { return m.type == type; });
            out.push_back(detail::judge_age(type, newest, config.max_age_for(type), now, next));
        }
    return out;
}

/// How the last run ended, and whether what it wrote looks right.
inline HealthResult judge_last_run(const BackupFacts& facts, SystemSeconds now) {
    detail::HealthVerdict verdict("last_run", "");
    const auto look = [](const std::string& id) {
        return "catalog show " + id + " says what is missing or odd";
    };
    if (facts.runs && facts.runs->last && !facts.runs->last->is_success()) {
        const BackupRun& run = *facts.runs->last;
        verdict.add(run.code == 5 ? Health::unhealthy : Health::degraded,
                    "the last run (" + run.type + ", " + detail::ago(run.ended, now) + ") ended with exit " +
                        std::to_string(run.code),
                    run.is_partial() ? look(run.snapshot) : "read the newest log in backup.log_dir");
    }
    if (facts.runs && facts.runs->is_open() && !facts.is_running)
        verdict.add(
            Health::degraded,
            "a run that began " + detail::ago(*facts.runs->began, now) + " never ended: it was killed",
            "see why (out of memory? journalctl -k), then run scripts/backup.sh");
    const Manifest* newest = detail::newest_backup(facts, [](const Manifest&) { return true; });
    if (newest != nullptr) {
        if (newest->components.empty() || newest->bytes() == 0)
            verdict.add(Health::unhealthy, "snapshot " + newest->id + " holds nothing (0 bytes)",
                        "check that the sources exist and are mounted: snap --dry-run");
        if (!newest->suspect.empty())
            verdict.add(
                Health::degraded,
                "snapshot " + newest->id + " looks wrong: " + newest->suspect.front() +
                    (newest->suspect.size() > 1
                         ? " (and " + std::to_string(newest->suspect.size() - 1) + " more)"
                         : ""),
                "compare it with an earlier one: catalog diff; if the loss is meant: snap --accept-losses");
        if (newest->is_partial())
            verdict.add(Health::degraded, "snapshot " + newest->id + " is partial", look(newest->id));
    }
    return verdict.take(newest == nullptr ? "no snapshot yet: see backup_age"
                                          : "snapshot " + newest->id + " is complete");
}

/// `findings`: what the ledger and the host's memory say against what is there.
inline HealthResult judge_history(const BackupFacts& facts, const std::vector<std::string>& findings) {
    detail::HealthVerdict verdict("history", "");
    const std::string next =
        "trust nothing here before: verify --all; put the repository back from another copy";
    for (const std::string& what : findings) verdict.add(Health::unhealthy, what, next);
    for (const std::string& why : facts.unreadable) verdict.add(Health::unhealthy, why, next);
    verdict.sample({"backup_snapshots", static_cast<double>(facts.newest_first.size()), {}});
    return verdict.take(std::to_string(facts.newest_first.size()) + " snapshots, as the ledger says");
}

namespace detail {

/// Too long since `proof`, or since the repository was made if there is none yet.
inline void judge_proof(HealthVerdict& verdict, const std::optional<Proof>& proof, const BackupFacts& facts,
                        std::chrono::seconds limit, SystemSeconds now, const std::string& past,
                        const std::string& next) {
    const std::optional<SystemSeconds> since = proof ? std::optional(proof->at) : facts.created;
    const std::string seen = proof ? past + " " + ago(proof->at, now) : "never " + past;
    const bool is_old = limit < kForever && (!since || now - *since > limit);
    if (is_old)
        verdict.add(Health::degraded, seen + ", the limit is " + format_duration(limit), next);
    else
        verdict.note(seen);
    if (proof && proof->at > now + kClockSlack)
        verdict.add(Health::unhealthy, seen, "correct this host's clock; date -u");
}

}  // namespace detail

inline HealthResult judge_verification(const BackupFacts& facts, const HealthConfig& config,
                                       SystemSeconds now) {
    detail::HealthVerdict verdict("verification", "");
    for (const std::string& id : facts.damaged)
        verdict.add(Health::unhealthy, "snapshot " + id + " is damaged",
                    "verify --all says what, and what still restores");
    detail::judge_proof(verdict, facts.last_verified, facts, config.max_verify_age, now, "verified",
                        "verify --deep latest; every night: verify --budget 30m");
    if (facts.last_verified)
        verdict.sample({"backup_verified_timestamp", detail::unix_time(facts.last_verified->at), {}});
    return verdict.take();
}

inline HealthResult judge_drill(const BackupFacts& facts, const HealthConfig& config, SystemSeconds now) {
    detail::HealthVerdict verdict("drill", "");
    const std::optional<Proof>& drill = facts.last_drill;
    if (drill && !drill->is_good)
        verdict.add(Health::unhealthy,
                    "the last drill failed" + (drill->what.empty() ? "" : ": missed " + drill->what),
                    "read its report (drill.report_dir), correct what failed, and run the drill again");
    detail::judge_proof(verdict, drill, facts, config.max_drill_age, now, "drilled",
                        "rehearse a recovery: scripts/dr_drill.sh");
    if (drill)
        for (const Sample& s : {Sample{"backup_drill_timestamp", detail::unix_time(drill->at), {}},
                                Sample{"backup_drill_success", drill->is_good ? 1.0 : 0.0, {}},
                                Sample{"backup_drill_duration_seconds", drill->seconds, {}}})
            verdict.sample(s);
    return verdict.take();
}

}  // namespace holdfast
