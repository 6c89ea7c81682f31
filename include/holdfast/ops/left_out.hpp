// ops/left_out.hpp - what the `exclude` and `newer_than` of a tree leave out stays in the live tree while the rest is replaced.
//
// No snapshot has what is excluded, and only the emergency one what is too old. So after the two trees were exchanged it moves out
// of the old one into the new one, and back before an undo: each entry by one rename, a database with its sidecars. What still lies
// in the other tree is what has yet to move, so who was interrupted does it again. Noted before are old files, whose age changes,
// and sidecars, by inode: between their move and that of their database nothing else says whose they are. What cannot move stays
// in the kept tree and is told. No link is followed.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <map>

#include "holdfast/base/glob.hpp"
#include "holdfast/base/moves.hpp"
#include "holdfast/source/sqlite_files.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast::ops {

/// The topmost entries of a tree that the patterns cover, or all that `is_wanted` says, by their path in it, in order.
template <class IsWanted>
std::vector<std::string> find_topmost(const fs::path& tree, IsWanted is_wanted) {
    std::vector<std::string> found;
    std::error_code unreadable;
    fs::recursive_directory_iterator at(tree, fs::directory_options::skip_permission_denied, unreadable), end;
    for (; !unreadable && at != end; at.increment(unreadable)) {
        const bool is_kept = at->path().filename().string().starts_with(kStagingPrefix);
        const std::string path = at->path().string().substr(tree.string().size() + 1);
        if (!is_kept && !is_wanted(path)) continue;
        at.disable_recursion_pending();
        if (!is_kept) found.push_back(path);
    }
    std::sort(found.begin(), found.end());
    return found;
}
/// The database that a path would be a sidecar of; empty if none.
inline std::string sidecar_base(const std::string& path) {
    for (const std::string_view suffix : kSqliteSidecars)
        if (path.ends_with(suffix)) return path.substr(0, path.size() - suffix.size());
    return {};
}
/// What a snapshot of a tree does not have.
struct Unsaved {
    std::vector<std::string> exclude{};  // patterns
    // Files too old for `newer_than`: json_text() of their paths in the tree, in order.
    std::vector<std::string> passed_over{};

    bool covers(const std::string& path) const {
        return any_glob_covers(exclude, path) ||
               std::binary_search(passed_over.begin(), passed_over.end(), json_text(path));
    }
    bool is_empty() const { return exclude.empty() && passed_over.empty(); }
    /// Words for messages: "that 'exclude' leaves out"
    std::string why() const {
        if (passed_over.empty()) return "that 'exclude' leaves out";
        return exclude.empty() ? "that 'newer_than' leaves out" : "that 'exclude' and 'newer_than' leave out";
    }
};

/// Regular files whose content was last changed before that time, by their path in the tree, in order.
inline std::vector<std::string> find_older(const fs::path& tree, std::chrono::sys_seconds time) {
    return find_topmost(tree, [&](const std::string& path) {
        struct stat st {};
        return ::lstat((tree / path).c_str(), &st) == 0 && S_ISREG(st.st_mode) &&
               st.st_mtim.tv_sec < time.time_since_epoch().count();
    });
}

/// What is left out of a tree; sidecars are part of their database, if that is left out too.
inline std::vector<std::string> find_left_out(const fs::path& tree, const Unsaved& unsaved) {
    if (unsaved.is_empty()) return {};
    const auto covered = find_topmost(tree, [&](const std::string& path) { return unsaved.covers(path); });
    std::vector<std::string> found;
    for (const std::string& path : covered)
        if (!std::binary_search(covered.begin(), covered.end(), sidecar_base(path))) found.push_back(path);
    return found;
}

using SidecarInodes = std::map<std::string, std::uint64_t>;  // by their path in the tree

/// Those of databases that are left out.
inline SidecarInodes find_left_out_sidecars(const fs::path& tree, const Unsaved& unsaved) {
    SidecarInodes found;
    for (const std::string& path : find_left_out(tree, unsaved))
        for (const std::string suffix : kSqliteSidecars)
            if (const auto inode = inode_of(tree / (path + suffix))) found[path + suffix] = *inode;
    return found;
}

