// ops/check_delta.hpp - do the Delta tables in a tree have the files their logs name?
//
// A stored tree is asked through its index, a restored one on its disk (ops/restored_files.hpp). Names say which files a
// log has; of them one checkpoint and the commits after it are read (source/delta_plan.hpp). Memory is the live files
// (source/delta_log.hpp) and the index entries of at most kMaxDeltaCheckpoints files of checkpoints.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/ops/delta_tables.hpp"
#include "holdfast/store/component_reader.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast::ops {

inline constexpr std::string_view kDeltaWarning = "delta table ";  // every warning of this check begins so
inline constexpr std::size_t kMaxDeltaCheckpoints = 100'000;       // files of checkpoints in one tree

/// Where the files of a tree are: stored in a repository, or lying on a disk.
struct DeltaFiles {
    std::function<EntrySource()> entries;  // of all files; the commits of a table in the order of their names
    std::function<void(const std::function<WantedSource()>& files, TreeVisitor&)> read;  // in that order too
    fs::path staging;  // for a copy of a checkpoint
};

namespace detail {

class DeltaChecker {
public:
    explicit DeltaChecker(const DeltaFiles& files) : files_(files) {}

    /// Throws: corrupt, io.
    DeltaTables check() {
        learn();
        if (tables_.empty()) return std::move(tables_);
        while (read_checkpoints()) {}
        CommitVisitor commits(tables_);
        read(
            [&] {
                return wanted(files_.entries(), [&](const std::string& path) {
                    const auto commit = parse_delta_commit(path);
                    return commit && tables_.find(commit->table)->second.plan.wants_commit(commit->version);
                });
            },
            commits);
        const EntrySource entries = files_.entries();
        while (const auto entry = entries())
            if (entry->type == EntryType::file || entry->type == EntryType::hardlink) report_captured(*entry);
        return std::move(tables_);
    }

    bool has_too_many_checkpoints() const noexcept { return has_too_many_; }

private:
    using IsWanted = std::function<bool(const std::string& path)>;

    static WantedSource wanted(EntrySource entries, IsWanted is_wanted) {
        return
            [entries = std::move(entries), is_wanted = std::move(is_wanted)]() -> std::optional<WantedEntry> {
                while (auto entry = entries()) {
                    if (entry->type != EntryType::file || !is_wanted(entry->path)) continue;
                    WantedEntry w{*std::move(entry), {}, {}};
                    w.path = w.entry.path;
                    return w;
                }
                return std::nullopt;
            };
    }
    /// The checkpoints and sidecars that were remembered, in stream order.
    EntrySource remembered() const {
        return [this, i = std::size_t{0}]() mutable -> std::optional<IndexEntry> {
            if (i == checkpoints_.size()) return std::nullopt;
            return checkpoints_[i++];
        };
    }
    void read(const std::function<WantedSource()>& files, TreeVisitor& visitor) {
        files_.read(files, visitor);
    }

    /// What the logs have, from the index alone.
    void learn() {
        const EntrySource entries = files_.entries();
        while (auto entry = entries()) {
            if (entry->type != EntryType::file) continue;
            if (const auto commit = parse_delta_commit(entry->path)) {
                tables_[std::string(commit->table)].plan.saw_commit(commit->version);
                continue;
            }
            if (!parse_delta_checkpoint(entry->path) && !parse_delta_sidecar(entry->path)) continue;
            if (checkpoints_.size() == kMaxDeltaCheckpoints) has_too_many_ = true;
            if (!has_too_many_) checkpoints_.push_back(*std::move(entry));
        }
        if (has_too_many_) checkpoints_.clear();
        for (const IndexEntry& entry : checkpoints_)
            if (const auto checkpoint = parse_delta_checkpoint(entry.path))
                tables_[std::string(checkpoint->table)].plan.saw_checkpoint(*checkpoint);
        for (auto& [folder, table] : tables_) table.plan.choose();
    }
    /// Reads each table's checkpoint that is not read yet; true if one was rejected, for the next to try.
    bool read_checkpoints() {
        CheckpointVisitor visitor(tables_, files_.staging);
        read([&] { return wanted(remembered(), [&](const std::string& path) { return is_base(path); }); },
             visitor);
        const std::map<std::string, DeltaTable*> sidecars = wanted_sidecars();
        std::map<std::string, DeltaTable*> missing = sidecars;
        for (const IndexEntry& entry : checkpoints_) missing.erase(entry.path);
        for (const auto& [path, table] : missing)
            table->failure.emplace(Kind::corrupt, in_quotes(path) + " is missing");
        read(
            [&] {
                return wanted(remembered(), [&](const std::string& path) { return sidecars.contains(path); });
            },
            visitor);
        bool was_rejected = false;
        for (auto& [folder, table] : tables_) {
            table.has_base = true;
            if (!table.failure) continue;
            table.plan.reject(*table.failure);
            table.failure.reset();
            table.log = DeltaLog{};
            table.has_base = false;
            was_rejected = true;
        }
        return was_rejected;
    }
    /// Those that checkpoints which were just read name, by their path.
    std::map<std::string, DeltaTable*> wanted_sidecars() {
        std::map<std::string, DeltaTable*> sidecars;
        for (auto& [folder, table] : tables_)
            if (!table.has_base)
                for (const std::string& name : table.log.sidecars())
                    sidecars[(folder == "." ? "" : folder + "/") + "_delta_log/_sidecars/" + name] = &table;
        return sidecars;
    }
    bool is_base(const std::string& path) const {
        const auto checkpoint = parse_delta_checkpoint(path);
        if (!checkpoint) return false;
        const DeltaTable& table = tables_.find(checkpoint->table)->second;
        const DeltaPlan::Checkpoint* base = table.plan.base();
        return !table.has_base && base != nullptr && base->first == checkpoint->version &&
               base->second == checkpoint->set;
    }
    /// Tells the table in whose folder the file lies.
    void report_captured(const IndexEntry& entry) {
        for (std::string_view folder = entry.path; folder != ".";) {
            folder = tree_parent(folder);
            const auto table = tables_.find(folder);
            if (table == tables_.end()) continue;
            table->second.log.captured(folder == "." ? entry.path : entry.path.substr(folder.size() + 1),
                                       entry.content_bytes());
            return;
        }
    }

