// ops/check_sqlite.hpp - is a restored image a sound database?
//
// The file is opened immutable, so nothing is created beside it, and hardened, so that its schema cannot run code of its own.
#pragma once

#include <string>
#include <vector>

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast::ops {

struct SqliteCheck {
    std::vector<std::string> damage;    // the image is broken
    std::vector<std::string> warnings;  // it holds what its schema forbids, or could not be checked
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

inline SqliteCheck check_sqlite(const std::filesystem::path& path) {
    constexpr std::size_t kListed = 100;
    SqliteCheck result;
    const auto note = [&](std::string_view text) {
        const bool unchecked = detail::is_missing_extension(text);
        (unchecked ? result.warnings : result.damage)
            .push_back((unchecked ? "not fully checked: " : "integrity_check: ") + printable(text));
    };
    try {
        Database db = Database::open_readonly(path, Database::Source::immutable, std::chrono::seconds{0});
        db.set_progress([] { return is_interrupted(); });
        Statement integrity = db.prepare("PRAGMA integrity_check(100)");
        while (integrity.step())
            if (integrity.text(0) != "ok") note(integrity.text(0));
        if (!result.damage.empty()) return result;
        Statement keys = db.prepare("PRAGMA foreign_key_check");
        while (keys.step() && result.warnings.size() < kListed)
            result.warnings.push_back("foreign key: a row of " + in_quotes(keys.text(0)) +
                                      " refers to a row of " + in_quotes(keys.text(2)) +
                                      " that does not exist");
    } catch (const SqliteError& e) {
        check_interrupted();
        if (e.kind() == Kind::io && !detail::is_missing_extension(e.what()) &&
            (e.code() & 0xFF) != SQLITE_ERROR)
            throw;
        note(e.what());
    }
    return result;
}

}  // namespace holdfast::ops
