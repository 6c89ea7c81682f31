// ops/check_delta.hpp - do the Delta tables in a stored tree have the files their logs name?
#pragma once

#include <map>
#include <string>
#include <vector>

#include "holdfast/source/delta_log.hpp"
#include "holdfast/store/component_reader.hpp"
#include "holdfast/store/tree_match.hpp"

namespace holdfast::ops {

inline constexpr std::string_view kDeltaWarning = "delta table ";  // every warning of this check begins so

namespace detail {

class DeltaVisitor final : public TreeVisitor {
public:
    std::map<std::string, DeltaLog> tables;
    void begin(const WantedEntry& w, const TarEntry&) override {
        const auto commit = parse_delta_commit(w.entry.path);
        log_ = &tables[std::string(commit->table)];
        log_->begin_commit(commit->version);
    }
    void data(std::uint64_t, ByteSpan bytes) override { log_->feed(bytes); }
    void end(const WantedEntry&) override { log_->end_commit(); }
    void bad_content(const WantedEntry& w, const std::string& why) override {
        throw Error(Kind::corrupt, in_quotes(w.entry.path) + ": " + why);
    }

private:
    DeltaLog* log_ = nullptr;
};

inline WantedSource commits_of(EntrySource entries) {
    return [entries = std::move(entries)]() -> std::optional<WantedEntry> {
        while (auto entry = entries()) {
            if (entry->type != EntryType::file || !parse_delta_commit(entry->path)) continue;
            WantedEntry wanted{*std::move(entry), {}, {}};
            wanted.path = wanted.entry.path;
            return wanted;
        }
        return std::nullopt;
    };
}

/// The table a file belongs to, and its path in it.
inline void report_captured(std::map<std::string, DeltaLog>& tables, const IndexEntry& entry) {
    for (std::string_view folder = entry.path; folder != ".";) {
        folder = tree_parent(folder);
        const auto table = tables.find(std::string(folder));
        if (table == tables.end()) continue;
        table->second.captured(folder == "." ? entry.path : entry.path.substr(folder.size() + 1),
                               entry.content_bytes());
        return;
    }
}

}  // namespace detail

struct DeltaCheck {
    std::vector<std::string> warnings;  // each begins with kDeltaWarning; none if the tables are whole
    std::vector<std::string>
        notes;  // what could not be checked, for instance files that only checkpoints name
};

/// Reads the index and the commits only. Throws: corrupt, io.
inline DeltaCheck check_delta(ObjectReader& reader, const Component& c) {
    constexpr std::size_t kListed = 100;
    detail::DeltaVisitor visitor;
    auto ranges = ranges_of(detail::commits_of(entries_of_component(reader, c)));
    if (ranges.empty()) return {};
    match_tree(pull_extents(reader, slice(extents_of_component(reader, c), std::move(ranges))),
               detail::commits_of(entries_of_component(reader, c)), visitor);
    const EntrySource entries = entries_of_component(reader, c);
    while (const auto entry = entries())
        if (entry->type == EntryType::file || entry->type == EntryType::hardlink)
            detail::report_captured(visitor.tables, *entry);
    DeltaCheck check;
    std::vector<std::string>& warnings = check.warnings;
    std::size_t more = 0;
    for (const auto& [table, log] : visitor.tables) {
        for (const std::string& what : log.notes())
            if (check.notes.size() < kListed)
                check.notes.push_back(std::string(kDeltaWarning) + in_quotes(table) + ": " + what);
        for (const std::string& what : log.warnings()) {
            if (warnings.size() < kListed)
                warnings.push_back(std::string(kDeltaWarning) + in_quotes(table) + ": " + what);
            else
                ++more;
        }
    }
    if (more > 0)
        warnings.push_back(std::string(kDeltaWarning) + "warnings: and " + std::to_string(more) + " more");
    return check;
}

}  // namespace holdfast::ops
