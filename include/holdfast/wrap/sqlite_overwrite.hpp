// wrap/sqlite_overwrite.hpp - gives a live database other content while applications stay connected.
//
// SQLite's backup API writes the image into the database as one transaction: readers see the old content or the new, a crash
// leaves the old. https://www.sqlite.org/backup.html
#pragma once

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

/// Nobody writes to `image` meanwhile. `budget` is how long locks of others are waited for. Throws: busy (nothing was changed),
/// refused (the page size differs and the database is in WAL mode), io.
inline void overwrite_database(const std::filesystem::path& image, const std::filesystem::path& live,
                               std::chrono::milliseconds budget) {
    const std::string name = in_quotes(live.string());
    const Database from = Database::open_readonly(image, Database::Source::immutable, budget);
    Database to = Database::open(std::filesystem::absolute(live).string(), SQLITE_OPEN_READWRITE, nullptr);
    to.set_busy_budget(budget);
    sqlite3_backup* backup = sqlite3_backup_init(to.get(), "main", from.get(), "main");
    if (backup == nullptr) to.check(sqlite3_errcode(to.get()), "begin to write " + name);
    // The transaction begins with the first step and ends with the last; between them a stop signal is heard.
    int step = SQLITE_OK;
    while (step == SQLITE_OK && !is_interrupted()) step = sqlite3_backup_step(backup, 1024);
    const int finish = sqlite3_backup_finish(backup);
    if (step == SQLITE_DONE && finish == SQLITE_OK) return;
    const int rc = step == SQLITE_DONE ? finish : step;
    check_interrupted();
    if ((rc & 0xFF) == SQLITE_READONLY)
        throw Error(
            Kind::refused,
            name + " cannot be rewritten while it is open: its page size differs, and it is in WAL mode",
            "stop the application and restore without --online");
    throw SqliteError(rc,
                      "write " + name + ": " + sqlite3_errstr(rc) +
                          "; the transaction was rolled back, "
                          "nothing was changed",
                      "run it again when the database is less busy, or without --online");
}

}  // namespace holdfast
