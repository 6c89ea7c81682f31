// ops/snap.hpp - takes one snapshot of the given sources.
//
// A source that fails is named as missing and the others are kept: then the snapshot is partial. If nothing at all could
// be captured there is no snapshot and the first error is thrown. The promise of a returned id: everything it needs is
// on stable storage.
#pragma once

#include <new>

#include "holdfast/base/host_name.hpp"
#include "holdfast/ops/capture_client.hpp"
#include "holdfast/ops/capture_tree.hpp"
#include "holdfast/ops/check_keys.hpp"
#include "holdfast/ops/host_history.hpp"
#include "holdfast/ops/keep_recipes.hpp"
#include "holdfast/ops/leftovers.hpp"
#include "holdfast/ops/object_uses.hpp"
#include "holdfast/ops/publish_snapshot.hpp"
#include "holdfast/ops/restored_files.hpp"
#include "holdfast/policy/anomaly.hpp"

namespace holdfast::ops {

struct SnapOptions {
    std::vector<SourceConfig> sources;
    std::string stdin_name;  // a component of what comes on standard input; empty: none
    std::string type = "manual";
    int level = 3;
    std::chrono::seconds lock_wait{600};
    bool keep_corrupt = false;
    bool private_names = false;          // needs a sealed repository
    std::optional<Digest> certificate;   // the configuration's: nothing else may be sealed to
    std::string signing_key;             // fingerprint; empty: the snapshot is not signed
    bool accepts_losses = false;         // what shrank or is gone is meant to be: the new measure
    double retire_below = kRetireBelow;  // objects of which a smaller share is used
    Progress::Show show = Progress::Show::never;
};

struct SnapReport {
    Manifest manifest;
    std::vector<std::string> notes;
    std::string last_good;    // the newest snapshot before that is not suspect; empty if there is none
    bool is_damaged = false;  // a source is corrupt and was captured as it is

