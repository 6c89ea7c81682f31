// ops/verify.hpp - is what the repository holds what it says? Findings are values; it throws only if it cannot look.
//
// Plain: manifest, summary and every object hash to what SHA256SUMS names, and the history agrees. Deep: every stream is
// put together and held against its digests, databases are restored to staging and checked by SQLite, every file of
// a tree against its index, Delta tables against their log.
#pragma once

#include <tbb/parallel_for.h>

#include "holdfast/base/progress.hpp"
#include "holdfast/ops/verify_deep.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/snapshot_index.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast::ops {

struct VerifyOptions {
    std::vector<std::string> ids;  // whole ids
    bool all = false;              // every snapshot there is; ids are ignored
    bool deep = false;
    fs::path staging;  // empty: the repository's tmp folder
    std::chrono::seconds lock_wait{600};
    Progress::Show show = Progress::Show::never;
};

struct VerifyReport {
    std::vector<Finding> findings;
    std::vector<std::string> snapshots;
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;  // stored bytes hashed
    std::vector<std::string> notes;

    bool has(Severity severity) const {
        return std::any_of(findings.begin(), findings.end(),
                           [&](const Finding& f) { return f.severity == severity; });
    }
    int exit_code() const {
        if (has(Severity::damage)) return static_cast<int>(Kind::corrupt);
        return has(Severity::warning) ? static_cast<int>(Kind::partial) : 0;
    }
};

namespace detail {

/// Manifest, summary and SHA256SUMS of one snapshot; objects are collected for later.
inline std::optional<Manifest> verify_files(const Repository& repository, const std::string& id,
                                            std::map<Digest, std::vector<std::string>>& objects,
                                            std::vector<Finding>& findings) {
    const auto damage = [&](const std::string& item, const std::string& what) {
        findings.push_back({Severity::damage, id, "", item, what});
    };
    const auto read = [&](const char* name, std::uint64_t limit) -> std::optional<std::string> {
        auto text = read_file_if_any(repository.snapshot(id) / name, limit);
        if (!text) damage(name, "is missing");
        return text;
    };
    std::optional<Checksums> sums;
    try {
        sums = read_checksums(repository.snapshot(id) / "SHA256SUMS");
        for (const Digest& name : sums->objects) objects[name].push_back(id);
    } catch (const OsError& e) {
        if (e.number() != ENOENT) throw;
        damage("SHA256SUMS", "is missing");
    } catch (const Error& e) {
        if (e.kind() != Kind::corrupt) throw;
        damage("SHA256SUMS", e.what());
    }
    try {
        if (const auto summary = read("summary.txt", kMaxManifestBytes);
            summary && sums && sha256(*summary) != sums->summary)
            damage("summary.txt", "does not hash to what SHA256SUMS names");
        const auto text = read("manifest.json", kMaxManifestBytes);
        if (!text) return std::nullopt;
        if (sums && sha256(*text) != sums->manifest)
            damage("manifest.json", "does not hash to what SHA256SUMS names");
        Manifest manifest = parse_own_manifest(repository, *text, id);
        if (sums && sums->objects.size() != manifest.object_count)
            damage("SHA256SUMS", "does not name as many objects as the manifest counts");
        return manifest;
    } catch (const Error& e) {
        if (e.kind() != Kind::corrupt && e.kind() != Kind::config) throw;
        damage("manifest.json", e.what());
        return std::nullopt;
    }
}

/// Hashes every object once, on all cores.
inline void verify_objects(const Repository& repository,
                           const std::map<Digest, std::vector<std::string>>& objects, VerifyReport& report,
                           Progress& progress) {
    std::vector<std::pair<Digest, std::string>> bad;
    std::mutex mutex;
    std::vector<const Digest*> names;
    for (const auto& [name, ids] : objects) names.push_back(&name);
    std::atomic<std::uint64_t> bytes{0};
    tbb::parallel_for(std::size_t{0}, names.size(), [&](std::size_t i) {
        check_interrupted();
        const Digest& name = *names[i];
        const std::string path = repository.object(name).string();
        std::string why;
        const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
        if (!fd) {
            why = errno == ENOENT ? "is missing" : OsError(errno, "cannot be opened").what();
        } else {
            thread_local Bytes buffer;
            try {
                if (hash_file(fd.get(), in_quotes(path), buffer) != name)
                    why = "is damaged: its bytes do not hash to its name";
                const auto size = static_cast<std::uint64_t>(stat_fd(fd.get(), "stat").st_size);
                bytes += size;
                progress.add(size);
            } catch (const OsError& e) {
                why = e.what();
            }
        }
        if (why.empty()) return;
        const std::lock_guard guard(mutex);
        bad.emplace_back(name, why);
    });
    std::sort(bad.begin(), bad.end());
    for (const auto& [name, why] : bad)
        for (const std::string& id : objects.at(name))
            report.findings.push_back({Severity::damage, id, "", "object " + name.hex(), why});
    report.objects = names.size();
    report.bytes = bytes;
}

/// Does the history agree with what is there?
inline void verify_history(const Repository& repository, std::vector<Finding>& findings) {
    std::map<std::string, std::string> expected;  // id -> manifest digest
    std::set<std::string> pruned;
    const LedgerReport ledger = read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event == "snapshot")
            expected[line.snapshot] = JsonFields(line.json, "ledger line").text_or("manifest_sha256", "");
        if (line.event == "pruned") pruned.insert(line.snapshot);
    });
    for (const std::string& what : ledger.findings)
        findings.push_back({Severity::damage, "", "", "ledger.jsonl", what});
    std::uint64_t newest = 0;
    std::map<std::uint64_t, std::string> unlisted;
    for (const std::string& id : list_snapshot_ids(repository)) {
        std::optional<std::string> text;
        try {
            text = read_file_if_any(repository.snapshot(id) / "manifest.json", kMaxManifestBytes);
            if (!text) continue;
            const std::uint64_t number = parse_manifest(*text, id).number;
            newest = std::max(newest, number);
            if (!expected.contains(id)) unlisted.emplace(number, id);
        } catch (const OsError&) {
            throw;
        } catch (const Error&) {
            continue;  // reported where the snapshot itself is verified
        }

        if (const auto at = expected.find(id); at != expected.end() && at->second != sha256(*text).hex())
            findings.push_back(
                {Severity::damage, id, "", "manifest.json", "is not the one the ledger recorded"});
    }
    for (const auto& [number, id] : unlisted)  // the newest may be waiting for its line
        if (number != newest)
            findings.push_back({Severity::warning, id, "", "ledger.jsonl", "does not name this snapshot"});
    for (const auto& [id, digest] : expected)
        if (!pruned.contains(id) && !fs::is_directory(repository.snapshot(id)))
            findings.push_back(
                {Severity::damage, id, "", "snapshot", "has vanished without having been pruned"});
    try {
        const auto state = read_state(repository);
        const auto why = state ? contradicts(repository, *state, newest,
                                             [&](const std::string& id) { return pruned.contains(id); })
                               : std::nullopt;
        if (why) findings.push_back({Severity::damage, state->snapshot, "", "repository", *why});
    } catch (const Error& e) {
        findings.push_back({Severity::warning, "", "", "state file", e.what()});
    }
}

