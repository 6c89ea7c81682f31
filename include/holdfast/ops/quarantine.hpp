// ops/quarantine.hpp - moves damaged objects out of the way, so that the next snap stores their content anew.
#pragma once

#include "holdfast/ops/hash_objects.hpp"
#include "holdfast/store/ledger.hpp"

namespace holdfast::ops {

struct Quarantined {
    Digest object;
    std::string file;  // in quarantine/
};

namespace detail {

/// A name in quarantine/ that is not taken: a name may go bad, be healed and go bad again.
inline std::string free_quarantine_name(const Repository& repository, const Digest& object) {
    std::string name = object.hex();
    struct stat st {};
    for (unsigned n = 1; ::lstat((repository.quarantine() / name).c_str(), &st) == 0; ++n)
        name = object.hex() + "." + std::to_string(n);
    return name;
}

}  // namespace detail

/// Looks at each object once more with the repository to itself: a snap that is about to refer to one has
/// ended by then or begins later, and what was healed meanwhile stays. Missing and unreadable ones are left
/// alone. Each move is durable, then in `moved` and in the ledger, before the next begins. Throws: busy,
/// corrupt, io.
inline void quarantine(const Repository& repository, std::span<const BadObject> bad,
                       std::chrono::seconds lock_wait, std::vector<Quarantined>& moved) {
    const FileLock alone = repository.lock(LockMode::exclusive, lock_wait);
    make_directory(repository.quarantine());
    Bytes buffer;
    for (const BadObject& object : bad) {
        if (look_at_object(repository, object.name, buffer).state != ObjectState::damaged) continue;
        const fs::path from = repository.object(object.name);
        const std::string name = detail::free_quarantine_name(repository, object.name);
        rename_path(from, repository.quarantine() / name);
        sync_directory(repository.quarantine());
        sync_directory(from.parent_path());
        moved.push_back({object.name, name});
        LedgerWriter(repository, lock_wait)
            .append("quarantined", "", {{"object", object.name.hex()}, {"file", name}});
    }
}

}  // namespace holdfast::ops
