// policy/command_trust.hpp - may this configuration name commands that we are going to run?
//
// Whoever can write the file, or swap it in its folder, could run anything as us. So the file must belong
// to root or to us and be writable by its owner alone; the same holds for its folder, where a
// sticky folder (/tmp) is accepted: there only the owner of a file can replace it. Pure: facts come in.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>

#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"

namespace holdfast {

struct PathFacts {
    std::string path;
    uid_t owner = 0;
    mode_t mode = 0;
};

struct Distrust {
    std::string reason;  // "others may write '/etc/x.toml'"
    std::string fix;     // the command that repairs it
};

namespace detail {
inline std::optional<Distrust> distrust_of(const PathFacts& facts, uid_t ours, bool sticky_is_fine) {
    if (facts.owner != 0 && facts.owner != ours)
        return Distrust{in_quotes(facts.path) + " belongs to user " + std::to_string(facts.owner) +
                            ", neither to root nor to user " + std::to_string(ours) + ", who runs this",
                        "chown " + std::to_string(ours) + " " + in_quotes(facts.path)};
    const bool others = (facts.mode & S_IWOTH) != 0;
    if ((!others && (facts.mode & S_IWGRP) == 0) || (sticky_is_fine && (facts.mode & S_ISVTX) != 0))
        return std::nullopt;
    return Distrust{(others ? "anybody may write " : "its group may write ") + in_quotes(facts.path),
                    "chmod go-w " + in_quotes(facts.path)};
}
}  // namespace detail

/// Nothing if commands may run; `ours` is the effective user id.
inline std::optional<Distrust> distrust_commands(const PathFacts& file, const PathFacts& folder, uid_t ours) {
    if (auto distrust = detail::distrust_of(file, ours, false)) return distrust;
    return detail::distrust_of(folder, ours, true);
}

/// Throws: refused, with the repairing command as the hint.
inline void require_trusted_commands(const PathFacts& file, const PathFacts& folder, uid_t ours) {
    if (const auto distrust = distrust_commands(file, folder, ours))
        throw Error(Kind::refused,
                    in_quotes(file.path) + " names commands, and they do not run: " + distrust->reason,
                    distrust->fix);
}

}  // namespace holdfast
