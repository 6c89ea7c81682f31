// ops/restore.hpp - brings components back beside the live data: staged, proven, then named.
//
// Each component lands at exactly target/<component name>. Everything is first made in a private folder inside the target,
// every digest is checked, then it is synced and renamed. Until the last check passes nothing has its final name, and
// after a failure nothing is left. What --overwrite replaces may not be in use.
#pragma once

#include <sys/statvfs.h>

#include "holdfast/base/progress.hpp"
#include "holdfast/ops/choose_components.hpp"
#include "holdfast/ops/hold_databases.hpp"
#include "holdfast/ops/stage_component.hpp"
#include "holdfast/ops/swap.hpp"
#include "holdfast/store/ledger.hpp"

namespace holdfast::ops {

struct RestoreOptions {
    ComponentChoice choice;
    fs::path target;
    enum class Existing { refuse, replace } existing = Existing::refuse;
    std::chrono::seconds lock_wait{600};
    Progress::Show show = Progress::Show::never;
};

struct RestoreReport {
    std::string snapshot;
    std::vector<RestoredComponent> components;
    std::vector<std::string> warnings;  // what could not be set: owner, mode, attributes
};

namespace detail {

/// What a component takes the place of: its path and, for a database, the sidecars of another one, which would be replayed
/// into it.
inline std::vector<std::string> places_of(const Component& c, const fs::path& final_path) {
    std::vector<std::string> paths = {final_path.string()};
    if (c.kind == "sqlite")
        for (const char* suffix : kSqliteSidecars) paths.push_back(final_path.string() + suffix);
    return paths;
}

/// The way to target/<name> may not lead through a link that somebody planted.
inline void check_destination(const fs::path& target, const Component& c, RestoreOptions::Existing existing) {
    const fs::path final_path = target / c.name;
    struct stat st {};
    if (const fs::path parent = final_path.parent_path();
        parent != target && ::lstat(parent.c_str(), &st) == 0 && !S_ISDIR(st.st_mode))
        throw Error(Kind::refused, in_quotes(parent.string()) + " is not a folder",
                    "choose another --target");
    for (const std::string& path : places_of(c, final_path))
        if (existing == RestoreOptions::Existing::refuse && ::lstat(path.c_str(), &st) == 0)
            throw Error(Kind::refused, in_quotes(path) + " exists; nothing was changed",
                        "choose an empty --target, or say --overwrite to replace it");
}

/// True if `path` is `folder` or lies below it; both canonical.
inline bool is_within(const fs::path& path, const fs::path& folder) {
    const fs::path way = path.lexically_relative(folder);
    return !way.empty() && *way.begin() != "..";
}

/// The repository may neither take in what is restored nor be replaced by it.
inline void check_repository_apart(const Repository& repository, const fs::path& target,
                                   const std::vector<const Component*>& chosen) {
    const fs::path root = fs::canonical(repository.root());
    if (is_within(target, root))
        throw Error(Kind::refused,
                    "--target " + in_quotes(target.string()) + " lies inside the repository " +
                        in_quotes(root.string()) + "; nothing was changed",
                    "choose a --target outside it");
    for (const Component* c : chosen)
        if (const fs::path place = target / c->name; is_within(root, place))
            throw Error(Kind::refused,
                        "component " + in_quotes(c->name) + " would replace " + in_quotes(place.string()) +
                            ", which holds the repository; nothing was changed",
                        "choose another --target");
}

inline void check_space(const fs::path& target, const std::vector<const Component*>& chosen,
                        const ComponentChoice& choice) {
    struct statvfs fs_facts {};
    if (!choice.globs.empty() || ::statvfs(target.c_str(), &fs_facts) != 0) return;
    std::uint64_t need = 0;
    for (const Component* c : chosen) need += c->tree ? c->tree->file_bytes : c->bytes;
    const std::uint64_t available = std::uint64_t{fs_facts.f_bavail} * fs_facts.f_frsize;
    if (need > available)
        throw Error(Kind::io,
                    "restoring needs " + format_bytes(need) + ", but " + in_quotes(target.string()) +
                        " has " + format_bytes(available) + " free; nothing was changed",
                    "choose a --target with more space, or restore fewer components");
}

/// Locks the databases that the components take the place of. Throws: busy, io.
inline void hold_databases(HeldDatabases& held, const std::vector<const Component*>& components,
                           const fs::path& target) {
    for (const Component* c : components)
        if (c->kind == "sqlite") held.add(target / c->name);
    held.check_unused();
}

}  // namespace detail

/// What restores that were killed left in the target; nobody but the operator can say whether it is still needed.
inline std::vector<std::string> leftovers_of_restore(const fs::path& target) {
    std::vector<std::string> paths;
    if (!fs::is_directory(target)) return paths;
    for (const std::string& name : list_directory(target))
        if (name.starts_with(kStagingPrefix)) paths.push_back((target / name).string());
    return paths;
}

/// What can be said before anything is made; returns the canonical target, which need not exist. Throws: not_found,
/// refused, io.
inline fs::path check_restore(const Repository& repository, const std::vector<const Component*>& chosen,
                              const RestoreOptions& options) {
    if (!options.choice.globs.empty() && options.existing == RestoreOptions::Existing::replace)
        throw Error(Kind::refused,
                    "--path restores parts, and --overwrite would replace the whole component with them",
                    "restore the parts into an empty --target and copy them from there");
    fs::path target = fs::weakly_canonical(fs::absolute(options.target).lexically_normal());
    detail::check_repository_apart(repository, target, chosen);
    for (const Component* c : chosen) detail::check_destination(target, *c, options.existing);
    return target;
}

/// Throws: not_found, refused, corrupt, io, busy.
inline RestoreReport restore(const Repository& repository, const Manifest& manifest,
                             const RestoreOptions& options) {
    const FileLock lock = repository.lock(LockMode::shared, options.lock_wait);
    const std::vector<const Component*> chosen = choose_components(manifest, options.choice);
    const fs::path target = check_restore(repository, chosen, options);
    make_directories(target);
    detail::check_space(target, chosen, options.choice);
    {
        HeldDatabases now;  // known before hours of work, but not locked for so long
        detail::hold_databases(now, chosen, target);
    }

    const TempName staging{target / (std::string(kStagingPrefix) + random_hex<4>())};
    make_directory(staging.path());
    RestoreReport report;
    report.snapshot = manifest.id;
    ObjectReader reader(repository);
    Progress progress(options.show);
    std::vector<Swap> swaps;
    bool has_tree = false;
    for (const Component* c : chosen) {
        const fs::path path = staging.path() / std::to_string(swaps.size());
        RestoredComponent done{c->name, (target / c->name).string()};
        if (!stage_component(reader, *c, options.choice.globs, path, done, report.warnings, progress))
            continue;
        swaps.push_back({c->kind, done.path, path.string(), std::nullopt, {}});
        report.components.push_back(done);
        has_tree = has_tree || c->is_tree();
    }
    if (swaps.empty())
        throw Error(Kind::not_found, "no file of snapshot " + manifest.id + " matches the given --path",
                    "catalog files " + manifest.id + " lists what there is");
    if (has_tree) sync_staged(staging.path());  // single files are synced
    HeldDatabases held;
    detail::hold_databases(held, chosen, target);
    for (std::size_t i = 0; i < swaps.size(); ++i) {
        make_directories(fs::path(swaps[i].target).parent_path());  // of source/file
        if (options.existing == RestoreOptions::Existing::refuse)
            swaps[i].moves = {plan_move(swaps[i].staged, swaps[i].target)};
        else
            plan_swap(swaps[i]);
        report.components[i].has_replaced = swaps[i].replaces_something();
    }
    const std::vector<Move> moves = all_moves(swaps);
    carry_out(moves);
    try {
        held.check_unused();  // who opened an old one in between would write into it
    } catch (const Error&) {
        take_back(moves);
        throw;
    }
    return report;
}

}  // namespace holdfast::ops
