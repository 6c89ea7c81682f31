// ops/swap.hpp - a staged component takes the place of what is there, by renames only.
#pragma once

#include "holdfast/base/moves.hpp"
#include "holdfast/ops/left_out.hpp"

namespace holdfast::ops {

struct FileStamp {
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    bool operator==(const FileStamp&) const = default;
};

struct Swap {
    std::string kind;  // of the component
    std::string target;
    std::string staged;              // the replacement before, the old one after, on the same file system
    std::optional<FileStamp> old{};  // of the old database
    std::vector<Move> moves{};       // the last one gives the target its new content
    // Of a tree: what the snapshot cannot have, so it stays at the target (left_out.hpp).
    Unsaved unsaved{};
    SidecarInodes left_out_sidecars{};

    /// The replacement has left its private place; whether it is still at the target is for others to change.
    bool is_swapped() const { return !moves.empty() && inode_of(staged) != moves.back().inode; }
    /// The inode of what was at the target before; nothing if nothing was.
    std::optional<std::uint64_t> old_inode() const {
        if (!moves.empty() && moves.back().is_exchange()) return moves.back().other_inode;
        for (const Move& m : moves)
            if (m.from == target) return m.inode;
        return std::nullopt;
    }
    bool replaces_something() const { return old_inode().has_value(); }
    /// Where what was replaced is kept; nothing if it is at the target, or nowhere.
    std::optional<std::string> kept() const {
        for (const Move& m : moves) {
            if (m.is_exchange() && inode_of(m.from) == m.other_inode) return m.from;
            if (m.from == target && has_happened(m)) return m.to;
        }
        return std::nullopt;
    }
    bool is_of_sidecar(const Move& m) const { return m.from != staged && m.from != target; }
    fs::path folder() const { return fs::path(staged).parent_path(); }
};

namespace detail {

inline FileStamp stamp_of(const fs::path& path) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) throw_os("look at " + in_quotes(path.string()));
    return {static_cast<std::uint64_t>(st.st_size), st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec};
}

/// A new name beside `base`.
inline std::string free_name(const std::string& base) {
    std::string name = base;
    for (int i = 1; inode_of(name); ++i) name = base + "." + std::to_string(i);
    return name;
}

/// True if the file system of `folder` can exchange two names.
inline bool can_exchange(const fs::path& folder) {
    const TempName a{folder / "exchange.a"}, b{folder / "exchange.b"};
    write_new_file(a.path(), {});
    write_new_file(b.path(), {});
    return exchange_paths(a.path(), b.path());
}

}  // namespace detail

/// The sidecars of an old database leave before the new one comes: beside it they would be replayed into it, since nothing in
/// a WAL or journal says whose it is. The WAL leaves last: until then the old database is complete.
inline void plan_swap(Swap& c) {
    c.left_out_sidecars = find_left_out_sidecars(c.target, c.unsaved);
    if (c.kind == "sqlite")
        for (auto suffix = kSqliteSidecars.rbegin(); suffix != kSqliteSidecars.rend(); ++suffix)
            if (inode_of(c.target + *suffix))
                c.moves.push_back(plan_move(c.target + *suffix, detail::free_name(c.staged + *suffix)));
    if (!inode_of(c.target)) {
        c.moves.push_back(plan_move(c.staged, c.target));
    } else if (detail::can_exchange(c.folder())) {
        c.moves.push_back(plan_exchange(c.staged, c.target));
    } else {
        c.moves.push_back(plan_move(c.target, detail::free_name(c.staged + ".old")));
        c.moves.push_back(plan_move(c.staged, c.target));
    }
    if (c.kind == "sqlite" && inode_of(c.target)) c.old = detail::stamp_of(c.target);
}

/// After the moves: what the backup leaves out comes along, and what else is not in the snapshot is named. Throws: io.
inline void bring_left_out(const Swap& c, std::vector<std::string>& warnings,
                           std::vector<std::string>& notes) {
    const auto kept = c.kept();
    if (c.kind != "tree" || !kept || !fs::is_directory(fs::symlink_status(*kept))) return;
    LeftOut left_out(*kept, c.target);
    left_out.carry(c.unsaved, c.left_out_sidecars);
    const std::string of = " of " + in_quotes(c.target);
    if (!left_out.carried.empty())
        notes.push_back(count_and_name(left_out.carried) + of + " " + c.unsaved.why() + " stayed in place");
    if (!left_out.stayed.empty())
        warnings.push_back(count_and_name(left_out.stayed) + of + " " + c.unsaved.why() +
                           " found no place in the restored tree and are kept in " + in_quotes(*kept) +
                           (c.unsaved.passed_over.empty() ? "; no snapshot has them" : ""));
    const auto gone = find_topmost(*kept, [&](const std::string& path) {
        return !inode_of(fs::path(c.target) / path) && !left_out.is_sidecar_of_other(path);
    });
    if (!gone.empty())
        notes.push_back(count_and_name(gone) + of + " are not in the snapshot; they are kept in " +
                        in_quotes(*kept) + ", and --undo brings them back");
}

/// The moves of several, in order.
template <class Swaps>
std::vector<Move> all_moves(const Swaps& swaps) {
    std::vector<Move> moves;
    for (const Swap& s : swaps) moves.insert(moves.end(), s.moves.begin(), s.moves.end());
    return moves;
}

}  // namespace holdfast::ops
