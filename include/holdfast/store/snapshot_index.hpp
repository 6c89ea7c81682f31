// store/snapshot_index.hpp - which snapshots there are, and which one a name means.
//
// A snapshot exists if its folder does. Order follows the running number, not the clock. Names: an id, a unique
// prefix of one, `latest`, `latest:SOURCE`, `@2026-11-20T14:00` (the newest that was begun not later).
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "holdfast/store/checksums.hpp"
#include "holdfast/store/private_manifest.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

/// The bytes of a snapshot's manifest. Throws: not_found, corrupt, io.
inline std::string read_manifest_text(const Repository& repository, const std::string& id) {
    std::optional<std::string> text =
        read_file_if_any(repository.snapshot(id) / "manifest.json", kMaxManifestBytes);
    if (text) return *std::move(text);
    if (fs::is_directory(repository.snapshot(id)))
        throw Error(Kind::corrupt, "snapshot " + id + " has no manifest.json",
                    "run verify; another copy of the repository may have it");
    if (fs::is_directory(repository.trash() / id))
        throw Error(Kind::not_found, "snapshot " + id + " was pruned",
                    "it can come back: prune --undelete " + id);
    throw Error(Kind::not_found, "there is no snapshot " + id, "catalog lists what there is");
}
/// The manifest in `text`, which must be one of this repository. Throws: corrupt, config.
inline Manifest parse_own_manifest(const Repository& repository, std::string_view text,
                                   const std::string& id) {
    Manifest manifest = parse_manifest(text, id);
    if (manifest.repository != repository.id())
        throw Error(Kind::corrupt, "snapshot " + id + " belongs to another repository (" +
                                       printable(manifest.repository) + ")");
    manifest = reveal_manifest(repository, std::move(manifest));
    manifest.text_digest = sha256(text);
    return manifest;
}
/// Whether its names may stand nowhere in the repository; of one that cannot be read they may not. Needs no key.
inline bool hides_names(const Repository& repository, const std::string& id) {
    try {
        return parse_manifest(read_manifest_text(repository, id), id).private_digest.has_value();
    } catch (const Error&) {
        return repository.keyring() != nullptr;
    }
}
inline Manifest read_manifest(const Repository& repository, const std::string& id) {
    return parse_own_manifest(repository, read_manifest_text(repository, id), id);
}

/// read_manifest(), and its bytes are those that SHA256SUMS beside it names. For whoever acts on it.
inline Manifest read_checked_manifest(const Repository& repository, const std::string& id) {
    const std::string text = read_manifest_text(repository, id);
    if (read_checksums(repository.snapshot(id) / "SHA256SUMS").manifest != sha256(text))
        throw Error(Kind::corrupt,
                    "the manifest of snapshot " + id +
                        " is not the one its SHA256SUMS names: one of the two was changed",
                    "use another snapshot; verify --all says which are whole");
    return parse_own_manifest(repository, text, id);  // the bytes that were proven, not read again
}

/// Ids of all snapshot folders, oldest name first. Throws: io.
inline std::vector<std::string> list_snapshot_ids(const Repository& repository) {
    std::vector<std::string> ids = list_directory(repository.snapshots());
    std::erase_if(ids, [](const std::string& name) { return !is_snapshot_id(name); });
    return ids;
}

struct UnreadableSnapshot {
    std::string id;
    Kind kind;
    std::string why;
};

struct SnapshotList {
    std::vector<Manifest> newest_first;
    std::vector<UnreadableSnapshot> unreadable;
};

/// Every manifest, by running number. A damaged one is in `unreadable`, the rest is still listed. Throws: io.
inline SnapshotList list_snapshots(const Repository& repository) {
    SnapshotList list;
    for (const std::string& id : list_snapshot_ids(repository)) {
        try {
            list.newest_first.push_back(read_manifest(repository, id));
        } catch (const Error& e) {
            if (e.kind() == Kind::not_found) continue;  // pruned a moment ago
            list.unreadable.push_back({id, e.kind(), e.what()});
        }
    }
    std::sort(list.newest_first.begin(), list.newest_first.end(), [](const Manifest& a, const Manifest& b) {
        return std::pair(a.number, a.id) > std::pair(b.number, b.id);
    });
    return list;
}

/// The one of `ids` that begins with `prefix`. Throws: not_found, usage (several do).
inline std::string match_prefix(std::vector<std::string> ids, const std::string& prefix,
                                const std::string& hint) {
    std::erase_if(ids, [&](const std::string& id) { return !id.starts_with(prefix); });
    if (ids.empty() || prefix.empty())
        throw Error(Kind::not_found, "no snapshot is named " + in_quotes(prefix), hint);
    if (ids.size() > 1)
        throw Error(
            Kind::usage,
            in_quotes(prefix) + " is the beginning of " + std::to_string(ids.size()) + " snapshot ids",
            "give more of the id");
    return ids[0];
}

/// The snapshot a name means. Throws: not_found, usage (a prefix of several).
inline Manifest find_snapshot(const Repository& repository, const std::string& name) {
    static const std::string kHint = "catalog lists what there is";
    if (is_snapshot_id(name)) return read_manifest(repository, name);
    const auto none = [&](const std::string& why) -> Manifest {
        throw Error(Kind::not_found, "no snapshot " + why, kHint);
    };
    const bool is_prefix = name != "latest" && !name.starts_with("latest:") && !name.starts_with('@');
    if (is_prefix) return read_manifest(repository, match_prefix(list_snapshot_ids(repository), name, kHint));
    std::optional<SystemSeconds> until;
    if (name.starts_with('@')) {
        until = parse_utc(std::string_view(name).substr(1));
        if (!until)
            throw Error(Kind::usage, in_quotes(name) + " is not a time", "write @2026-11-20T14:00 (UTC)");
    }
    const std::string source = name.starts_with("latest:") ? name.substr(7) : std::string{};
    SnapshotList list = list_snapshots(repository);
    std::stable_partition(list.newest_first.begin(), list.newest_first.end(),
                          [](const Manifest& m) { return m.type != "emergency"; });
    for (Manifest& m : list.newest_first) {
        const bool has_source =
            source.empty() || std::any_of(m.components.begin(), m.components.end(),
                                          [&](const Component& c) { return c.source == source; });
        if (!has_source || (until && m.started > *until)) continue;
        for (const UnreadableSnapshot& u : list.unreadable)  // never fall back to older data silently
            if (u.id > m.id && !until)
                throw Error(Kind::corrupt, "a newer snapshot cannot be read: " + u.why,
                            "to use the newest readable one, name it: " + m.id);
        return std::move(m);
    }
    if (!list.unreadable.empty())
        throw Error(Kind::corrupt,
                    "no readable snapshot fits " + in_quotes(name) + "; " + list.unreadable.back().why,
                    "run verify --all; another copy of the repository may be whole");
    return none(source.empty() ? "exists yet that fits " + in_quotes(name)
                               : "holds a source named " + in_quotes(source));
}

}  // namespace holdfast
