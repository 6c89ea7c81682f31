// ops/healthcheck.hpp - every check of this host by its name: gathers the facts, has them judged.
//
// What cannot be looked at is "unknown", never healthy. A repository that cannot be opened is unhealthy. Nothing is changed.
#pragma once

#include <functional>
#include <future>

#include "holdfast/ops/gather_keys.hpp"
#include "holdfast/ops/gather_remotes.hpp"
#include "holdfast/ops/storage_checks.hpp"
#include "holdfast/policy/health_host.hpp"

namespace holdfast::ops {

struct HealthCheck {
    const char* name;
    const char* help;
    bool needs_network;
    bool needs_repository;
    HealthResults (*run)(HealthContext&);
};

namespace detail {

inline HealthResults check_history(HealthContext& c) {
    const RepositoryConfig& wanted = c.options.config.repository;
    const auto findings = gather_history(c.repository(), {wanted.signing_key, wanted.require_signature});
    if (findings) return {judge_history(c.backups(), *findings)};
    HealthVerdict verdict("history", "");
    return {verdict.take("not looked at: prune is at work")};
}

inline HealthResults check_locks(HealthContext& c) {
    HealthResults out;
    for (const std::string& path :
         {c.repository().lock_path().string(), c.options.config.backup.log_dir + "/backup.lock"})
        out.push_back(judge_lock(gather_lock(path), c.limits()));
    return out;
}

inline HealthResults check_restores(HealthContext& c) {
    HealthResults out;
    for (const RestoreFacts& facts : gather_restores(c.repository()))
        out.push_back(judge_restore(facts, c.limits(), c.options.now));
    if (out.empty()) out.push_back(HealthVerdict("restores", "").take("none is open"));
    return out;
}

inline HealthResults check_clock(HealthContext& c) {
    ClockFacts facts{c.options.now};
    for (const Manifest& m : c.backups().newest_first)
        if (!facts.newest_snapshot || m.finished > *facts.newest_snapshot) facts.newest_snapshot = m.finished;
    facts.last_line = c.backups().last_line;
    return {judge_clock(facts, kClockSlack)};
}

/// A secret that others may read, or that cannot be read at all.
inline std::string secret_trouble(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
        if (path.empty()) continue;
        try {
            read_secret(path);
        } catch (const Error& e) {
            return e.what();
        }
    }
    return {};
}

inline HealthResult check_ping(const AlertOptions& alerts) {
    HealthVerdict verdict("alerts", "ping");
    const std::string trouble = secret_trouble({alerts.config.ping_file});
    if (!trouble.empty())
        verdict.add(Health::degraded, trouble, "correct it; no sign of life is sent meanwhile");
    if (const auto text = read_file_if_any(alerts.spool / "ping.json", 64_KiB)) {
        const Json json = parse_json(*text, "ping.json");
        const JsonFields f(json, "ping.json");
        if (f.find("why") != nullptr)
            verdict.add(Health::degraded, "the last ping failed: " + f.text("why"),
                        "check alerts.ping; the dead man's switch will go off");
    }
    return verdict.take("the last ping arrived, or none was sent yet");
}

inline HealthResults check_alerts(HealthContext& c) {
    const AlertOptions& alerts = c.options.alerts;
    HealthResults out;
    const AlertReport report = buffered_alerts(alerts);
    const std::string unwritable = alerts_unwritable(alerts.spool);
    for (std::size_t i = 0; i < report.channels.size(); ++i) {
        const ChannelReport& r = report.channels[i];
        const ChannelConfig& config = alerts.config.channels.at(i);
        out.push_back(judge_alerts(
            {r.channel, r.waiting, r.damaged, r.oldest, secret_trouble({config.secret_file, config.url_file}),
             is_in_memory(alerts.spool), r.refused, alerts.config.max_buffered, unwritable},
            c.options.now));
    }
    if (!alerts.config.ping.empty() || !alerts.config.ping_file.empty()) out.push_back(check_ping(alerts));
    if (out.empty())
        out.push_back(
            HealthVerdict("alerts", "").take("no channel is configured: nobody is told of failures"));
    return out;
}

inline HealthResults check_openers(HealthContext& c) {
    HealthResults out;
    if (c.repository().keyring() != nullptr)
        out.push_back(judge_recipients(
            gather_recipients(c.repository(), Digest::parse(c.options.config.repository.certificate)),
            c.limits(), c.options.now));
    if (const std::string& signer = c.options.config.repository.signing_key; !signer.empty())
        out.push_back(judge_signer(gather_key(signer, "", true), c.limits(), c.options.now));
    if (out.empty()) out.push_back(HealthVerdict("keys", "").take("none: neither encrypted nor signed"));
    return out;
}

/// All at once: each may take its whole time.
template <class Configs, class Probe, class Judge>
HealthResults check_probes(const Configs& configs, Probe probe, Judge judge) {
    std::vector<std::future<ProbeFacts>> answers;
    for (const auto& config : configs)
        answers.push_back(std::async(std::launch::async, [&config, probe] { return probe(config); }));
    HealthResults out;
    for (std::size_t i = 0; i < configs.size(); ++i) out.push_back(judge(configs[i], answers[i].get()));
    return out;
}

}  // namespace detail

