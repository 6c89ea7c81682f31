// ops/host_history.hpp - is the repository still what this host remembers, before a run builds on it?
//
// A run refers to what earlier snapshots say of data, so that it need not store it again. What somebody changed in the storage
// must not get into the next snapshot that way, still less under its signature.
#pragma once

#include "holdfast/store/cache.hpp"
#include "holdfast/store/own_prunes.hpp"
#include "holdfast/store/snapshot_index.hpp"
#include "holdfast/store/state_file.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::ops {

/// Why this repository is not the one the host remembers, if so; `memory` is older than the list.
inline std::optional<std::string> check_host_memory(const Repository& repository, const HostMemory& memory,
                                                    const SnapshotList& snapshots,
                                                    std::vector<std::string>& notes) {
    if (!memory.trouble.empty()) return memory.trouble;
    const std::optional<HostState>& state = memory.state;
    if (!state) return std::nullopt;
    if (const auto lost = contradicts_ledger(repository, *state)) notes.push_back("the ledger " + *lost);
    PrunedSnapshots pruned(list_trash(repository));
    OwnPrunes own(repository);
    read_ledger(repository, [&](const LedgerLine& line) {
        pruned.note(line);
        own.note(line);
    });
    const std::uint64_t newest = snapshots.newest_first.empty() ? 0 : snapshots.newest_first.front().number;
    return contradicts(repository, *state, newest, [&](const std::string& id) {
        return pruned.contains(id) && !own.foreign().contains(id);
    });
}

/// Snapshots whose manifest is not the one that was written, as the host or else the ledger has it, leave the list: they are no
/// measure for this run. Throws: io.
inline void leave_out_changed(const Repository& repository, const HostMemory& memory, Cache& cache,
                              SnapshotList& list, std::vector<std::string>& notes) {
    std::map<std::string, std::string> recorded;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event != "snapshot") return;
        const JsonFields fields(line.json, "ledger line");
        recorded.try_emplace(line.snapshot, fields.text_or("manifest_sha256", ""));
    });
    std::erase_if(list.newest_first, [&](const Manifest& m) {
        std::optional<Digest> written = cache.find_made(m.id);
        if (!written && memory.state && memory.state->snapshot == m.id) written = memory.state->manifest;
        if (const auto at = recorded.find(m.id); !written && at != recorded.end())
            written = Digest::parse(at->second);
        if (!written || written == m.text_digest) return false;
        notes.push_back("the manifest of snapshot " + m.id +
                        " is not the one that was written: nothing of it is taken over; see verify --all");
        return true;
    });
}

}  // namespace holdfast::ops
