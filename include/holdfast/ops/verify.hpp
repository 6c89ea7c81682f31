// ops/verify.hpp - is what the repository holds what it says?
//
// Findings are values; it throws only if it cannot look. Plain: manifest, summary and every object hash to
// what SHA256SUMS names, and the history agrees. Deep: every stream is put together and held against its
// digests, databases are restored to staging and checked by SQLite, every file of a tree against its index,
// Delta tables against their log. A share or a budget makes it a part of that. A bad object is reported for
// every snapshot that needs it, also for those that nobody asked about.
#pragma once

#include "holdfast/ops/check_keys.hpp"
#include "holdfast/ops/leftovers.hpp"
#include "holdfast/ops/recovery_kit.hpp"
#include "holdfast/ops/touched.hpp"
#include "holdfast/ops/verify_deep.hpp"
#include "holdfast/ops/verify_files.hpp"
#include "holdfast/ops/verify_record.hpp"

namespace holdfast::ops {

namespace detail {

class Verification {
public:
    Verification(const Repository& repository, const VerifyOptions& options)
        : repository_(repository), options_(options), memory_(verified_path(repository), options.now),
          progress_(options.show) {}

    /// Looks and records; the caller holds the lock. Throws: not_found (an id), io, interrupted.
    void run() {
        report.is_deep = options_.deep;
        report.is_part = options_.share || options_.budget;
        if (options_.deep && repository_.keyring() != nullptr) repository_.keyring()->unlock_current();
        read_snapshots();
        if (!options_.budget || !options_.deep) verify_objects();
        verify_history(repository_, report.findings, options_.signature, &report.notes);
        verify_recover_sh();
        verify_keys();
        if (options_.deep) verify_streams();
        list_damage();
        if (options_.budget) keep_memory_small();
        save_memory();
        try {
            record_verified(repository_, options_, manifests_, memory_, report);
        } catch (const Error& e) {
            report.notes.push_back(std::string("the result was not recorded in the ledger: ") + e.what());
        }
    }

    VerifyReport report;
    std::vector<BadObject> bad;  // by name

private:
    struct Job {
        const Manifest* manifest;
        const Component* component;
        Digest key() const { return component_key(manifest->id, component->name); }
    };
    static constexpr std::size_t kBatch =
        64;  // objects of a rolling run between two looks at memory and clock

    void read_snapshots() {
        const bool all = options_.all || options_.budget;
        report.snapshots = all ? list_snapshot_ids(repository_) : options_.ids;
        for (const std::string& id : report.snapshots)
            if (!fs::is_directory(repository_.snapshot(id)))
                throw Error(Kind::not_found, "there is no snapshot " + id, "catalog lists what there is");
        for (const std::string& id : report.snapshots)
            if (auto manifest = verify_files(repository_, id, objects_, report.findings))
                manifests_.push_back(*std::move(manifest));
        for (const std::string& id : report.snapshots)
            verify_signature(repository_, id, options_.signature, report.findings, report.notes);
    }

    /// People run it where their keys are. It may be of another version; what it says is for them to compare.
    void verify_recover_sh() {
        const auto script = read_file_if_any(repository_.root() / "recover.sh", 1_MiB);
        if (script && *script == kRecoverSh) return;
        report.notes.push_back(script ? "recover.sh in the repository is not that of this version: it is of "
                                        "another one, or somebody "
                                        "changed it; the one of init --recovery-kit is right"
                                      : "the repository lacks recover.sh; init --recovery-kit writes one");
    }

    void verify_keys() {
        KeyTrouble trouble = check_keys(repository_, options_.certificate);
        for (const std::string& what : trouble.damage)
            report.findings.push_back({Severity::damage, "", "", kKeysItem, what});
        std::move(trouble.notes.begin(), trouble.notes.end(), std::back_inserter(report.notes));
    }

    void verify_objects() {
        progress_.start("verify");
        if (options_.budget) return roll_objects();
        if (!options_.share) return hash(objects_);
        std::vector<Digest> some = random_share(objects_, *options_.share);
        add_names(some, absent_objects());  // to see that costs nothing
        hash(some);
    }

