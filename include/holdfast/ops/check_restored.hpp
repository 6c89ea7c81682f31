// ops/check_restored.hpp - is what was restored what it should be, beyond its bytes?
//
// The restore itself proved every digest. Here databases are checked by SQLite, their rows are counted against the
// manifest, Delta tables are held against their logs, and the configuration's own checks run. Databases are opened
// immutable: nothing is created beside them. Findings are values; it throws only if it cannot look.
#pragma once

#include <bit>

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

/// Reads the file once from its beginning to its end, page by page for `counter` if there is one. SQLite, which goes along its
/// trees, then finds it in memory: 900 MB that a restore had written past the page cache took 39 s, so it takes 9.
inline void read_through(const fs::path& path, std::uint64_t page_bytes, RowCounter* counter) {
    const UniqueFd fd = open_fd(path.string(), O_RDONLY | O_NOFOLLOW);
    Bytes block(1_MiB);  // a whole number of pages of any size
    while (const std::size_t n = read_full(fd.get(), block, "read " + in_quotes(path.string()))) {
        check_interrupted();
        for (std::size_t at = 0; counter != nullptr && at + page_bytes <= n; at += page_bytes)
            counter->add(ByteSpan(block).subspan(at, page_bytes));
    }
}

/// `counter` has seen the whole file.
inline CheckResult check_rows(const Component& c, const fs::path& path, RowCounter& counter) {
    CheckResult out{c.name, "row counts", CheckState::unchecked, "the manifest has none"};
    const SqliteFacts& facts = *c.sqlite;
    if (facts.row_counts.empty() || !counter.is_on()) {
        if (!facts.row_counts.empty()) out.detail = "the file has more pages than can be counted";
        if (facts.table_count == 0U) out = {c.name, out.name, CheckState::passed, "no tables"};
        return out;
    }
    std::vector<std::string> uncounted;
    const auto counts =
        rows_of_tables(Database::open_readonly(path, Database::Source::immutable, std::chrono::seconds{0}),
                       counter, uncounted);
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

inline void check_whole_database(const Component& c, const fs::path& path, std::vector<CheckResult>& out) {
    const std::uint64_t page_bytes = c.sqlite ? c.sqlite->page_bytes : 0;
    const bool can_count = page_bytes >= 512 && page_bytes <= 64_KiB && std::has_single_bit(page_bytes);
    RowCounter counter(can_count ? c.sqlite->page_count : 0);
    read_through(path, page_bytes, can_count ? &counter : nullptr);
    check_database(c, "", path, out);
    if (c.sqlite && out.front().state != CheckState::failed) out.push_back(check_rows(c, path, counter));
}

inline void check_tree(const Component& c, const fs::path& restored, std::vector<CheckResult>& out) {
    if (c.root == RootType::file) {
        if (is_sqlite_at(AT_FDCWD, restored.string()))
            check_database(c, restored.filename().string(), restored, out);
        return;
    }
    for (const std::string& path : restored_databases(restored)) {
        read_through(restored / path, 0, nullptr);
        check_database(c, path, restored / path, out);
    }
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
        detail::check_whole_database(c, restored, out);
    } else if (c.is_tree()) {
        detail::check_tree(c, restored, out);
    }
    if (source == nullptr) return out;
    const bool is_dump =
        source->kind == SourceKind::postgres;  // pg_restore.sh asks the queries of the server
    for (const CheckConfig& check : source->checks)
        if (!is_dump || check.sql.empty())
            out.push_back(run_check(check, c, restored, {snapshot_started, snapshot_id}));
    return out;
}

}  // namespace holdfast::ops
