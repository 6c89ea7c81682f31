// policy/run_history.hpp - how the runs of backup.sh went: the last one, the last good one, and counts since the first.
//
// A failed run leaves no snapshot, so the repository cannot tell of it. Partial is never success.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "holdfast/base/utc.hpp"

namespace holdfast {

struct BackupRun {
    SystemSeconds ended{};
    std::string type;
    int code = 0;  // docs/exit-codes.md
    std::chrono::seconds took{};
    std::string snapshot;  // empty: none was taken

    bool is_success() const { return code == 0 && !snapshot.empty(); }
    bool is_partial() const { return code == 4; }
};

struct RunHistory {
    std::uint64_t successes = 0, partials = 0, failures = 0;
    std::optional<BackupRun> last, last_success;
    std::optional<SystemSeconds> began;                // of the newest run, which may have been killed since
    std::map<std::string, std::chrono::seconds> took;  // by type: the last run that made a snapshot

    /// Began after the last one that ended, so it is still at work, or was killed.
    bool is_open() const { return began && (!last || *began > last->ended); }

    void add(const BackupRun& run) {
        ++(run.is_success() ? successes : run.is_partial() ? partials : failures);
        last = run;
        if (run.is_success()) last_success = run;
        if (!run.snapshot.empty()) took[run.type] = run.took;
    }
};

}  // namespace holdfast