inline void record(const Repository& repository, const VerifyOptions& options, VerifyReport& report) {
    try {
        LedgerWriter ledger(repository, options.lock_wait);
        for (const std::string& id : report.snapshots) {
            const bool damaged =
                std::any_of(report.findings.begin(), report.findings.end(), [&](const Finding& f) {
                    return f.severity == Severity::damage && (f.snapshot == id || f.snapshot.empty());
                });
            ledger.append(
                "verified", id,
                {{"level", options.deep ? "deep" : "plain"}, {"result", damaged ? "damaged" : "ok"}});
        }
    } catch (const Error& e) {
        report.notes.push_back(std::string("the result was not recorded in the ledger: ") + e.what());
    }
}

}  // namespace detail

/// Throws: not_found (an id), busy, io.
inline VerifyReport verify(const Repository& repository, const VerifyOptions& options) {
    const FileLock lock = repository.lock(LockMode::shared, options.lock_wait);
    VerifyReport report;
    report.snapshots = options.all ? list_snapshot_ids(repository) : options.ids;
    for (const std::string& id : report.snapshots)
        if (!fs::is_directory(repository.snapshot(id)))
            throw Error(Kind::not_found, "there is no snapshot " + id, "catalog lists what there is");
    Progress progress(options.show);
    std::map<Digest, std::vector<std::string>> objects;
    std::vector<Manifest> manifests;
    for (const std::string& id : report.snapshots)
        if (auto manifest = detail::verify_files(repository, id, objects, report.findings))
            manifests.push_back(*std::move(manifest));
    progress.start("verify");
    detail::verify_objects(repository, objects, report, progress);
    detail::verify_history(repository, report.findings);
    if (options.deep) {
        if (options.staging.empty()) make_directory(repository.tmp());  // copies may lack empty folders

        ObjectReader reader(repository);
        const fs::path staging = options.staging.empty() ? repository.tmp() : options.staging;
        for (const Manifest& manifest : manifests)
            for (const Component& c : manifest.components) {
                progress.start(c.name, c.bytes);
                verify_component(reader, manifest.id, c, staging, report.findings, progress);
            }
    }
    detail::record(repository, options, report);
    return report;
}

}  // namespace holdfast::ops
