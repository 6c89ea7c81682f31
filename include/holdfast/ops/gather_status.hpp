// ops/gather_status.hpp - what a status page tells beside the results of the checks, as facts.
//
// What cannot be found out is a gap with a reason; the rest is still told. Nothing is changed.
#pragma once

#include "holdfast/base/host_name.hpp"
#include "holdfast/ops/drill_record.hpp"
#include "holdfast/ops/healthcheck.hpp"
#include "holdfast/ops/prune_plan.hpp"
#include "holdfast/policy/status.hpp"

namespace holdfast::ops {

namespace detail {

/// By the day, the newest first.
inline std::vector<VerifiedDay> gather_verifications(const Repository& repository) {
    std::map<std::chrono::sys_days, VerifiedDay> days;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event != "verified") return;
        const JsonFields f(line.json, "ledger line");
        if (const auto time = parse_utc(f.text_or("time_utc", "")))
            note_verified(days, *time, f.text_or("result", "") == "ok", f.text_or("level", "") == "deep");
    });
    std::vector<VerifiedDay> out;
    for (auto at = days.rbegin(); at != days.rend(); ++at) out.push_back(at->second);
    return out;
}

inline std::vector<DrillPoint> gather_drills(const Repository& repository) {
    std::vector<DrillPoint> out;
    for (const PastDrill& drill : read_past_drills(repository))
        if (const auto at = parse_utc(drill.time_utc)) out.push_back({*at, drill.total_s, drill.has_passed});
    return out;
}

inline RetentionPreview gather_retention(HealthContext& c, const std::map<std::string, std::string>& trust) {
    const Config& config = c.options.config;
    RetentionPreview out;
    out.is_set = config.retention.is_set();
    out.grace = config.retention.grace;
    if (!out.is_set) return out;
    PrunePolicy policy;
    policy.retention = config.retention;
    policy.now = c.options.now;
    policy.signature = {config.repository.signing_key, config.repository.require_signature};
    for (const SourceConfig& source : config.sources) policy.configured.insert(source.name);
    const std::vector<Manifest>& all = c.backups().newest_first;
    try {
        out.verdicts = preview_prune(c.repository(), all, trust, policy);
    } catch (const Error& e) {
        out.refused = e.what();
    }
    for (const Manifest& m : all) out.taken[m.id] = {m.started, m.type};
    return out;
}

}  // namespace detail

/// For the page of `results`, which were found through `c` just now.
inline StatusFacts gather_status(HealthContext& c, const HealthResults& results) {
    StatusFacts out;
    out.host = host_name();
    out.repository = c.options.repository;
    out.now = c.options.now;
    out.results = results;
    const auto try_to = [&](const char* what, auto find_out) {
        try {
            find_out();
        } catch (...) {
            out.gaps.push_back(std::string(what) + ": " + caught_error().what());
        }
    };
    try_to("snapshots", [&] {
        const BackupFacts& b = c.backups();
        const Manifest* newest = detail::newest_backup(b, [](const Manifest&) { return true; });
        if (newest != nullptr) out.newest = newest->finished;
        out.created = b.created;
        out.snapshots = b.newest_first.size();
        out.sources = source_trends(b.newest_first, b.sources);
        out.days = status_days(b.newest_first, b.damaged, c.options.now);
        out.last_verified = b.last_verified;
        out.last_drill = b.last_drill;
    });
    if (!out.gaps.empty()) return out;  // there is no repository to ask
    try_to("verification", [&] { out.verifications = detail::gather_verifications(c.repository()); });
    try_to("drills", [&] { out.drills = detail::gather_drills(c.repository()); });
    try_to("retention", [&] {
        const std::map<std::string, std::string> trust = read_trust(c.repository());
        for (const Manifest& m : c.backups().newest_first) {
            const auto at = trust.find(m.id);
            ++out.trust[at == trust.end() ? "captured" : at->second];
        }
        out.retention = detail::gather_retention(c, trust);
    });
    return out;
}

}  // namespace holdfast::ops
