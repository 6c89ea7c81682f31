// cli/snapshot_flags.hpp - snapshot names from the command line or, for "-", from standard input.
#pragma once

#include <iostream>
#include <string>
#include <vector>

#include "holdfast/store/snapshot_index.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::cli {

inline constexpr const char* kSnapshotHelp =
    "an id, a unique prefix, latest, latest:SOURCE, @2026-11-20T14:00 (emergency snapshots only by id), or - "
    "for ids on standard input";

/// Every "-" is replaced by the words on standard input. Throws: usage if that is empty.
inline std::vector<std::string> read_names(const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names) {
        if (name != "-") {
            out.push_back(name);
            continue;
        }
        const std::size_t before = out.size();
        for (std::string word; std::cin >> word;) out.push_back(word);
        if (out.size() == before)
            throw Error(Kind::usage, "standard input names no snapshot",
                        "pipe ids into it: catalog --format id | verify -");
    }
    return out;
}

/// Exactly one snapshot, its manifest held against SHA256SUMS.
inline Manifest one_snapshot(const Repository& repository, const std::string& name) {
    const std::vector<std::string> names = read_names({name});
    if (names.size() != 1)
        throw Error(Kind::usage, "one snapshot is expected, " + std::to_string(names.size()) + " were given",
                    "name one");
    return read_checked_manifest(repository, find_snapshot(repository, names[0]).id);
}

/// The id a name means. A whole id is taken as it is: its manifest may be what is damaged.
inline std::string snapshot_id(const Repository& repository, const std::string& name) {
    return is_snapshot_id(name) ? name : find_snapshot(repository, name).id;
}

/// The same for one in the trash: an id or a unique prefix of one. Throws: not_found, usage, io.
inline std::string trashed_id(const Repository& repository, const std::string& name) {
    std::vector<std::string> ids;
    for (const TrashEntry& e : list_trash(repository)) ids.push_back(e.id);
    return is_snapshot_id(name) ? name : match_prefix(ids, name, "catalog trash lists what can come back");
}

}  // namespace holdfast::cli