/// In the order in which they are told.
inline const std::vector<HealthCheck>& health_checks() {
    using C = HealthContext;
    static const std::vector<HealthCheck> all = {
        {"repository", "it opens; owner, mode, write access", false, true,
         [](C& c) { return HealthResults{judge_access(gather_access(c.repository()))}; }},
        {"backup_age", "the newest backup, of each source and type", false, true,
         [](C& c) { return judge_backup_age(c.backups(), c.limits(), c.options.now); }},
        {"last_run", "how the last run ended; partial, suspect or empty snapshots", false, true,
         [](C& c) { return HealthResults{judge_last_run(c.backups(), c.options.now)}; }},
        {"objects", "the newest snapshot has all of its objects", false, true, detail::check_objects},
        {"history", "ledger, snapshots and this host's memory agree", false, true, detail::check_history},
        {"verification", "age and result of verify", false, true,
         [](C& c) { return HealthResults{judge_verification(c.backups(), c.limits(), c.options.now)}; }},
        {"drill", "age and result of the last rehearsal", false, true,
         [](C& c) { return HealthResults{judge_drill(c.backups(), c.limits(), c.options.now)}; }},
        {"off_site", "the newest snapshot that was proven to be at each remote", false, true,
         detail::check_off_site},
        {"copies", "3-2-1: three proven copies on two media, one off-site", false, true,
         detail::check_copies},
        {"keys", "recipients and signer: none expired, revoked, about to end, or alone", false, true,
         detail::check_openers},
        {"quarantine", "no damaged objects were set aside", false, true, detail::check_quarantine},
        {"restores", "no restore in place is half-done or forgotten", false, true, detail::check_restores},
        {"lock", "nobody works in the repository for too long", false, true, detail::check_locks},
        {"disk", "free bytes, inodes, days until full; read-only", false, true, detail::check_disks},
        {"sources", "what is to be backed up exists and is not empty", false, false, detail::check_sources},
        {"database", "each database opens; quick_check, size, growth, WAL", false, false,
         detail::check_databases},
        {"schedule", "a crontab line or timer starts backups", false, false,
         [](C& c) {
             return HealthResults{
                 judge_schedule(gather_schedule(c.options.config.backup.log_dir), c.limits(), c.options.now)};
         }},
        {"clock", "neither it nor a snapshot is from another time", false, true, detail::check_clock},
        {"alerts", "nothing waits to be delivered; secrets are private", false, false, detail::check_alerts},
        {"endpoint", "each HTTP endpoint answers as it should, in time", true, false,
         [](C& c) { return detail::check_probes(c.limits().endpoints, probe_endpoint, judge_endpoint); }},
        {"stream", "each event stream sends an event in time", true, false,
         [](C& c) { return detail::check_probes(c.limits().streams, probe_stream, judge_stream); }},
    };
    return all;
}

/// Whatever was thrown, as an Error; only a stop signal goes on. Call it in a catch block. Throws: interrupted.
inline Error caught_error() {
    try {
        throw;
    } catch (const Error& e) {
        return e;
    } catch (const Interrupted&) {
        throw;
    } catch (const std::exception& e) {
        return Error(Kind::internal, printable(e.what()),
                     "look at what it names; if nothing is odd there, report it");
    }
}

/// Runs the checks of those names, or all: what goes wrong in one of them is its own result. Throws: interrupted.
inline HealthResults run_health_checks(HealthContext& context,
                                       const std::function<bool(const HealthCheck&)>& is_chosen,
                                       const std::vector<HealthCheck>& checks = health_checks()) {
    HealthResults out;
    std::optional<Error> closed;  // why the repository cannot be opened
    try {
        context.repository();
    } catch (...) {
        closed = caught_error();
    }
    bool is_told = false;
    for (const HealthCheck& check : checks) {
        if (!is_chosen(check)) continue;
        check_interrupted();
        const bool is_closed = closed && check.needs_repository;
        if (is_closed && is_told) continue;  // said once
        try {
            if (is_closed) throw *closed;
            HealthResults some = check.run(context);
            out.insert(out.end(), some.begin(), some.end());
        } catch (...) {
            const Error e = caught_error();
            const std::string next =
                e.hint().empty() ? "run it as the user that makes the backups" : e.hint();
            out.push_back({check.name, "", is_closed ? Health::unhealthy : Health::unknown, e.what(), next});
            is_told = is_told || is_closed;
        }
    }
    return out;
}

}  // namespace holdfast::ops
