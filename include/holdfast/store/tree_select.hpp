// store/tree_select.hpp - which entries of a tree a restore wants, and where in the stream they lie.
//
// Globs choose; the directories on the way to a chosen entry come along. A chosen hard link whose first
// name is not chosen is made from the first name's record. Memory is the directories on the way and those
// links, whatever the size of the tree. Usage: learn() over the whole index, then wanted() over it
// once for ranges_of() and once more for extract_tree().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/directory_chain.hpp"
#include "holdfast/base/glob.hpp"
#include "holdfast/store/tree_index.hpp"

namespace holdfast {

/// An entry to restore: its record in the tar stream, and the name under which it is made.
struct WantedEntry {
    IndexEntry entry;
    std::string path;
    std::string link;  // of a hard link: the path that it is made to share
};
using WantedSource = std::function<std::optional<WantedEntry>()>;

struct ByteRange {
    std::uint64_t offset;
    std::uint64_t bytes;
    bool operator==(const ByteRange&) const = default;
};

class TreeSelection {
public:
    /// No globs: everything, and learn() is not needed.
    explicit TreeSelection(std::vector<std::string> globs) : globs_(std::move(globs)) {}

    bool is_everything() const noexcept { return globs_.empty(); }
    /// Entries that a glob names; 0 after learn() means that the globs fit nothing.
    std::uint64_t matched() const noexcept { return matched_; }

    void learn(const EntrySource& entries) {
        while (const auto entry = entries()) {
            if (!is_chosen(entry->path)) continue;
            ++matched_;
            std::string_view directory = entry->path;
            while (directory != ".") {
                directory = tree_parent(directory);
                if (!directories_.emplace(directory).second) break;
            }
            if (entry->type == EntryType::hardlink && !is_chosen(entry->link))
                stand_ins_.try_emplace(entry->link, entry->path);
        }
    }
    /// What to do with one entry; nothing if it is not wanted.
    std::optional<WantedEntry> want(IndexEntry entry) const {
        WantedEntry wanted{std::move(entry), {}, {}};
        wanted.path = wanted.entry.path;
        wanted.link = wanted.entry.link;
        if (is_everything()) return wanted;
        if (is_chosen(wanted.path)) {
            const auto at =
                wanted.entry.type == EntryType::hardlink ? stand_ins_.find(wanted.link) : stand_ins_.end();
            if (at == stand_ins_.end()) return wanted;
            if (at->second == wanted.path) return std::nullopt;  // made from the first name's record
            wanted.link = at->second;
            return wanted;
        }
        if (wanted.entry.type == EntryType::directory && directories_.contains(wanted.path)) return wanted;
        const auto at = stand_ins_.find(wanted.path);
        if (at == stand_ins_.end() || wanted.entry.type != EntryType::file) return std::nullopt;
        wanted.path = at->second;
        return wanted;
    }
    /// The wanted ones of `entries`, in stream order. The selection must outlive the source.
    WantedSource wanted(EntrySource entries) const {
        return [this, entries = std::move(entries)]() -> std::optional<WantedEntry> {
            while (auto entry = entries())
                if (auto wanted = want(*std::move(entry))) return wanted;
            return std::nullopt;
        };
    }

private:
    bool is_chosen(std::string_view path) const { return any_glob_covers(globs_, path); }

    std::vector<std::string> globs_;
    std::uint64_t matched_ = 0;
    std::set<std::string, std::less<>> directories_;
    std::map<std::string, std::string>
        stand_ins_;  // unchosen first name -> chosen link that gets the content
};

/// Where the records lie in the tar stream, neighbours joined.
inline std::vector<ByteRange> ranges_of(const WantedSource& wanted) {
    std::vector<ByteRange> ranges;
    while (const auto w = wanted()) {
        if (!ranges.empty() && ranges.back().offset + ranges.back().bytes == w->entry.offset)
            ranges.back().bytes += w->entry.length;
        else
            ranges.push_back({w->entry.offset, w->entry.length});
    }
    return ranges;
}

}  // namespace holdfast
