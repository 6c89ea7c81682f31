// ops/in_place_space.hpp - how much room a restore in place needs, and on which file systems.
//
// What is restored is staged beside its target, and the emergency snapshot goes to the repository; where both are on one file
// system the two add up. How much is staged is known, so a lack of it refuses. Of the emergency snapshot only the most is known:
// what is compressed or stored already makes it less, often next to nothing. So a lack of it is a warning, before any
// service stops, and no reason to go on without that snapshot.
#pragma once

#include <sys/statvfs.h>

#include "holdfast/ops/in_place_plan.hpp"

namespace holdfast::ops {

namespace detail {

struct Room {
    dev_t device = 0;
    std::uint64_t free = 0;
};

/// Of the file system of that folder; nothing if it cannot be asked.
inline std::optional<Room> room_in(const fs::path& folder) {
    struct stat st {};
    struct statvfs facts {};
    if (::stat(folder.c_str(), &st) != 0 || ::statvfs(folder.c_str(), &facts) != 0) return std::nullopt;
    return Room{st.st_dev, std::uint64_t{facts.f_bavail} * facts.f_frsize};
}

inline std::uint64_t staged_bytes(const Component& c) { return c.tree ? c.tree->file_bytes : c.bytes; }

/// By device. Throws: io (that alone does not fit).
inline std::map<dev_t, std::uint64_t> check_staging_space(const std::vector<JournalComponent>& components,
                                                          const std::vector<const Component*>& chosen) {
    std::map<dev_t, std::uint64_t> need;
    for (std::size_t i = 0; i < components.size(); ++i) {
        const auto room = room_in(fs::path(components[i].target).parent_path());
        if (!room) continue;
        const std::uint64_t sum = need[room->device] += staged_bytes(*chosen[i]);
        if (sum > room->free)
            throw Error(Kind::io,
                        "restoring needs " + format_bytes(sum) + " beside " +
                            in_quotes(components[i].target) + ", but " + format_bytes(room->free) +
                            " are free; nothing was changed",
                        "free some space there (prune, old logs), or restore fewer components");
    }
    return need;
}

/// Bytes of a regular file of which a snapshot that was begun at `since` may not know the content; 0 of anything else.
inline std::uint64_t bytes_changed(const fs::path& file, SystemSeconds since) {
    struct stat st {};
    if (::lstat(file.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return 0;
    const bool is_known = st.st_ctim.tv_sec < since.time_since_epoch().count();
    return is_known ? 0 : static_cast<std::uint64_t>(st.st_size);
}

/// The same of all that the emergency snapshot captures of one target.
inline std::uint64_t bytes_changed(const JournalComponent& c, SystemSeconds since) {
    const fs::path target = c.target;
    if (c.kind == "sqlite") {  // any page may be another one, and those of the WAL are captured as part of it
        const std::uint64_t wal = bytes_changed(c.target + "-wal", since);
        return (wal > 0 ? bytes_changed(target, {}) : bytes_changed(target, since)) + wal;
    }
    if (!fs::is_directory(fs::symlink_status(target))) return bytes_changed(target, since);
    std::uint64_t sum = 0;
    std::error_code unreadable;
    fs::recursive_directory_iterator at(target, fs::directory_options::skip_permission_denied, unreadable);
    for (; !unreadable && at != fs::recursive_directory_iterator(); at.increment(unreadable)) {
        const std::string path = at->path().string().substr(target.string().size() + 1);
        if (any_glob_covers(c.unsaved.exclude, path) ||
            at->path().filename().string().starts_with(kStagingPrefix))
            at.disable_recursion_pending();
        else
            sum += bytes_changed(at->path(), c.unsaved.covers(path) ? SystemSeconds{} : since);
    }
    return sum;
}

}  // namespace detail

/// What to say if the emergency snapshot might not fit; empty if all of it does.
inline std::string lack_of_emergency_space(const Repository& repository, const Manifest& manifest,
                                           const RestoreJournal& journal) {
    const auto room = detail::room_in(repository.root());
    if (!room) return {};
    std::uint64_t emergency = 0, staged = 0;
    for (const JournalComponent& c : journal.components) {
        const Component& stored = *manifest.find(c.name);
        const bool is_own = c.target == fs::weakly_canonical(stored.path);  // else no snapshot need know it
        emergency += detail::bytes_changed(c, is_own ? manifest.started : SystemSeconds{});
        const auto beside = detail::room_in(fs::path(c.target).parent_path());
        if (beside && beside->device == room->device) staged += detail::staged_bytes(stored);
    }
    if (emergency == 0 || emergency + staged <= room->free) return {};
    return "the emergency snapshot may need up to " + format_bytes(emergency) + " in " +
           in_quotes(repository.root().string()) +
           (staged == 0 ? ""
                        : ", and what is restored " + format_bytes(staged) + " on the same file system") +
           ", where " + format_bytes(room->free) + " are free; if it does not fit nothing is changed";
}

}  // namespace holdfast::ops