    void hash(std::span<const Digest> names, const std::function<bool()>& is_over = {}) {
        HashedObjects hashed;
        hash_objects(repository_, names, hashed, progress_, is_over);
        for (const Digest& name : hashed.whole) memory_.set(name, options_.now);
        for (const BadObject& object : hashed.bad) memory_.set_bad(object.name, options_.now);
        report.objects += hashed.whole.size() + hashed.bad.size();
        report.bytes += hashed.stored_bytes;
        bad.insert(bad.end(), hashed.bad.begin(), hashed.bad.end());
    }

    void roll_objects() {
        std::vector<Unit> all;
        for (const Digest& name : objects_) {
            struct stat st {};
            const bool is_there = ::lstat(repository_.object(name).c_str(), &st) == 0;
            if (!is_there) memory_.forget(name);  // so that it is looked at now
            all.push_back({name, is_there ? static_cast<std::uint64_t>(st.st_size) : 0});
        }
        std::vector<Digest> next;
        for (const Unit& unit : next_units(all, memory_, options_.budget->bytes)) next.push_back(unit.key);
        const auto is_over = time_limit();
        for (std::size_t at = 0; at < next.size() && (at == 0 || !is_over()); at += kBatch) {
            hash(std::span(next).subspan(at, std::min(kBatch, next.size() - at)), is_over);
            save_memory();  // a run that is stopped has not looked in vain
        }
        report.coverage = measure_coverage(all, memory_, options_.now, report.objects, report.bytes);
    }

    std::vector<Digest> absent_objects() const {
        std::vector<Digest> out;
        struct stat st {};
        std::copy_if(objects_.begin(), objects_.end(), std::back_inserter(out),
                     [&](const Digest& name) { return ::lstat(repository_.object(name).c_str(), &st) != 0; });
        return out;
    }

    std::function<bool()> time_limit() const {
        const auto time = options_.budget ? options_.budget->time : std::nullopt;
        return [deadline = Deadline(time.value_or(kForever)), is_set = time.has_value()] {
            return is_set && deadline.has_passed();
        };
    }

    void verify_streams() {
        if (options_.staging.empty()) repository_.make_staging();  // copies may lack empty folders
        std::vector<Job> jobs;
        for (const Manifest& manifest : manifests_)
            for (const Component& c : manifest.components) jobs.push_back({&manifest, &c});
        std::set<std::string> damaged;
        if (options_.budget) {
            roll_streams(jobs, damaged);
        } else {
            for (const Job& job : options_.share ? random_share(jobs, *options_.share) : jobs)
                verify_stream(job, damaged);
        }
        if (!options_.share && !options_.budget) return;
        // Not every object was hashed: find out which one it was, and who else needs it.
        std::vector<Digest> names;
        for (const std::string& id : damaged)
            add_names(names, read_checksums(repository_.snapshot(id) / "SHA256SUMS").objects);
        hash(names);
    }

    void verify_stream(const Job& job, std::set<std::string>& damaged) {
        const auto damage_count = [&] {
            return std::count_if(report.findings.begin(), report.findings.end(),
                                 [](const Finding& f) { return f.severity == Severity::damage; });
        };
        const auto before = damage_count();
        const fs::path staging = options_.staging.empty() ? repository_.staging() : options_.staging;
        progress_.start(job.component->name, job.component->bytes);
        verify_component(reader_, job.manifest->id, *job.component, staging, report.findings, progress_,
                         [&](const fs::path& image) { find_newest_row(job, image); });
        if (damage_count() == before) return memory_.set(job.key(), options_.now);
        memory_.set_bad(job.key(), options_.now);
        damaged.insert(job.manifest->id);
    }

    void find_newest_row(const Job& job, const fs::path& image) {
        const auto source =
            std::find_if(options_.sources.begin(), options_.sources.end(),
                         [&](const SourceConfig& s) { return s.name == job.component->source; });
        if (source == options_.sources.end()) return;
        measure_newest_row(*source, *job.component, image, job.manifest->started,
                           report.newest_rows[job.manifest->id], report.notes);
    }

