// ops/leftovers.hpp - removes what crashed runs left in the repository's tmp folder, and where plain data waits.
#pragma once

#include "holdfast/store/repository.hpp"

namespace holdfast::ops {

/// Only while nobody else has the repository: everything there then belongs to processes that are gone.
/// Busy is fine, the next run tries again. Throws: io.
inline void remove_leftovers(const Repository& repository) {
    make_directory(repository.tmp());  // a copy made by rclone or the like has no empty folders

    std::vector<fs::path> found;
    for (const fs::path& folder : {repository.tmp(), repository.staging()})
        if (fs::exists(folder))
            for (const std::string& name : list_directory(folder)) found.push_back(folder / name);
    if (found.empty()) return;
    try {
        const FileLock alone = repository.lock(LockMode::exclusive, std::chrono::seconds{0});
        for (const fs::path& path : found) {
            std::error_code error;
            fs::remove_all(path, error);
            if (error) throw OsError(error.value(), "remove " + in_quotes(path.string()));
        }
    } catch (const Error& e) {
        if (e.kind() != Kind::busy) throw;
    }
}

}  // namespace holdfast::ops
