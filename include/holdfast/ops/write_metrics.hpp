// ops/write_metrics.hpp - the file for Prometheus' textfile collector.
//
// https://github.com/prometheus/node_exporter#textfile-collector A reader sees the old file or the new one. A file that cannot
// be brought up to date is removed: no figures are better than those of the last success.
#pragma once

#include "holdfast/ops/healthcheck.hpp"
#include "holdfast/policy/metrics.hpp"

namespace holdfast::ops {

/// Of the runs, the repository and these results.
inline std::string metrics_text(HealthContext& context, const HealthResults& results) {
    std::optional<RunHistory> runs;
    try {
        runs = read_run_history(context.options.repository);
    } catch (...) {
        caught_error();  // damaged: the counters begin anew
    }
    const BackupFacts* facts = nullptr;
    try {
        facts = &context.backups();
    } catch (...) {
        caught_error();  // the checks say so
    }
    std::vector<Sample> samples = backup_samples(facts, runs);
    const std::vector<Sample> more = health_samples(results, context.options.now);
    samples.insert(samples.end(), more.begin(), more.end());
    return format_metrics(samples);
}

/// No figures are better than old ones. Returns what to say of it.
inline std::string remove_metrics(const fs::path& path) {
    std::error_code error;
    return fs::remove(path, error) ? "; the metrics file of the last time was removed" : "";
}

/// `make_text` makes what is to stand there. Readable by everybody, for the collector runs as a user of its own.
/// Throws: io, interrupted; then the file of the last time is gone.
template <class MakeText>
void write_metrics(const fs::path& path, MakeText make_text) {
    try {
        const std::string text = make_text();
        publish_file(path, as_bytes(text), 0644);
    } catch (...) {
        const std::string removed = remove_metrics(path);
        const Error e = caught_error();
        throw Error(Kind::io, std::string("the metrics were not written: ") + e.what() + removed,
                    "check the owner, mode and space of that folder (health.metrics)");
    }
}

/// Lets `change` at the history of runs, then writes the file if there is to be one. Throws: io, busy, interrupted; then
/// the file of the last time is gone.
template <class Change>
void record_metrics(HealthContext& context, Change change) {
    const fs::path path = context.limits().metrics;
    try {
        change_run_history(context.options.repository, change);
    } catch (...) {
        const std::string removed = remove_metrics(path);
        const Error e = caught_error();
        throw Error(e.kind(), "the run was not recorded: " + std::string(e.what()) + removed, e.hint());
    }
    if (path.empty()) return;
    const auto is_local = [](const HealthCheck& check) { return !check.needs_network; };
    write_metrics(path, [&] { return metrics_text(context, run_health_checks(context, is_local)); });
}

}  // namespace holdfast::ops
