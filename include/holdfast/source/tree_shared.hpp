// source/tree_shared.hpp - databases of more than one name: by which of their names they are read.
//
// The WAL or journal lies beside the one name that the application uses; by any other name SQLite would read
// the file without it, and torn. As ever the first name of the walk becomes the file and the others links to it, but
// its content is read by the name with the WAL or journal. One thread at a time.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "holdfast/source/walk_entry.hpp"

namespace holdfast {

/// What to say of a database of `names` names, of which not all are in the source.
inline std::string other_name_warning(const std::string& name, nlink_t names) {
    return in_quotes(name) + " has " + std::to_string(names) +
           " names; if an application uses it by the other name, its WAL or journal lies there and is not in "
           "this copy";
}

class SharedDatabases {
public:
    /// A name of a database, in the order of the walk. All are added before the first is resolved.
    void add(WalkEntry entry) { groups_[identity_of(entry.st)].names.push_back(std::move(entry)); }

    /// Makes the entry the file, or a link to it, and says by which name to read it.
    void resolve(WalkEntry& entry, const TreeListener& listener) {
        Group& group = groups_[identity_of(entry.st)];
        const auto is_it = [&](const WalkEntry& e) { return e.path == entry.path; };
        if (std::none_of(group.names.begin(), group.names.end(), is_it)) group.names.push_back(entry);
        entry.names = group.names.size();
        const WalkEntry& owner =
            *std::max_element(group.names.begin(), group.names.end(),
                              [](const WalkEntry& a, const WalkEntry& b) { return claim(a) < claim(b); });
        const bool is_owner = owner.path == entry.path;
        if (!is_owner && sidecar_bytes(entry) > 0)
            return listener(TreeIssue::other_name, entry.path,
                            "a WAL or journal lies beside it and beside " + in_quotes(owner.path) +
                                ", another name of it: saved as a file of its own");
        if (!is_owner) {
            entry.read_as = owner.path;
            entry.owns_sidecars = false;
        }
        if (group.first.empty()) {
            group.first = entry.path;
            if (!is_owner) entry.sidecars = owner.sidecars;
        } else {
            entry.type = EntryType::hardlink;
            entry.link = group.first;
        }
    }

private:
    struct Group {
        std::vector<WalkEntry> names;
        std::string first;  // that became the file
    };
    static off_t sidecar_bytes(const WalkEntry& e) {
        off_t bytes = 0;
        for (const struct stat& sidecar : e.sidecars) bytes += sidecar.st_size;
        return bytes;
    }
    /// The more content lies beside a name, the more likely it is the application's; -1: no sidecars at all.
    static off_t claim(const WalkEntry& e) { return e.owns_sidecars ? sidecar_bytes(e) : -1; }

    std::unordered_map<FileIdentity, Group, FileIdentityHash> groups_;
};

}  // namespace holdfast
