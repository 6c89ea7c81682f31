// ops/gather_backups.hpp - what a repository, its ledger and the history of runs say of the backups, as facts.
#pragma once

#include <algorithm>
#include <map>

#include "holdfast/ops/run_history.hpp"
#include "holdfast/ops/verify_files.hpp"
#include "holdfast/policy/config.hpp"
#include "holdfast/policy/health_backups.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/snapshot_index.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::ops {

namespace detail {

/// What the ledger says, line by line.
class LedgerFacts {
public:
    explicit LedgerFacts(BackupFacts& facts) : facts_(facts) {}

    void note(const LedgerLine& line) {
        const JsonFields f(line.json, "ledger line");
        const auto time = parse_utc(f.text_or("time_utc", ""));
        if (time) facts_.last_line = time;
        if (line.event == "created") facts_.created = time;
        if (line.event == "pruned") facts_.pruned.insert(line.snapshot);
        if (line.event == "undeleted") facts_.pruned.erase(line.snapshot);
        if (line.event == "verified" && time) note_verified(line.snapshot, *time, f.text_or("result", ""));
        if (line.event == "drilled") note_drill(line.snapshot, f);
    }

    /// Snapshots whose last word was damage.
    void finish() {
        for (const auto& [id, result] : last_result_)
            if (result != "ok" && is_here(id)) facts_.damaged.push_back(id);
    }

private:
    bool is_here(const std::string& id) const {
        return std::any_of(facts_.newest_first.begin(), facts_.newest_first.end(),
                           [&](const Manifest& m) { return m.id == id; });
    }
    void note_verified(const std::string& id, SystemSeconds time, const std::string& result) {
        last_result_[id] = result;
        if (result == "ok") facts_.last_verified = Proof{time, true, id, 0, {}};
    }
    void note_drill(const std::string& id, const JsonFields& f) {
        const auto time = parse_utc(f.text_or("drill_utc", f.text_or("time_utc", "")));
        if (!time) return;
        const Json* total = f.find("total_s");
        const Json* missed = f.find("missed");
        Proof drill{*time, f.text_or("drill_result", f.text_or("result", "")) == "passed", id, 0, {}};
        if (total != nullptr && total->is_number()) drill.seconds = total->get<double>();
        if (missed != nullptr && missed->is_array())
            for (const Json& what : *missed)
                if (what.is_string())
                    drill.what += (drill.what.empty() ? "" : ", ") + what.get<std::string>();
        facts_.last_drill = drill;
    }

    BackupFacts& facts_;
    std::map<std::string, std::string> last_result_;
};

}  // namespace detail

/// Throws: io.
inline BackupFacts gather_backups(const Repository& repository, const Config& config) {
    BackupFacts facts;
    SnapshotList list = list_snapshots(repository);
    facts.newest_first = std::move(list.newest_first);
    for (const UnreadableSnapshot& u : list.unreadable) facts.unreadable.push_back(u.why);
    for (const SourceConfig& source : config.sources) facts.sources.push_back(source.name);
    detail::LedgerFacts ledger(facts);
    read_ledger(repository, [&](const LedgerLine& line) { ledger.note(line); });
    ledger.finish();
    struct stat st {};
    if (::stat((config.backup.log_dir + "/backup.lock").c_str(), &st) == 0)
        facts.is_running = !lock_holders(st).empty();
    try {
        facts.runs = read_run_history(repository.root().string());
    } catch (const Error&) {  // it begins anew with the next run
    }
    return facts;
}

/// What contradicts the ledger or this host's memory; nothing at all while prune is at work. Throws: io.
inline std::optional<std::vector<std::string>> gather_history(const Repository& repository,
                                                              const SignatureRules& rules = {}) {
    std::optional<FileLock> lock;
    try {
        lock.emplace(repository.lock(LockMode::shared, std::chrono::seconds{0}));
    } catch (const Error& e) {
        if (e.kind() == Kind::busy) return std::nullopt;
        throw;
    }
    std::vector<Finding> findings;
    verify_history(repository, findings, rules);
    std::vector<std::string> out;
    for (const Finding& f : findings)
        if (f.severity == Severity::damage)
            out.push_back((f.snapshot.empty() ? f.item : "snapshot " + f.snapshot) + ": " + f.what);
    return out;
}

struct MissingObjects {
    std::size_t needed = 0, absent = 0, empty = 0;
};

/// Are the objects of a snapshot there? Looks at names and sizes only. Throws: corrupt, io.
inline MissingObjects look_for_objects(const Repository& repository, const std::string& id) {
    MissingObjects out;
    for (const Digest& name : read_checksums(repository.snapshot(id) / "SHA256SUMS").objects) {
        struct stat st {};
        ++out.needed;
        if (::lstat(repository.object(name).c_str(), &st) != 0)
            ++out.absent;
        else if (st.st_size == 0)
            ++out.empty;
    }
    return out;
}

}  // namespace holdfast::ops
