// ops/pins.hpp - snapshots that are kept until a day, whatever the policy says: lines of the ledger.
#pragma once

#include <map>
#include <string>

#include "holdfast/policy/retention.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/snapshot_index.hpp"

namespace holdfast::ops {

/// The last word of the ledger on each pinned snapshot. Throws: io.
inline std::map<std::string, Pin> read_pins(const Repository& repository) {
    std::map<std::string, Pin> pins;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event == "unpinned") pins.erase(line.snapshot);
        if (line.event != "pinned") return;
        const JsonFields fields(line.json, "ledger line");
        const auto until = parse_utc(fields.text("until_utc"));
        if (!until) fields.fail("until_utc", "is not a time");
        pins[line.snapshot] = {*until, fields.text_or("reason", "")};
    });
    return pins;
}

/// Keeps a snapshot until then, whatever the policy says. Throws: not_found, busy, io.
inline void pin(const Repository& repository, const std::string& id, const Pin& pin,
                std::chrono::seconds lock_wait) {
    const FileLock lock = repository.lock(LockMode::shared, lock_wait);
    read_manifest_text(repository, id);
    LedgerWriter(repository, lock_wait)
        .append("pinned", id, {{"until_utc", format_utc(pin.until)}, {"reason", json_text(pin.reason)}});
}
inline void unpin(const Repository& repository, const std::string& id, std::chrono::seconds lock_wait) {
    const FileLock lock = repository.lock(LockMode::shared, lock_wait);
    read_manifest_text(repository, id);
    LedgerWriter(repository, lock_wait).append("unpinned", id);
}

}  // namespace holdfast::ops