    void roll_streams(const std::vector<Job>& jobs, std::set<std::string>& damaged) {
        std::map<Digest, Job> by_key;
        std::vector<Unit> all;
        for (const Job& job : jobs) {
            by_key.emplace(job.key(), job);
            all.push_back({job.key(), job.component->bytes});
        }
        const auto is_over = time_limit();
        std::uint64_t count = 0, bytes = 0;
        for (const Unit& unit : next_units(all, memory_, options_.budget->bytes)) {
            if (count != 0 && is_over()) break;
            verify_stream(by_key.at(unit.key), damaged);
            save_memory();
            ++count;
            bytes += unit.bytes;
        }
        report.coverage = measure_coverage(all, memory_, options_.now, count, bytes);
    }

    /// A finding for each bad object and each snapshot that needs it.
    void list_damage() {
        std::sort(bad.begin(), bad.end(),
                  [](const BadObject& a, const BadObject& b) { return a.name < b.name; });
        bad.erase(std::unique(bad.begin(), bad.end(),
                              [](const BadObject& a, const BadObject& b) { return a.name == b.name; }),
                  bad.end());
        if (bad.empty()) return;
        for (const std::string& id : list_snapshot_ids(repository_)) {
            std::vector<Digest> needed;
            std::set<Digest> bad_here;
            try {
                needed = read_checksums(repository_.snapshot(id) / "SHA256SUMS").objects;
            } catch (const Error&) {
                continue;  // reported where the snapshot itself is verified
            }
            for (const BadObject& object : bad)
                if (std::binary_search(needed.begin(), needed.end(), object.name))
                    bad_here.insert(object.name);
            if (bad_here.empty()) continue;
            TouchedBy touched;
            std::string more;
            try {
                touched = touched_by(reader_, read_manifest(repository_, id), bad_here);
            } catch (const Error&) {
                more = "; which components need it cannot be told: the manifest cannot be read";
            }
            for (const BadObject& object : bad)
                if (bad_here.contains(object.name))
                    report.findings.push_back({Severity::damage, id, "", "object " + object.name.hex(),
                                               object.why + more, std::move(touched[object.name])});
        }
    }

    void keep_memory_small() {
        std::set<Digest> keys(objects_.begin(), objects_.end());
        for (const Manifest& manifest : manifests_)
            for (const Component& c : manifest.components) keys.insert(component_key(manifest.id, c.name));
        memory_.forget_all_but(keys);
    }

    void save_memory() {
        memory_.save();
        if (!options_.budget || is_noted_) return;
        if (memory_.is_fresh() || !memory_.trouble().empty()) {
            is_noted_ = true;
            report.notes.push_back("nothing is remembered of earlier runs, so the round begins anew" +
                                   (memory_.trouble().empty() ? "" : ": " + memory_.trouble()));
        }
    }

    const Repository& repository_;
    const VerifyOptions& options_;
    VerifiedMemory memory_;
    Progress progress_;
    ObjectReader reader_{repository_};
    std::vector<Digest> objects_;  // ascending
    std::vector<Manifest> manifests_;
    bool is_noted_ = false;
};

/// Never fails the run: what was found is the answer either way.
inline void quarantine_bad(const Repository& repository, const std::vector<BadObject>& bad,
                           std::chrono::seconds lock_wait, VerifyReport& report) {
    if (bad.empty()) return;
    try {
        quarantine(repository, bad, lock_wait, report.quarantined);
    } catch (const Error& e) {
        report.notes.push_back(std::string("not every damaged object was moved to quarantine/: ") + e.what());
    }
}

}  // namespace detail

/// Throws: not_found (an id), busy, io, interrupted.
inline VerifyReport verify(const Repository& repository, const VerifyOptions& options) {
    VerifyReport report;
    std::vector<BadObject> bad;
    try {  // of a deep run that was killed: it is plain data
        if (fs::exists(repository.tmp())) remove_leftovers(repository);
    } catch (const Error&) {  // a repository on a medium that cannot be written has none
    }
    {
        const FileLock lock = repository.lock(LockMode::shared, options.lock_wait);
        detail::Verification run(repository, options);
        run.run();
        report = std::move(run.report);
        bad = std::move(run.bad);
    }
    // The lock is free again: quarantine takes it exclusively.
    if (options.quarantine) detail::quarantine_bad(repository, bad, options.lock_wait, report);
    return report;
}

}  // namespace holdfast::ops
