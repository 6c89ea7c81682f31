// policy/metrics.hpp - the metrics that holdfast tells Prometheus, in its text format.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/error.hpp"
#include "holdfast/policy/health.hpp"
#include "holdfast/policy/health_backups.hpp"

namespace holdfast {

/// Which of two samples of one series is worse: the larger, the smaller, or the one of the worse level.
enum class Worst { high, low, level };

struct MetricName {
    const char* name;
    const char* type;
    Worst worst;
    const char* help;
};

/// All of them, in the order of the file.
inline constexpr MetricName kMetrics[] = {
    {"backup_last_success_timestamp", "gauge", Worst::low,
     "When the last complete and verified backup ended (Unix time)."},
    {"backup_last_run_timestamp", "gauge", Worst::low,
     "When the last run of backup.sh ended, however it went."},
    {"backup_last_start_timestamp", "gauge", Worst::high,
     "When the newest run of backup.sh began; later than the last run: it was killed, or works."},
    {"backup_last_run_exit_code", "gauge", Worst::high,
     "Exit code of the last run: 0 complete, 4 partial, others failed."},
    {"backup_success_total", "counter", Worst::low, "Runs of backup.sh that were complete."},
    {"backup_partial_total", "counter", Worst::high, "Runs of backup.sh that lacked something."},
    {"backup_failure_total", "counter", Worst::high, "Runs of backup.sh that failed."},
    {"backup_duration_seconds", "gauge", Worst::high, "How long the last run of a type took."},
    {"backup_size_bytes", "gauge", Worst::low,
     "Bytes of the newest backup, by class of source, before deduplication."},
    {"backup_snapshots", "gauge", Worst::low, "Snapshots in the repository."},
    {"backup_source_timestamp", "gauge", Worst::low, "When the newest backup of a source ended."},
    {"backup_source_size_bytes", "gauge", Worst::low, "Bytes of a source in its newest backup."},
    {"backup_verified_timestamp", "gauge", Worst::low, "When a snapshot was last verified and found good."},
    {"backup_drill_timestamp", "gauge", Worst::low, "When a recovery was last rehearsed."},
    {"backup_drill_success", "gauge", Worst::low, "1 if the last drill passed."},
    {"backup_drill_duration_seconds", "gauge", Worst::high, "How long the last drill took."},
    {"backup_remote_timestamp", "gauge", Worst::low,
     "When the newest snapshot ended that was proven to be at a remote."},
    {"backup_remote_looked_timestamp", "gauge", Worst::low,
     "When the files at a remote were last held against ours."},
    {"backup_remote_bytes", "gauge", Worst::low, "Bytes of this host's files at a remote."},
    {"backup_copies", "gauge", Worst::low, "Proven copies of the data, the live data included."},
    {"backup_media", "gauge", Worst::low, "Media that the proven copies lie on."},
    {"backup_off_site_copies", "gauge", Worst::low, "Proven copies that are off-site."},
    {"backup_disk_free_bytes", "gauge", Worst::low, "Free bytes of a file system."},
    {"backup_disk_used_ratio", "gauge", Worst::high, "Used share of a file system, 0 to 1."},
    {"backup_disk_days_left", "gauge", Worst::low,
     "Days until the repository's disk is full at its growth, at most 3650."},
    {"database_size_bytes", "gauge", Worst::high, "Size of a database file."},
    {"database_wal_bytes", "gauge", Worst::high, "Size of a database's WAL."},
    {"database_growth_bytes_per_day", "gauge", Worst::high, "Growth of a database in its backups."},
    {"endpoint_up", "gauge", Worst::low, "1 if an endpoint answered as it should."},
    {"endpoint_latency_seconds", "gauge", Worst::high, "How long an endpoint took to answer."},
    {"stream_up", "gauge", Worst::low, "1 if an event came in time."},
    {"stream_latency_seconds", "gauge", Worst::high, "How long the first event took."},
    {"alert_buffered", "gauge", Worst::high, "Alerts that wait to be delivered."},
    {"holdfast_check", "gauge", Worst::level,
     "Level of a check: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown."},
    {"holdfast_health", "gauge", Worst::level,
     "The worst level of all checks: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown."},
    {"holdfast_metrics_timestamp", "gauge", Worst::low, "When this file was written."},
};

namespace detail {

/// In quotes: printable, with \ and " escaped, as the format wants it.
inline std::string label_value(std::string_view text) {
    std::string out = "\"";
    for (const char c : printable(text)) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return out + "\"";
}

inline std::string metric_value(double value) {
    char text[40];
    if (std::abs(value) < 1e15 && value == std::floor(value))
        std::snprintf(text, sizeof text, "%.0f", value);
    else
        std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

inline std::string series_name(const Sample& s) {
    std::string out = s.name;
    for (const auto& [name, value] : s.labels)
        out += (out.size() == s.name.size() ? "{" : ",") + name + "=" + label_value(value);
    return out + (s.labels.empty() ? "" : "}");
}

inline bool is_worse(double a, double b, Worst worst) {
    if (worst != Worst::level) return worst == Worst::high ? a > b : a < b;
    const auto level = [](double value) { return static_cast<Health>(static_cast<int>(value)); };
    return a != b && worse(level(b), level(a)) == level(a);
}

}  // namespace detail

/// The whole file. The same series twice would make the collector refuse it, so the worst one counts. Throws: internal for
/// a sample whose name is not in the table.
inline std::string format_metrics(const std::vector<Sample>& samples) {
    std::string out;
    std::size_t used = 0;
    for (const MetricName& metric : kMetrics) {
        std::vector<const Sample*> series;
        for (const Sample& s : samples) {
            if (s.name != metric.name) continue;
            ++used;
            const auto same = std::find_if(series.begin(), series.end(), [&](const Sample* one) {
                return detail::series_name(*one) == detail::series_name(s);
            });
            if (same == series.end())
                series.push_back(&s);
            else if (detail::is_worse(s.value, (*same)->value, metric.worst))
                *same = &s;
        }
        if (series.empty()) continue;
        out += std::string("# HELP ") + metric.name + " " + metric.help + "\n# TYPE " + metric.name + " " +
               metric.type + "\n";
        for (const Sample* s : series)
            out += detail::series_name(*s) + " " + detail::metric_value(s->value) + "\n";
    }
    if (used != samples.size()) throw Error(Kind::internal, "a metric has no entry in policy/metrics.hpp");
    return out;
}

/// What runs and snapshots say. The last success is a run's if its snapshot is still known and not damaged, else that of the newest complete
/// snapshot that no verification found damaged: a rolled back repository shows no success that it lost. Without
/// `facts` (the repository cannot be read) it is the run's.
inline std::vector<Sample> backup_samples(const BackupFacts* facts, const std::optional<RunHistory>& runs) {
    const RunHistory counts = runs.value_or(RunHistory{});
    std::vector<Sample> out = {{"backup_success_total", static_cast<double>(counts.successes)},
                               {"backup_partial_total", static_cast<double>(counts.partials)},
                               {"backup_failure_total", static_cast<double>(counts.failures)}};
    for (const auto& [type, took] : counts.took)
        out.push_back({"backup_duration_seconds", static_cast<double>(took.count()), {{"type", type}}});
    if (counts.began) out.push_back({"backup_last_start_timestamp", detail::unix_time(*counts.began)});
    if (counts.last) {
        out.push_back({"backup_last_run_timestamp", detail::unix_time(counts.last->ended)});
        out.push_back({"backup_last_run_exit_code", static_cast<double>(counts.last->code)});
    }
    std::optional<SystemSeconds> success;
    if (counts.last_success) success = counts.last_success->ended;
    if (facts != nullptr) {
        const auto is_damaged = [&](const std::string& id) {
            return std::find(facts->damaged.begin(), facts->damaged.end(), id) != facts->damaged.end();
        };
        const auto is_known = [&](const std::string& id) {
            return facts->pruned.contains(id) ||
                   detail::newest_backup(*facts, [&](const Manifest& m) { return m.id == id; }) != nullptr;
        };
        if (!counts.last_success || !is_known(counts.last_success->snapshot) ||
            is_damaged(counts.last_success->snapshot)) {
            const auto is_good = [&](const Manifest& m) {
                return m.state() == "complete" && !is_damaged(m.id) &&
                       !(counts.last && counts.last->snapshot == m.id);  // that run failed after its snapshot
            };
            const Manifest* newest = detail::newest_backup(*facts, is_good);
            success = newest != nullptr ? std::optional(newest->finished) : std::nullopt;
        }
        std::map<std::string, double> bytes;
        std::set<std::string> seen;
        for (const Manifest& m : facts->newest_first) {
            if (!detail::is_backup(m)) continue;
            std::set<std::string> here;
            for (const Component& c : m.components)
                if (!seen.contains(c.source)) {
                    bytes[c.source_class] += static_cast<double>(c.bytes);
                    here.insert(c.source);
                }
            seen.insert(here.begin(), here.end());
            if (m.type == word_for(SnapshotType::full)) break;  // sources from before it may be gone
        }
        for (const auto& [name, value] : bytes)
            out.push_back({"backup_size_bytes", value, {{"component", name}}});
    }
    if (success) out.push_back({"backup_last_success_timestamp", detail::unix_time(*success)});
    return out;
}

inline std::vector<Sample> health_samples(const std::vector<HealthResult>& results, SystemSeconds now) {
    std::vector<Sample> out;
    for (const HealthResult& r : results) {
        out.insert(out.end(), r.samples.begin(), r.samples.end());
        out.push_back(
            {"holdfast_check", static_cast<double>(r.level), {{"check", r.check}, {"subject", r.subject}}});
    }
    out.push_back({"holdfast_health", static_cast<double>(overall(results))});
    out.push_back({"holdfast_metrics_timestamp", detail::unix_time(now)});
    return out;
}

}  // namespace holdfast
