// source/hard_links.hpp - which names of a tree are one file.
//
// The walk makes the first name of an inode the file and every further one a link to it. If the first
// name then cannot be captured, the next one becomes the file.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "holdfast/source/walk_entry.hpp"

namespace holdfast {

/// First names of the files whose other names are still to come. Memory is bounded by kMaxPathBytes.
class FirstNames {
public:
    bool has(const WalkEntry& entry) const { return names_.contains(identity_of(entry.st)); }
    /// Turns a regular file whose inode was met before into a hard link. Returns why another name of it stays
    /// a file of its own, or null.
    const char* resolve(WalkEntry& entry) {
        if (entry.st.st_nlink < 2) return nullptr;
        const auto at = names_.find(identity_of(entry.st));
        if (at == names_.end()) {
            if (path_bytes_ + entry.path.size() > kMaxPathBytes)
                return "too many hard links: saved as a file of its own";
            path_bytes_ += entry.path.size();
            names_.emplace(identity_of(entry.st), Name{entry.path, entry.st.st_nlink - 1, entry.st});
            return nullptr;
        }
        // Written to between the two looks, or the inode was given to another file meanwhile.
        const struct stat& st = at->second.st;
        if (st.st_size != entry.st.st_size || to_ns(st.st_mtim) != to_ns(entry.st.st_mtim))
            return "changed while its names were collected: saved as a file of its own";
        entry.type = EntryType::hardlink;
        entry.link = at->second.path;
        if (--at->second.left == 0) {
            path_bytes_ -= at->second.path.size();
            names_.erase(at);
        }
        return nullptr;
    }

private:
    static constexpr std::size_t kMaxPathBytes = 64 * 1024 * 1024;  // half a million names of 128 bytes

    struct Name {
        std::string path;
        nlink_t left;
        struct stat st;
    };
    std::unordered_map<FileIdentity, Name, FileIdentityHash> names_;
    std::size_t path_bytes_ = 0;
};

/// Hard links to a first name that could not be captured.
class OrphanLinks {
public:
    /// The file was not captured under this name.
    void lose(const WalkEntry& e) {
        if (e.type == EntryType::file && e.st.st_nlink > 1) heirs_.emplace(identity_of(e.st), "");
    }
    /// Must `e`, a link, be captured as the file?
    bool is_heir(const WalkEntry& e) const {
        const auto at = find(e);
        return at != heirs_.end() && at->second.empty();
    }
    /// It was: the links still to come lead to it.
    void inherit(const WalkEntry& e) {
        if (e.type == EntryType::hardlink) heirs_[identity_of(e.st)] = e.path;
    }
    /// Does an entry link to a lost name? Then what an earlier capture says of it is wrong.
    bool has_any(const std::vector<WalkEntry>& entries) const {
        return !heirs_.empty() && std::any_of(entries.begin(), entries.end(),
                                              [&](const WalkEntry& e) { return find(e) != heirs_.end(); });
    }
    /// The path that the link `e` leads to.
    const std::string& target(const WalkEntry& e) const {
        const auto at = find(e);
        return at == heirs_.end() ? e.link : at->second;
    }

private:
    using Heirs = std::unordered_map<FileIdentity, std::string, FileIdentityHash>;  // path; empty: none yet
    Heirs::const_iterator find(const WalkEntry& e) const {
        return e.type == EntryType::hardlink ? heirs_.find(identity_of(e.st)) : heirs_.end();
    }
    Heirs heirs_;
};

}  // namespace holdfast