/// "3 entries (a, b, c)"
inline std::string count_and_name(const std::vector<std::string>& paths) {
    std::string out = std::to_string(paths.size()) + (paths.size() == 1 ? " entry (" : " entries (");
    for (std::size_t i = 0; i < std::min<std::size_t>(paths.size(), 3); ++i)
        out += (i == 0 ? "" : ", ") + in_quotes(paths[i]);
    return out + (paths.size() > 3 ? " …)" : ")");
}

class LeftOut {
public:
    LeftOut(fs::path from, fs::path to) : from_(std::move(from)), to_(std::move(to)) {}

    /// Moves what is left out, as far as it can. Throws: io (it could not be made durable).
    void carry(const Unsaved& unsaved, const SidecarInodes& sidecars) {
        for (const std::string& path : find_left_out(from_, unsaved)) {
            const auto known = sidecars.find(path);
            const bool is_half_way = known != sidecars.end() && inode_of(from_ / path) == known->second &&
                                     !inode_of(from_ / sidecar_base(path));
            if (is_half_way || !is_sidecar_of_other(path)) carry_one(path);
        }
        if (carried.empty()) return;
        const UniqueFd folder = open_fd(to_.string(), O_RDONLY | O_DIRECTORY);
        if (::syncfs(folder.get()) != 0) throw_os("sync " + in_quotes(to_.string()));
    }
    /// A WAL beside a database that it is not of would be replayed into it.
    bool is_sidecar_of_other(const std::string& path) const {
        const std::string base = sidecar_base(path);
        return !base.empty() && (inode_of(from_ / base).has_value() || inode_of(to_ / base).has_value());
    }

    std::vector<std::string> carried;  // by their path in the tree
    std::vector<std::string> stayed;   // whose folder is missing there, or that could not be moved
    std::vector<std::string> met;      // for which the other tree has its own

private:
    /// The folder of an entry, in the other tree too, is a folder all the way down.
    bool has_folder(const std::string& path) const {
        fs::path at = to_;
        for (const fs::path& part : fs::path(path).parent_path()) {
            at /= part;
            if (!fs::is_directory(fs::symlink_status(at))) return false;
        }
        return fs::is_directory(fs::symlink_status(to_));
    }
    void carry_one(const std::string& path) {
        if (inode_of(to_ / path)) return met.push_back(path);
        if (!has_folder(path)) return stayed.push_back(path);
        const KeptTime from((from_ / path).parent_path()), to((to_ / path).parent_path());
        std::vector<std::string> moved;
        for (const std::string suffix : kSqliteSidecars) {
            if (!inode_of(from_ / (path + suffix))) continue;
            if (!move(from_, to_, path + suffix)) break;
            moved.push_back(path + suffix);
        }
        if (!has_sidecars(path) && move(from_, to_, path)) return carried.push_back(path);
        for (const std::string& sidecar : moved) move(to_, from_, sidecar);
        stayed.push_back(path);
    }
    bool has_sidecars(const std::string& path) const {
        return std::any_of(kSqliteSidecars.begin(), kSqliteSidecars.end(),
                           [&](const char* suffix) { return inode_of(from_ / (path + suffix)).has_value(); });
    }
    static bool move(const fs::path& from, const fs::path& to, const std::string& path) {
        return ::renameat2(AT_FDCWD, (from / path).c_str(), AT_FDCWD, (to / path).c_str(),
                           RENAME_NOREPLACE) == 0 ||
               (errno == EINVAL && !inode_of(to / path) &&  // a file system without NOREPLACE
                ::rename((from / path).c_str(), (to / path).c_str()) == 0);
    }

    /// A folder's time of change, which a rename in it would alter, as it was.
    class KeptTime {
    public:
        explicit KeptTime(fs::path folder) : folder_(std::move(folder)) {
            is_known_ = ::lstat(folder_.c_str(), &st_) == 0;
        }
        KeptTime(const KeptTime&) = delete;
        KeptTime& operator=(const KeptTime&) = delete;
        ~KeptTime() {
            const timespec times[2] = {st_.st_atim, st_.st_mtim};
            if (is_known_) ::utimensat(AT_FDCWD, folder_.c_str(), times, AT_SYMLINK_NOFOLLOW);
        }

    private:
        fs::path folder_;
        struct stat st_ {};
        bool is_known_ = false;
    };

    fs::path from_, to_;
};

}  // namespace holdfast::ops
