// store/trash.hpp - pruned snapshots within their time of grace.
//
// trash/<id>/ is a snapshot's folder, moved; its own time is when it was pruned. trash/<id>.gone is one whose time is
// over: its objects are being removed, so it cannot come back. Moving needs no free space.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/manifest.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

struct TrashEntry {
    std::string id;
    SystemSeconds since{};
    bool is_gone = false;  // past coming back

    fs::path path(const Repository& repository) const {
        return repository.trash() / (is_gone ? id + ".gone" : id);
    }
};

/// Oldest snapshot first. Throws: io.
inline std::vector<TrashEntry> list_trash(const Repository& repository) {
    std::vector<TrashEntry> entries;
    if (!fs::is_directory(repository.trash())) return entries;  // copies may lack empty folders
    for (const std::string& name : list_directory(repository.trash())) {
        TrashEntry entry{name, {}, name.ends_with(".gone")};
        if (entry.is_gone) entry.id.resize(name.size() - 5);
        struct stat st {};
        if (!is_snapshot_id(entry.id) || ::lstat((repository.trash() / name).c_str(), &st) != 0) continue;
        entry.since = SystemSeconds{std::chrono::seconds{st.st_mtim.tv_sec}};
        entries.push_back(entry);
    }
    return entries;
}

/// The snapshots that may be absent: pruned, by the ledger's lines so far, or in `trash`.
class PrunedSnapshots {
public:
    explicit PrunedSnapshots(const std::vector<TrashEntry>& trash = {}) {
        for (const TrashEntry& e : trash) trashed_.insert(e.id);
    }
    void note(const LedgerLine& line) {
        if (line.event == "pruned") pruned_.insert(line.snapshot);
        if (line.event == "undeleted") pruned_.erase(line.snapshot);
    }
    bool contains(const std::string& id) const { return pruned_.contains(id) || trashed_.contains(id); }

private:
    std::set<std::string> trashed_, pruned_;
};

namespace detail {

/// Its own time says when: set before the move, so that a crash between the two leaves no old time in the trash.
inline void move_to_trash(const Repository& repository, const std::string& id, SystemSeconds now) {
    const fs::path from = repository.snapshot(id);
    const timespec times[2] = {{0, UTIME_OMIT}, {now.time_since_epoch().count(), 0}};
    if (::utimensat(AT_FDCWD, from.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
        throw_os("set the time of '" + from.string() + "'");
    const fs::path to = repository.trash() / id;
    if (const std::error_code error =
            remove_tree(to))  // an older copy of it, that somebody brought back by hand
        throw OsError(error.value(), "remove the older copy " + in_quotes(to.string()));
    rename_path(from, to);
}

}  // namespace detail

/// Durable when it returns. Throws: io.
inline void move_to_trash(const Repository& repository, const std::vector<std::string>& ids,
                          SystemSeconds now) {
    if (ids.empty()) return;
    make_directory(repository.trash());
    for (const std::string& id : ids) detail::move_to_trash(repository, id, now);
    sync_directory(repository.trash());
    sync_directory(repository.snapshots());
}

/// From here on it cannot come back. Durable when it returns. Throws: io.
inline void mark_gone(const Repository& repository, std::vector<TrashEntry>& entries) {
    bool any = false;
    for (TrashEntry& entry : entries) {
        if (entry.is_gone) continue;
        const fs::path from = entry.path(repository);
        entry.is_gone = any = true;
        rename_path(from, entry.path(repository));
    }
    if (any) sync_directory(repository.trash());
}

}  // namespace holdfast
