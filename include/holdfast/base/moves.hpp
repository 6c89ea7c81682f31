// base/moves.hpp - renames that are planned before they happen: all of them, or it is as if none had.
//
// Each names the thing that moves by its inode. So whether it happened is seen in the file system itself, and whoever reads
// the plan after a crash can finish it or take it back. Folders that their owner may not write are moved too, and have
// their mode again at the end.
#pragma once

#include <vector>

#include "holdfast/base/disk.hpp"
#include "holdfast/base/text.hpp"

namespace holdfast {

struct Move {
    std::string from, to;
    std::uint64_t inode = 0;                   // of what lies at `from` before, at `to` after
    std::optional<std::uint64_t> other_inode;  // exchange: of what lies at `to` before, at `from` after
    // Of folders that their owner may not write: opened for the move, set again after the last one.
    std::optional<std::uint32_t> mode, other_mode;

    bool is_exchange() const { return other_inode.has_value(); }
    bool operator==(const Move&) const = default;
};

/// The inode of the entry itself, no link followed; nothing if there is none.
inline std::optional<std::uint64_t> inode_of(const fs::path& path) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) return std::nullopt;
    return st.st_ino;
}

namespace detail {

inline std::optional<std::uint32_t> locked_mode(const fs::path& path) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode) || (st.st_mode & S_IWUSR) != 0)
        return std::nullopt;
    return st.st_mode & 07777U;
}

inline void open_folder(const std::string& path, const std::optional<std::uint32_t>& mode) {
    if (mode && ::chmod(path.c_str(), *mode | S_IRWXU) != 0) throw_os("set the mode of " + in_quotes(path));
}

}  // namespace detail

/// `from` exists; `to` is free when it is carried out, or the move fails. Throws: io.
inline Move plan_move(const fs::path& from, const fs::path& to) {
    const auto inode = inode_of(from);
    if (!inode) throw_os("look at " + in_quotes(from.string()));
    return {from.string(), to.string(), *inode, std::nullopt, detail::locked_mode(from), std::nullopt};
}

/// Both exist. At every instant `b` is the whole old or the whole new one.
inline Move plan_exchange(const fs::path& a, const fs::path& b) {
    Move move = plan_move(a, b);
    move.other_inode = inode_of(b);
    if (!move.other_inode) throw_os("look at " + in_quotes(b.string()));
    move.other_mode = detail::locked_mode(b);
    return move;
}

inline bool has_happened(const Move& move) { return inode_of(move.to) == move.inode; }

/// Does it, or finds it done. Throws: io; refused if somebody else moved things.
inline void carry_out(const Move& move) {
    if (has_happened(move)) return;
    if (inode_of(move.from) != move.inode || (move.is_exchange() && inode_of(move.to) != move.other_inode))
        throw Error(Kind::refused,
                    "what should move from " + in_quotes(move.from) + " to " + in_quotes(move.to) +
                        " is at neither place any more: somebody else changed it",
                    "look at both places, and move by hand what belongs elsewhere");
    detail::open_folder(move.from, move.mode);
    detail::open_folder(move.to, move.other_mode);
    if (move.is_exchange()) {
        if (!exchange_paths(move.from, move.to))
            throw Error(Kind::io, "the file system of " + in_quotes(move.to) + " cannot exchange names");
    } else if (::renameat2(AT_FDCWD, move.from.c_str(), AT_FDCWD, move.to.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno != EINVAL) throw_os("rename " + in_quotes(move.from) + " to " + in_quotes(move.to));
        rename_path(move.from, move.to);  // a file system without NOREPLACE
    }
    sync_directory(fs::path(move.from).parent_path());
    sync_directory(fs::path(move.to).parent_path());
}

/// The same move backwards.
inline Move reversed(const Move& move) {
    if (move.is_exchange())
        return {move.from, move.to, *move.other_inode, move.inode, move.other_mode, move.mode};
    return {move.to, move.from, move.inode, std::nullopt, move.mode, std::nullopt};
}

/// Gives folders their modes again; after the last move. That it could not is no reason to take everything back.
inline void restore_modes(const std::vector<Move>& moves) noexcept {
    for (const Move& move : moves) {
        const bool happened = has_happened(move);
        if (move.mode) ::chmod((happened ? move.to : move.from).c_str(), *move.mode);
        if (move.other_mode) ::chmod((happened ? move.from : move.to).c_str(), *move.other_mode);
    }
}

/// Those that happened, last one first. Throws: io, refused.
inline void take_back(const std::vector<Move>& moves) {
    for (auto move = moves.rbegin(); move != moves.rend(); ++move)
        if (has_happened(*move)) carry_out(reversed(*move));
    restore_modes(moves);
}

/// All of them, or it is as if none had: what was done is taken back before the error goes on. Throws: io, refused.
inline void carry_out(const std::vector<Move>& moves) {
    try {
        for (const Move& move : moves) carry_out(move);
    } catch (const Error&) {
        take_back(moves);
        throw;
    }
    restore_modes(moves);
}

}  // namespace holdfast
