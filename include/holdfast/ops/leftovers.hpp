// ops/leftovers.hpp - removes what crashed runs left in the repository's tmp folder.
#pragma once

#include "holdfast/store/repository.hpp"

namespace holdfast::ops {

/// Only while nobody else has the repository: everything in tmp/ then belongs to processes that are gone.
/// Busy is fine, the next run tries again. Throws: io.
inline void remove_leftovers(const Repository& repository) {
    make_directory(repository.tmp());  // a copy made by rclone or the like has no empty folders

    if (list_directory(repository.tmp()).empty()) return;
    try {
        const FileLock alone = repository.lock(LockMode::exclusive, std::chrono::seconds{0});
        for (const std::string& name : list_directory(repository.tmp())) {
            std::error_code error;
            fs::remove_all(repository.tmp() / name, error);
            if (error)
                throw OsError(error.value(), "remove " + in_quotes((repository.tmp() / name).string()));
        }
    } catch (const Error& e) {
        if (e.kind() != Kind::busy) throw;
    }
}

}  // namespace holdfast::ops
