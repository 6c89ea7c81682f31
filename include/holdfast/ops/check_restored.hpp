// ops/check_restored.hpp - is what was restored what it should be, beyond its bytes?
//
// The restore itself proved every digest. Here databases are checked by SQLite, their rows are counted against the
// manifest, Delta tables are held against their logs, and the configuration's own checks run. Databases are opened
// immutable: nothing is created beside them. Findings are values; it throws only if it cannot look.
#pragma once

#include "holdfast/ops/configured_checks.hpp"
#include "holdfast/ops/restored_files.hpp"
#include "holdfast/policy/config.hpp"
#include "holdfast/source/table_rows.hpp"

namespace holdfast::ops {

inline constexpr std::chrono::hours kIntegrityLimit{2};  // 100 GB at some 15 MB/s, which a slow disk reads

namespace detail {

/// `where` is the path of a database inside a tree, or empty.
inline void check_database(const Component& c, const std::string& where, const fs::path& path,
                           std::vector<CheckResult>& out) {
    const std::string of = where.empty() ? "" : " of " + in_quotes(where);
    const SqliteCheck check = check_sqlite(path, kIntegrityLimit);
    CheckResult integrity{c.name, "integrity_check" + of, CheckState::passed, {}};
    if (!check.damage.empty())
        integrity = {c.name, integrity.name, CheckState::failed, first_of(check.damage)};
    else if (!check.unchecked.empty())
        integrity = {c.name, integrity.name, CheckState::unchecked, first_of(check.unchecked)};
    out.push_back(integrity);
    if (integrity.state != CheckState::passed) return;
    // SQLite leaves it to the application to enforce them, so such rows were in the original, and no restore can do better.
    out.push_back({c.name, "foreign_key_check" + of,
                   check.foreign_keys.empty() ? CheckState::passed : CheckState::unchecked,
                   first_of(check.foreign_keys)});
}

inline std::map<std::string, std::int64_t> count_rows(const fs::path& path, std::uint64_t page_bytes,
                                                      std::uint64_t page_count) {
    RowCounter counter(page_count);
    {
        const UniqueFd fd = open_fd(path.string(), O_RDONLY | O_NOFOLLOW);
        Bytes page(page_bytes);
        while (read_full(fd.get(), page, "read " + in_quotes(path.string())) == page.size()) {
            check_interrupted();
            counter.add(page);
        }
    }
    std::vector<std::string> uncounted;
    return rows_of_tables(Database::open_readonly(path, Database::Source::immutable, std::chrono::seconds{0}),
                          counter, uncounted);
}

inline CheckResult check_rows(const Component& c, const fs::path& path) {
    CheckResult out{c.name, "row counts", CheckState::unchecked, "the manifest has none"};
    const SqliteFacts& facts = *c.sqlite;
    if (facts.row_counts.empty() || facts.page_bytes < 512 || facts.page_bytes > 64_KiB) {
        if (facts.table_count == 0U) out = {c.name, out.name, CheckState::passed, "no tables"};
        return out;
    }
    const std::map<std::string, std::int64_t> counts = count_rows(path, facts.page_bytes, facts.page_count);
    std::vector<std::string> wrong;
    std::int64_t sum = 0;
    for (const auto& [table, rows] : facts.row_counts) {
        sum += rows;
        const auto at = counts.find(table);
        if (at == counts.end() || at->second != rows)
            wrong.push_back(
                "table " + in_quotes(table) + " has " +
                (at == counts.end() ? "no rows that can be counted" : std::to_string(at->second) + " rows") +
                ", the manifest says " + std::to_string(rows));
    }
    out.state = wrong.empty() ? CheckState::passed : CheckState::failed;
    out.detail = wrong.empty()
                     ? std::to_string(sum) + " rows in " + std::to_string(facts.row_counts.size()) + " tables"
                     : first_of(wrong);
    return out;
}

inline void check_tree(const Component& c, const fs::path& restored, std::vector<CheckResult>& out) {
    if (c.root == RootType::file) {
        if (is_sqlite_at(AT_FDCWD, restored.string()))
            check_database(c, restored.filename().string(), restored, out);
        return;
    }
    for (const std::string& path : restored_databases(restored))
        check_database(c, path, restored / path, out);
    const DeltaCheck delta = check_restored_delta(restored, restored.parent_path());
    if (!delta.warnings.empty())
        out.push_back({c.name, "delta log", CheckState::failed, first_of(delta.warnings)});
    else if (!delta.notes.empty())
        out.push_back({c.name, "delta log", CheckState::unchecked, first_of(delta.notes)});
    else if (delta.tables != 0)
        out.push_back({c.name, "delta log", CheckState::passed, std::to_string(delta.tables) + " tables"});
}

}  // namespace detail

/// Proves the content of one restored component: databases, rows against the manifest, Delta logs, and the checks of
/// `source`, which may be null. Ages count from `snapshot_started`, since they are a property of the data; `snapshot_id`
/// is told to commands, which the caller trusts (policy/command_trust.hpp). Throws: io, interrupted.
inline std::vector<CheckResult> check_restored(const Component& c, const fs::path& restored,
                                               const SourceConfig* source, SystemSeconds snapshot_started,
                                               const std::string& snapshot_id = {}) {
    std::vector<CheckResult> out;
    if (c.kind == "sqlite") {
        detail::check_database(c, "", restored, out);
        if (c.sqlite && out.front().state != detail::CheckState::failed)
            out.push_back(detail::check_rows(c, restored));
    } else if (c.is_tree()) {
        detail::check_tree(c, restored, out);
    }
    if (source == nullptr) return out;
    for (const CheckConfig& check : source->checks)
        out.push_back(run_check(check, c, restored, {snapshot_started, snapshot_id}));
    return out;
}

}  // namespace holdfast::ops
