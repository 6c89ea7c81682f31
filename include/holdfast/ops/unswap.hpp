// ops/unswap.hpp - the way back of a swap, planned from what is in the file system now.
//
// Between a swap and its undo others may have done anything: written to either database, deleted the target, put something
// else there. So each undo, also one that goes on after a crash, looks anew: where is the old one kept, what lies at the target.
// Whatever lies there is kept aside, and sidecars never stand beside a database that they are not of.
#pragma once

#include "holdfast/ops/swap.hpp"

namespace holdfast::ops {

namespace detail {

/// What the present sidecars of the target become: `mark` is part of their new names. Those that a move of the swap knows stay.
inline void plan_sidecars_away(const Swap& c, const std::string& mark, std::vector<Move>& out) {
    for (auto suffix = kSqliteSidecars.rbegin(); suffix != kSqliteSidecars.rend(); ++suffix) {
        const auto inode = inode_of(c.target + *suffix);
        if (inode &&
            std::none_of(c.moves.begin(), c.moves.end(), [&](const Move& m) { return m.inode == *inode; }))
            out.push_back(plan_move(c.target + *suffix, free_name(c.staged + mark + *suffix)));
    }
}

/// The old sidecars go back beside the old database, if they still fit.
inline void plan_sidecars_back(const Swap& c, bool is_old_there, std::vector<Move>& out,
                               std::vector<std::string>& warnings) {
    std::vector<Move> back;
    for (auto move = c.moves.rbegin(); move != c.moves.rend(); ++move)
        if (c.is_of_sidecar(*move) && has_happened(*move)) back.push_back(reversed(*move));
    if (back.empty()) return;
    if (is_old_there && c.old && inode_of(c.target) && stamp_of(c.target) != *c.old) {
        for (const Move& m : back)
            if (!m.to.ends_with("-shm"))
                warnings.push_back("the old database " + in_quotes(c.target) +
                                   " was written to after the interruption, so " + in_quotes(m.from) +
                                   " no longer fits to it and stays where it is");
        return;
    }
    if (is_old_there) {
        const std::size_t before = out.size();
        plan_sidecars_away(c, ".stray", out);  // of whoever opened it in between
        for (std::size_t i = before; i < out.size(); ++i)
            if (!out[i].from.ends_with("-shm") && stamp_of(out[i].from).size > 0)
                warnings.push_back("what was written to " + in_quotes(c.target) +
                                   " after the interruption is kept in " + in_quotes(out[i].to));
    }
    out.insert(out.end(), back.begin(), back.end());
}

}  // namespace detail

/// The moves that give the target its old state again; none if it has it. Throws: refused if the old state is gone.
inline std::vector<Move> plan_undo(const Swap& c, std::vector<std::string>& warnings) {
    std::vector<Move> undo;
    const std::optional<std::string> kept = c.kept();
    const auto present = inode_of(c.target);
    if (!kept && c.is_swapped() && c.replaces_something() && present != c.old_inode())
        throw Error(
            Kind::refused,
            "what lay at " + in_quotes(c.target) + " before is no longer in " +
                in_quotes(c.folder().string()),
            "somebody removed it: restore the emergency snapshot, which --pending names; --accept --force "
            "gives the restore up");
    const bool takes_away = kept || (c.is_swapped() && !c.replaces_something() && present);
    if (c.kind == "sqlite" && takes_away) detail::plan_sidecars_away(c, ".restored", undo);
    if (kept && present && c.moves.back().is_exchange()) {
        undo.push_back(plan_exchange(*kept, c.target));
    } else {
        if (takes_away && present) undo.push_back(plan_move(c.target, detail::free_name(c.staged)));
        if (kept) undo.push_back(plan_move(*kept, c.target));
    }
    if (c.kind == "sqlite") detail::plan_sidecars_back(c, !takes_away, undo, warnings);
    return undo;
}

/// Carries out what plan_undo() said, after what the backup leaves out. A failure before the target has its old content takes back what was done; after it
/// nothing is taken back, since an application may have opened the old one already. Throws: io, refused.
inline void undo_swap(const Swap& c, std::vector<std::string>& warnings) {
    const std::vector<Move> undo = plan_undo(c, warnings);
    if (const auto kept = c.kept(); kept && fs::is_directory(fs::symlink_status(*kept))) {
        LeftOut back(c.target, *kept);
        back.carry(c.unsaved, c.left_out_sidecars);
        if (!back.stayed.empty())
            warnings.push_back(count_and_name(back.stayed) + " of " + in_quotes(c.target) + " " +
                               c.unsaved.why() + " found no place in the old tree and are kept aside");
    }
    const auto content_end = std::find_if(undo.rbegin(), undo.rend(), [&](const Move& m) {
                                 return m.from == c.target || m.to == c.target;
                             }).base();
    carry_out(std::vector<Move>(undo.begin(), content_end));
    for (auto move = content_end; move != undo.end(); ++move) carry_out(*move);
    restore_modes(undo);
    restore_modes(c.moves);  // of one that was interrupted
}

}  // namespace holdfast::ops