    /// What the exit code says of a snapshot that exists.
    int exit_code() const {
        if (is_damaged) return static_cast<int>(Kind::corrupt);
        return manifest.state() == "complete" ? 0 : static_cast<int>(Kind::partial);
    }
};

namespace detail {

inline PendingComponent capture_kind(RunContext& run, const CaptureTask& task, PendingComponent out) {
    if (out.component.kind == "stdin") return capture_stdin(run, task, std::move(out));
    switch (task.source->kind) {
        case SourceKind::sqlite: return capture_sqlite(run, task, std::move(out));
        case SourceKind::tree: return capture_tree_source(run, task, std::move(out));
        case SourceKind::command: return capture_command(run, task, std::move(out));
        case SourceKind::postgres:
        case SourceKind::redis: return capture_client(run, task, std::move(out));
    }
    throw Error(Kind::internal, "unknown kind of source");
}

/// As a manifest keeps it, so that it compares equal to what is read from one.
inline std::optional<MountPlace> mount_of(const std::string& path) {
    std::optional<MountPlace> place = path.empty() ? std::nullopt : find_mount(path);
    if (place)
        for (std::string* text : {&place->point, &place->file_system, &place->path}) *text = json_text(*text);
    return place;
}

inline PendingComponent capture_task(RunContext& run, const CaptureTask& task) {
    PendingComponent begun;
    Component& c = begun.component;
    c.name = task.component;
    c.source = task.source->name;
    c.source_class = word_for(task.source->source_class);
    c.path = task.path;
    const bool is_stdin = task.source->kind == SourceKind::command && task.source->command.empty();
    // To a repository what a client wrote is what a command printed: every recover.sh knows how to give it back.
    c.kind = is_stdin ? "stdin" : task.client ? "command" : word_for(task.source->kind);
    PendingComponent out = capture_kind(run, task, std::move(begun));
    out.component.mount = mount_of(task.path);
    return out;
}

/// Bytes of a component that neither its last trusted snapshot nor this run stored: what suspect ones brought since.
inline std::uint64_t doubtful_bytes(RunContext& run, const PendingComponent& pending) {
    const Manifest* trusted = find_trusted(run.snapshots.newest_first, pending.component);
    if (trusted == nullptr || trusted == &run.snapshots.newest_first.front()) return 0;
    std::set<Digest> known;
    try {
        const Checksums sums = read_checksums(run.repository.snapshot(trusted->id) / "SHA256SUMS");
        known.insert(sums.objects.begin(), sums.objects.end());
    } catch (const Error&) {
        return 0;  // verify reports damage; it does not stop a backup
    }
    const ObjectTable& objects = run.capture.objects();
    std::uint64_t bytes = 0;
    for (const auto& [object, used] : pending.used)
        if (!objects.is_new(object) && !known.contains(objects.name_of(object))) bytes += used;
    return bytes;
}

inline void add_suspicions(RunContext& run, const std::vector<SourceConfig>& sources,
                           const std::vector<PendingComponent>& captured, AnomalyFacts facts,
                           Manifest& manifest) {
    for (const PendingComponent& pending : captured)
        facts.doubtful_bytes[pending.component.name] = doubtful_bytes(run, pending);
    for (std::string& reason : find_anomalies(manifest, run.snapshots.newest_first, sources, facts))
        manifest.suspect.push_back(std::move(reason));
}

/// What the tables in the tree lack. An index that this version has checked already has the findings of then.
inline DeltaCheck find_in_delta(RunContext& run, PendingComponent& pending) {
    const Component& c = pending.component;
    const Digest key = sha256(std::string(kVersion) + " " + c.index->digest.hex());
    if (auto known = run.cache.find_checked(c.name, key)) {
        try {
            return parse_delta_check(*known);
        } catch (const Error&) {  // a damaged cache costs time only
        }
    }
    const fs::path staging = run.repository.make_staging();
    DeltaCheck found = run.can_read_back() ? check_delta(run.reader, c, staging)
                                           : check_captured_delta(c.path, *pending.index, staging);
    pending.checked = CheckedNote{key, format_delta_check(found)};
    return found;
}

/// A log that cannot be read back is damage for verify to report; it does not stop a backup.
inline void add_delta_findings(RunContext& run, PendingComponent& pending) {
    if (pending.index == nullptr || !pending.index->contains("_delta_log/")) return;
    Component& c = pending.component;
    try {
        DeltaCheck found = find_in_delta(run, pending);
        std::move(found.warnings.begin(), found.warnings.end(), std::back_inserter(c.warnings));
        std::move(found.notes.begin(), found.notes.end(), std::back_inserter(pending.notes));
    } catch (const Error& e) {
        c.warnings.push_back(std::string("the Delta tables could not be checked: ") + e.what());
    }
}

/// Captures every task; failures become missing sources, and those not because nothing is there `unread`. Returns the
/// first error.
inline std::optional<Error> capture_all(RunContext& run, const CapturePlan& plan, Progress& progress,
                                        Manifest& manifest, std::vector<PendingComponent>& captured,
                                        std::set<std::string>& unread) {
    std::optional<Error> first;
    const auto miss = [&](const CaptureTask& task, const Error& e) {
        manifest.missing.push_back({task.source->name, task.path, e.what()});
        if (e.kind() != Kind::not_found) unread.insert(task.path.empty() ? task.component : task.path);
        if (!first)
            first.emplace(e.kind(), "source " + in_quotes(task.source->name) + " not captured: " + e.what(),
                          e.hint());
    };
    for (const CaptureTask& task : plan.tasks) {
        check_interrupted();
        progress.start(task.component);
        try {
            captured.push_back(capture_task(run, task));
        } catch (const Error& e) {
            if (run.capture.is_broken()) throw;
            miss(task, e);
        } catch (const std::bad_alloc&) {  // what the source took is free again
            if (run.capture.is_broken()) throw;
            miss(task, {Kind::internal, "out of memory", "free some memory, or raise its limit"});
        }
    }
    return first;
}

}  // namespace detail

/// The sources, and standard input as one without a command.
inline std::vector<SourceConfig> sources_of_run(const SnapOptions& options) {
    std::vector<SourceConfig> sources = options.sources;
    if (options.stdin_name.empty()) return sources;
    SourceConfig& input = sources.emplace_back();
    input.name = options.stdin_name;
    input.kind = SourceKind::command;
    return sources;
}

/// Throws: what opening throws; busy; config (names); and, if nothing could be captured, the first source's error.
inline SnapReport snap(const Repository& repository, const SnapOptions& options) {
    const std::vector<SourceConfig> sources = sources_of_run(options);
    const CapturePlan plan = plan_sources(sources);
    remove_leftovers(repository);
    check_signing(options.signing_key);
    const FileLock lock = repository.lock(LockMode::shared, options.lock_wait);
    SnapReport report;
    Manifest& manifest = report.manifest;
    manifest.repository = repository.id();
    manifest.type = options.type;
    manifest.host = host_name();
    manifest.holdfast_version = kVersion;
    manifest.sqlite_version = sqlite_version();
    manifest.missing = plan.missing;

    if (options.private_names && repository.keyring() == nullptr)
        throw Error(Kind::config,
                    "private_names needs a sealed repository, and this one is not; nothing was stored",
                    "a sealed one is made with: init --recipient");
    if (auto note = check_certificate(repository, options.certificate))
        report.notes.push_back(*std::move(note));
    // Sealed it can still be, but nobody could open it.
    for (const std::string& what : check_keys(repository, options.certificate).damage)
        manifest.suspect.push_back(what);
    const HostMemory memory = recall(repository);
    SnapshotList snapshots = list_snapshots(repository);
    for (const UnreadableSnapshot& u : snapshots.unreadable)
        report.notes.push_back("snapshot " + u.id + " cannot be read: " + u.why);
    if (auto reason = check_host_memory(repository, memory, snapshots, report.notes))
        manifest.suspect.push_back(*reason);
    const auto start = std::chrono::system_clock::now();
    manifest.started = std::chrono::floor<std::chrono::seconds>(start);
    Cache cache(cache_folder(repository));
    leave_out_changed(repository, memory, cache, snapshots, report.notes);
    Progress progress(options.show);
    ObjectReader reader(repository);
    const PlainStreams recipes(cache_folder(repository) / "recipes");
    if (repository.keyring() != nullptr) reader.prefer(recipes);
    StreamCapture capture(repository, cache, reader, options.level, progress);
    RunContext run{repository, cache, capture, reader, snapshots, start, options.keep_corrupt};
    if (cache.is_fresh() && !run.can_read_back() && !snapshots.newest_first.empty())
        report.notes.push_back(
            "this host's cache is new and the repository is sealed: everything is stored again");
    if (cache.is_fresh() && run.can_read_back()) {
        try {
            refill_cache(run, options.signing_key);
        } catch (const Error& e) {
            report.notes.push_back(std::string("the cache could not be filled: ") + e.what());
        }
    }
    capture.objects().retire(find_retired(run, plan, options.retire_below));

    std::vector<PendingComponent> captured;
    AnomalyFacts facts;
    const std::optional<Error> first =
        detail::capture_all(run, plan, progress, manifest, captured, facts.unread);
    if (captured.empty()) {
        if (first) throw *first;
        throw nothing_captured(plan);
    }
    if (!cache.trouble().empty())
        report.notes.push_back("the cache is of no use, everything is read again: " + cache.trouble());
    std::vector<PendingMetadata> metadata;
    std::set<Digest> objects = publish_streams(capture, captured, metadata);
    for (PendingComponent& pending : captured) {
        detail::add_delta_findings(run, pending);
        report.is_damaged = report.is_damaged || pending.is_damaged;
        report.notes.insert(report.notes.end(), pending.notes.begin(), pending.notes.end());
        manifest.components.push_back(pending.component);
    }
    for (const Manifest& m : snapshots.newest_first)
        if (m.suspect.empty() && report.last_good.empty()) report.last_good = m.id;
    if (!options.accepts_losses) detail::add_suspicions(run, sources, captured, std::move(facts), manifest);
    manifest.stored_bytes = capture.publisher().stored_bytes();
    manifest.finished = now_utc();
    if (const auto why = publish_snapshot(repository, manifest, std::move(objects), options.lock_wait,
                                          options.private_names ? NamesIn::sealed : NamesIn::manifest,
                                          options.signing_key))
        report.notes.push_back("this host's memory of the repository was not updated: " + *why);
    try {
        remember(cache, capture, captured, metadata, manifest);
        if (!run.can_read_back()) keep_recipes(repository, recipes, capture, captured, manifest, snapshots);
    } catch (const Error& e) {
        report.notes.push_back(std::string("the cache was not updated, the next run is slower: ") + e.what());
    }
    return report;
}

}  // namespace holdfast::ops
