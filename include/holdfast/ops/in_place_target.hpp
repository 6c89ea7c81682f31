// ops/in_place_target.hpp - what a restore in place would replace, and whether it may.
//
// Everything here looks and changes nothing.
#pragma once

#include "holdfast/base/mounts.hpp"
#include "holdfast/ops/choose_components.hpp"
#include "holdfast/ops/hold_databases.hpp"
#include "holdfast/ops/restore.hpp"
#include "holdfast/ops/restore_journal.hpp"

namespace holdfast::ops {

enum class InUse { refuse, ignore };

namespace detail {

/// Where a path leads, also through a link to what is not there (any more). Throws: refused (links in a circle).
inline fs::path led_to(fs::path path) {
    for (int links = 0; links < 40; ++links) {
        path = fs::weakly_canonical(path.has_filename() ? path : path.parent_path());
        if (!fs::is_symlink(path)) return path;
        path = path.parent_path() / fs::read_symlink(path);
    }
    throw Error(Kind::refused, in_quotes(path.string()) + " is a link that leads to itself");
}

/// Where a component goes: the place it was captured from, links followed, since SQLite and applications follow them.
inline fs::path place_for(const Component& c, const std::string& instead) {
    if (instead.empty() && c.path.empty())
        throw Error(
            Kind::refused,
            "component " + in_quotes(c.name) + " is what a command printed; it has no place of its own",
            "restore it with --target or --stdout and load it with the program that made it");
    if (instead.empty() && c.path.find("\\x") != std::string::npos)  // the manifest has such names escaped
        throw Error(Kind::refused, "the path of component " + in_quotes(c.name) + " is not UTF-8",
                    "say where it goes with --to PATH");
    const fs::path place = led_to(fs::absolute(instead.empty() ? c.path : instead));
    if (!is_utf8(place.string()))
        throw Error(Kind::refused, "the path " + in_quotes(place.string()) + " is not UTF-8",
                    "restore it with --target and move it");
    if (!fs::is_directory(place.parent_path()))
        throw Error(
            Kind::not_found,
            "the folder " + in_quotes(place.parent_path().string()) + " does not exist; nothing was changed",
            "make it with the right owner and mode, or restore with --target");
    return place;
}

/// One rename must be able to replace it.
inline void check_replaceable(const Component& c, const fs::path& target) {
    struct stat st {
    }, parent{};
    if (::stat(target.parent_path().c_str(), &parent) != 0)
        throw_os("look at " + in_quotes(target.parent_path().string()));
    if (::access(target.parent_path().c_str(), W_OK | X_OK) != 0)
        throw_os("write into " + in_quotes(target.parent_path().string()) + "; nothing was changed");
    if (::lstat(target.c_str(), &st) != 0) return;
    const bool wants_folder = c.is_tree() && c.root == RootType::directory;
    if (S_ISDIR(st.st_mode) != wants_folder)
        throw Error(Kind::refused,
                    in_quotes(target.string()) + " is " + (wants_folder ? "not a folder" : "a folder") +
                        ", component " + in_quotes(c.name) + " is " + (wants_folder ? "one" : "a file") +
                        "; nothing was changed",
                    "move it away first, or restore with --target");
    const std::vector<std::string> mounts = mount_points_in(target);
    if (st.st_dev != parent.st_dev || (!mounts.empty() && mounts[0] == target))
        throw Error(Kind::refused,
                    in_quotes(target.string()) +
                        " is a mount point, which cannot be exchanged as a whole; nothing was changed",
                    "restore with --target into a folder on that file system and move its entries");
    if (!mounts.empty())  // it would move away with the old tree, and --accept would empty it
        throw Error(Kind::refused,
                    in_quotes(mounts[0]) + " is mounted below " + in_quotes(target.string()) +
                        " and would move away with it; nothing was changed",
                    "umount " + mounts[0] + " first, or restore with --target");
}

inline void check_apart(const std::vector<JournalComponent>& components) {
    for (const JournalComponent& a : components)
        for (const JournalComponent& b : components)
            if (&a != &b && is_within(a.target, b.target))
                throw Error(Kind::refused,
                            "component " + in_quotes(a.name) + " lies inside component " + in_quotes(b.name) +
                                "; nothing was changed",
                            "restore them one after the other: --component " + b.name +
                                ", then --component " + a.name);
}

}  // namespace detail

/// Keeps applications out of what is replaced for as long as it lives: databases are locked, and nobody may have a file of a
/// tree open.
class HeldTargets {
public:
    /// Throws: refused (naming who), io.
    HeldTargets(const std::vector<JournalComponent>& components, InUse in_use)
        : components_(components), in_use_(in_use) {
        if (in_use_ == InUse::ignore) return;
        refuse([&] {
            for (const JournalComponent& c : components_)
                if (c.kind == "sqlite") databases_.add(c.target);
        });
        check_unused();
    }
    /// Throws refused if somebody opened one of them meanwhile.
    void check_unused() const {
        if (in_use_ == InUse::ignore) return;
        refuse([&] { databases_.check_unused(); });
        for (const JournalComponent& c : components_)
            if (const auto holder = c.kind == "sqlite" ? std::nullopt : find_holder_below(c.target))
                throw Error(Kind::refused,
                            in_quotes(c.target) + " is in use: " + describe_process(holder->pid) + " has " +
                                in_quotes(holder->path) + "; nothing was changed",
                            kHint);
    }

private:
    static constexpr const char* kHint =
        "stop the application that uses it, then run it again; --force goes on, and what the application "
        "writes "
        "from then on is lost";

    template <class Body>
    static void refuse(Body body) {
        try {
            body();
        } catch (const Error& e) {
            if (e.kind() != Kind::busy) throw;
            throw Error(Kind::refused, e.what(), kHint);
        }
    }

    const std::vector<JournalComponent>& components_;
    InUse in_use_;
    HeldDatabases databases_;
};

}  // namespace holdfast::ops
