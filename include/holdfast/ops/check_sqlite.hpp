// ops/check_sqlite.hpp - is a restored image a sound database?
//
// The file is opened immutable, so nothing is created beside it, and hardened, so that its schema cannot run code of its own.
#pragma once

#include <string>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/wrap/sqlite.hpp"

namespace holdfast::ops {

struct SqliteCheck {
    std::vector<std::string> damage;        // the image is broken
    std::vector<std::string> foreign_keys;  // rows that its schema forbids
    std::vector<std::string> unchecked;     // what could not be looked at, and why

    std::vector<std::string> warnings() const {
        std::vector<std::string> all = unchecked;
        all.insert(all.end(), foreign_keys.begin(), foreign_keys.end());
        return all;
    }
};

namespace detail {
/// A collation, function or module that only the application has: no damage, but no proof either.
inline bool is_missing_extension(std::string_view message) {
    for (const char* phrase : {"no such collation", "no such module", "no such function", "no such tokenizer",
                               "unknown tokenizer"})
        if (message.find(phrase) != std::string_view::npos) return true;
    return false;
}
}  // namespace detail

/// What takes longer than `time_limit` is not checked. Throws: io, interrupted.
inline SqliteCheck check_sqlite(const std::filesystem::path& path,
                                std::chrono::seconds time_limit = kForever) {
    constexpr std::size_t kListed = 100;
    SqliteCheck result;
    const Deadline deadline{time_limit};
    const auto note = [&](std::string_view text) {
        const bool unchecked = detail::is_missing_extension(text);
        (unchecked ? result.unchecked : result.damage)
            .push_back((unchecked ? "not fully checked: " : "integrity_check: ") + printable(text));
    };
    try {
        Database db = Database::open_readonly(path, Database::Source::immutable, std::chrono::seconds{0});
        // A record is not longer than its file; what is computed from one may be, a little.
        db.limit_values(4 * std::filesystem::file_size(path) + 16_MiB);
        db.set_progress([&] { return is_interrupted() || deadline.has_passed(); });
        Statement integrity = db.prepare("PRAGMA integrity_check(100)");
        while (integrity.step())
            if (integrity.text(0) != "ok") note(integrity.text(0));
        if (!result.damage.empty()) return result;
        Statement keys = db.prepare("PRAGMA foreign_key_check");
        while (keys.step() && result.foreign_keys.size() < kListed)
            result.foreign_keys.push_back("foreign key: a row of " + in_quotes(keys.text(0)) +
                                          " refers to a row of " + in_quotes(keys.text(2)) +
                                          " that does not exist");
    } catch (const SqliteError& e) {
        check_interrupted();
        const int code = e.code() & 0xFF;
        if (code == SQLITE_NOMEM || code == SQLITE_TOOBIG) {  // of this database; others can be checked
            result.unchecked.push_back(std::string("not fully checked: ") + e.what());
            return result;
        }
        if (code == SQLITE_INTERRUPT) {
            result.unchecked.push_back("not fully checked: it takes longer than " +
                                       format_duration(time_limit));
            return result;
        }
        if (e.kind() == Kind::io && !detail::is_missing_extension(e.what()) && code != SQLITE_ERROR) throw;
        note(e.what());
    }
    return result;
}

}  // namespace holdfast::ops
