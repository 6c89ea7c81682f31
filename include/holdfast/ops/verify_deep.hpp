// ops/verify_deep.hpp - one component, put together as a restore would and held against everything known of it.
#pragma once

#include "holdfast/base/progress.hpp"
#include "holdfast/ops/check_delta.hpp"
#include "holdfast/ops/check_sqlite.hpp"
#include "holdfast/ops/finding.hpp"
#include "holdfast/ops/restore_file.hpp"
#include "holdfast/store/tree_extract.hpp"

namespace holdfast::ops {

/// Sees a restored database that is sound, before it is removed.
using DatabaseVisitor = std::function<void(const fs::path&)>;

namespace detail {

inline void verify_database(ObjectReader& reader, const Component& c, const fs::path& staging,
                            const std::function<void(Severity, const std::string&)>& find, Progress& progress,
                            const DatabaseVisitor& visit) {
    const TempName folder{staging / ("verify." + std::to_string(::getpid()) + "." + random_hex<4>())};
    make_directory(folder.path());
    std::vector<std::string> ignored;  // owners and modes do not matter in staging
    restore_file(reader, c, folder.path() / "image.db", FileWriter::Purpose::scratch, ignored, progress);
    if (!c.sqlite || c.bytes == 0) return;  // captured as raw bytes because it was damaged, or empty
    const SqliteCheck check = check_sqlite(folder.path() / "image.db");
    for (const std::string& what : check.damage) find(Severity::damage, what);
    for (const std::string& what : check.warnings()) find(Severity::warning, what);
    if (check.damage.empty() && visit) visit(folder.path() / "image.db");
}

/// Databases inside a tree, each restored to staging and checked.
inline void verify_tree_databases(
    ObjectReader& reader, const Component& c, const fs::path& staging,
    const std::function<void(const std::string&, Severity, const std::string&)>& find) {
    const EntrySource entries = entries_of_component(reader, c);
    while (const auto entry = entries()) {
        if (!entry->is_sqlite || entry->type != EntryType::file || entry->size == 0) continue;
        const TempName folder{staging / ("verify." + std::to_string(::getpid()) + "." + random_hex<4>())};
        make_directory(folder.path());
        WantedSource one = [wanted = std::optional(WantedEntry{*entry, "image.db", ""})]() mutable {
            return std::exchange(wanted, std::nullopt);
        };
        ExtractOptions options;
        options.with_owners = false;
        extract_tree(
            pull_extents(reader, slice(extents_of_component(reader, c), {{entry->offset, entry->length}})),
            one, folder.path(), options);
        const SqliteCheck check = check_sqlite(folder.path() / "image.db");
        for (const std::string& what : check.damage) find(entry->path, Severity::damage, what);
        for (const std::string& what : check.warnings()) find(entry->path, Severity::warning, what);
    }
}

}  // namespace detail

/// Appends findings; a corrupt stream is one of them. Throws: io, interrupted.
inline void verify_component(ObjectReader& reader, const std::string& snapshot, const Component& c,
                             const fs::path& staging, std::vector<Finding>& findings, Progress& progress,
                             const DatabaseVisitor& visit = {}) {
    const auto find_in = [&](const std::string& item, Severity severity, const std::string& what) {
        findings.push_back({severity, snapshot, c.name, c.path_of(item), what});
    };
    const auto find = [&](Severity severity, const std::string& what) { find_in("", severity, what); };
    try {
        if (!c.is_tree()) {
            if (c.kind == "sqlite") return detail::verify_database(reader, c, staging, find, progress, visit);
            return read_component(reader, c, [&](ByteSpan bytes) { progress.add(bytes.size()); });
        }
        const PullBytes pull = pull_extents(reader, extents_of_component(reader, c));
        const TreeVerifyReport report = verify_tree(
            [&](std::span<std::byte> out) {
                const std::size_t n = pull(out);
                progress.add(n);
                return n;
            },
            want_all(entries_of_component(reader, c)));
        for (const TreeFinding& f : report.findings) find_in(f.path, Severity::damage, f.what);
        if (report.finding_count > report.findings.size())
            find(Severity::damage,
                 "and " + std::to_string(report.finding_count - report.findings.size()) + " more");
        if (!report.findings.empty()) return;
        if (c.tree && report.files > c.tree->files)
            find(Severity::damage, "the index names more files than the manifest counts");
        detail::verify_tree_databases(reader, c, staging, find_in);
        for (const std::string& what : check_delta(reader, c, staging).warnings)
            find(Severity::warning, what);
    } catch (const Error& e) {
        if (e.kind() != Kind::corrupt) throw;
        find(Severity::damage, e.what());
    }
}

}  // namespace holdfast::ops