    const DeltaFiles& files_;
    DeltaTables tables_;
    std::vector<IndexEntry> checkpoints_;  // and sidecars
    bool has_too_many_ = false;
};

}  // namespace detail

struct DeltaCheck {
    std::vector<std::string> warnings;  // each begins with kDeltaWarning; none if the tables are whole
    std::vector<std::string> notes;     // what could not be checked, for instance files outside of a table
    std::size_t tables = 0;
};

inline std::string format_delta_check(const DeltaCheck& check) {
    Json json = {{"warnings", Json::array()}, {"notes", Json::array()}, {"tables", check.tables}};
    for (const std::string& w : check.warnings) json["warnings"].push_back(json_text(w));
    for (const std::string& n : check.notes) json["notes"].push_back(json_text(n));
    return dump_json(json);
}
/// Throws: corrupt.
inline DeltaCheck parse_delta_check(std::string_view text) {
    const Json json = parse_json(text, "findings of a Delta check");
    const JsonFields fields(json, "findings of a Delta check");
    return {fields.texts("warnings"), fields.texts("notes"), fields.number("tables")};
}

/// Reads the names and the logs. Throws: corrupt, io.
inline DeltaCheck check_delta(const DeltaFiles& files) {
    constexpr std::size_t kListed = 100;
    DeltaCheck check;
    std::size_t more = 0;
    const auto add = [&](std::vector<std::string>& to, const std::string& table,
                         const std::vector<std::string>& texts) {
        for (const std::string& what : texts) {
            if (to.size() < kListed)
                to.push_back(std::string(kDeltaWarning) + in_quotes(table) + ": " + what);
            else if (&to == &check.warnings)
                ++more;
        }
    };
    detail::DeltaChecker checker(files);
    for (const auto& [folder, table] : checker.check()) {
        ++check.tables;
        add(check.notes, folder, table.plan.notes());
        add(check.notes, folder, table.log.notes());
        add(check.warnings, folder, table.plan.warnings());
        add(check.warnings, folder, table.log.warnings());
    }
    if (checker.has_too_many_checkpoints())
        check.notes.push_back("delta tables: more than " + std::to_string(kMaxDeltaCheckpoints) +
                              " checkpoint files, which are not read");
    if (more > 0)
        check.warnings.push_back(std::string(kDeltaWarning) + "warnings: and " + std::to_string(more) +
                                 " more");
    return check;
}

/// Of a stored tree; `staging` is a folder for a copy of a checkpoint. Throws: corrupt, io.
inline DeltaCheck check_delta(ObjectReader& reader, const Component& c, const fs::path& staging) {
    const auto read = [&](const std::function<WantedSource()>& files, TreeVisitor& visitor) {
        auto ranges = ranges_of(files());
        if (ranges.empty()) return;
        match_tree(pull_extents(reader, slice(extents_of_component(reader, c), std::move(ranges))), files(),
                   visitor);
    };
    return check_delta(DeltaFiles{[&] { return entries_of_component(reader, c); }, read, staging});
}

}  // namespace holdfast::ops
