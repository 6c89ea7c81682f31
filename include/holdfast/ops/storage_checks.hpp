// ops/storage_checks.hpp - the checks of what is stored and of what is to be stored: objects, disks, sources, databases.
#pragma once

#include "holdfast/ops/gather_host.hpp"
#include "holdfast/ops/health_context.hpp"
#include "holdfast/ops/probe.hpp"

namespace holdfast::ops::detail {

using holdfast::detail::HealthVerdict;
using holdfast::detail::newest_backup;

inline constexpr std::chrono::days kGrowthWindow{30};

inline HealthResults check_objects(HealthContext& c) {
    HealthVerdict verdict("objects", "");
    const Manifest* newest = newest_backup(c.backups(), [](const Manifest&) { return true; });
    if (newest == nullptr) return {verdict.take("no snapshot yet: see backup_age")};
    const MissingObjects found = look_for_objects(c.repository(), newest->id);
    if (found.absent + found.empty > 0)
        verdict.add(Health::unhealthy,
                    "snapshot " + newest->id + " lacks " + std::to_string(found.absent + found.empty) +
                        " of its " + std::to_string(found.needed) + " objects",
                    "verify --all --quarantine, then a backup; or put them back from another copy");
    return {
        verdict.take("all " + std::to_string(found.needed) + " of snapshot " + newest->id + " are there")};
}

inline HealthResults check_disks(HealthContext& c) {
    std::vector<std::pair<std::string, std::string>> paths = {{c.repository().root().string(), "repository"}};
    for (const CaptureTask& task : c.plan().tasks)
        if (!task.path.empty()) paths.emplace_back(task.path, "source");
    paths.emplace_back(state_path(c.repository()).parent_path().string(), "state");
    HealthResults out;
    for (DiskFacts& disk : gather_disks(paths)) {
        if (disk.purpose == "repository") {
            const std::vector<Manifest>& all = c.backups().newest_first;
            disk.growth_per_day = growth_per_day(all, c.options.now - kGrowthWindow);
            if (!all.empty()) disk.newest_backup_bytes = all.front().stored_bytes;
        }
        out.push_back(judge_disk(disk, c.limits()));
    }
    return out;
}

/// Of the image in its backups, over at most 30 days.
inline std::optional<double> database_growth(const BackupFacts& facts, const std::string& path,
                                             SystemSeconds now) {
    const Manifest *newest = nullptr, *oldest = nullptr;
    std::uint64_t last = 0, first = 0;
    for (const Manifest& m : facts.newest_first) {
        if (m.started < now - kGrowthWindow) break;
        for (const Component& component : m.components)
            if (component.kind == "sqlite" && component.path == path) {
                if (newest == nullptr) last = component.bytes;
                first = component.bytes;
                oldest = &m;
                if (newest == nullptr) newest = &m;
            }
    }
    if (newest == nullptr || newest->started - oldest->started < std::chrono::days{1}) return std::nullopt;
    return (static_cast<double>(last) - static_cast<double>(first)) * 86400 /
           static_cast<double>((newest->started - oldest->started).count());
}

inline HealthResults check_databases(HealthContext& c) {
    HealthResults out;
    for (const CaptureTask& task : c.plan().tasks) {
        if (task.source->kind != SourceKind::sqlite) continue;
        DatabaseFacts facts = probe_database(task.source->name, task.path, c.limits().quick_check);
        try {
            facts.growth_per_day = database_growth(c.backups(), task.path, c.options.now);
        } catch (const Error&) {  // no repository: another check says so
        }
        out.push_back(judge_database(facts, c.limits()));
    }
    return out;
}

inline HealthResults check_sources(HealthContext& c) {
    HealthResults out;
    for (const MissingSource& m : c.plan().missing) {
        HealthVerdict verdict("sources", m.source);
        verdict.add(Health::unhealthy, m.reason,
                    "is its disk mounted? correct the path in the configuration");
        out.push_back(verdict.take());
    }
    for (const CaptureTask& task : c.plan().tasks) {
        HealthVerdict verdict("sources", task.component);
        std::error_code error;
        if (task.source->kind == SourceKind::tree && !task.source->allow_empty &&
            fs::is_directory(task.path, error) && fs::is_empty(task.path, error) && !error)
            verdict.add(Health::degraded, in_quotes(task.path) + " is empty",
                        "is its disk mounted? if it may be empty: allow_empty = true");
        if (error)
            verdict.add(Health::unhealthy, in_quotes(task.path) + ": " + error.message(),
                        "check its owner and mode");
        out.push_back(verdict.take(task.path.empty() ? "a command" : "is there"));
    }
    return out;
}

inline HealthResults check_quarantine(HealthContext& c) {
    HealthVerdict verdict("quarantine", "");
    std::error_code error;
    const bool is_there = fs::is_directory(c.repository().quarantine(), error);
    const std::size_t n = is_there ? list_directory(c.repository().quarantine()).size() : 0;
    if (n > 0)
        verdict.add(Health::degraded, std::to_string(n) + " damaged objects were set aside",
                    "verify --all says which snapshots lack them; run a backup, then remove quarantine/*");
    return {verdict.take("empty")};
}

}  // namespace holdfast::ops::detail
