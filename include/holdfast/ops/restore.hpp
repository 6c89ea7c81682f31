// ops/restore.hpp - brings components back beside the live data: staged, proven, then named.
//
// Each component lands at exactly target/<component name>. Everything is first made in a private folder inside the target,
// every digest is checked, then it is synced and renamed. Until the last check passes nothing has its final name, and
// after a failure nothing is left. What --overwrite replaces may not be in use.
#pragma once

#include <sys/statvfs.h>

#include "holdfast/base/moves.hpp"
#include "holdfast/base/progress.hpp"
#include "holdfast/ops/choose_components.hpp"
#include "holdfast/ops/hold_databases.hpp"
#include "holdfast/ops/restore_file.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/tree_extract.hpp"

namespace holdfast::ops {

struct RestoreOptions {
    ComponentChoice choice;
    fs::path target;
    enum class Existing { refuse, replace } existing = Existing::refuse;
    std::chrono::seconds lock_wait{600};
    Progress::Show show = Progress::Show::never;
};

struct RestoredComponent {
    std::string name;
    std::string path;
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    bool has_replaced = false;  // something was there before
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

/// False if the globs name nothing in this tree; then nothing was made.
inline bool restore_tree(ObjectReader& reader, const Component& c, const std::vector<std::string>& globs,
                         const fs::path& staged, RestoredComponent& done, std::vector<std::string>& warnings,
                         Progress& progress) {
    TreeSelection selection(globs);
    if (!selection.is_everything()) {
        selection.learn(entries_of_component(reader, c));
        if (selection.matched() == 0) return false;
    }
    // A tree of one file holds one entry with the file's name; a directory's entries lie below it.
    const fs::path folder = c.root == RootType::directory ? staged : fs::path(staged.string() + ".d");
    if (::mkdir(folder.c_str(), 0700) != 0) throw_os("create directory " + in_quotes(folder.string()));
    ExtractReport report;
    const auto count = [&](PullBytes pull) -> PullBytes {
        return [&progress, pull = std::move(pull)](std::span<std::byte> out) {
            const std::size_t n = pull(out);
            progress.add(n);
            return n;
        };
    };
    if (selection.is_everything()) {
        report = extract_tree(count(pull_extents(reader, extents_of_component(reader, c))),
                              want_all(entries_of_component(reader, c)), folder);
    } else {
        const auto ranges = ranges_of(selection.wanted(entries_of_component(reader, c)));
        report = extract_tree(count(pull_extents(reader, slice(extents_of_component(reader, c), ranges))),
                              selection.wanted(entries_of_component(reader, c)), folder);
    }
    done.files = report.files;
    done.bytes = report.bytes;
    for (const TreeFinding& f : report.warnings)
        warnings.push_back(c.name + "/" + printable(f.path) + ": " + f.what);
    if (report.warning_count > report.warnings.size())
        warnings.push_back(c.name + ": and " + std::to_string(report.warning_count - report.warnings.size()) +
                           " more");
    if (c.root == RootType::file) {
        const std::vector<std::string> names = list_directory(folder);
        if (names.size() != 1)
            throw Error(Kind::corrupt, "component " + in_quotes(c.name) + " should be one file");
        rename_path(folder / names[0], staged);
    }
    return true;
}

/// Gives what was staged its final name. The sidecars of an old database leave before the new one comes: beside it they
/// would be replayed into it, since nothing in a WAL or journal says whose it is. Killed in between, the old database
/// lacks them; they then lie in the staging folder. The WAL leaves last: until then the old database is complete.
/// True if there was something before.
inline bool put_in_place(Moves& moves, const fs::path& staged, const fs::path& final_path, const Component& c,
                         RestoreOptions::Existing existing) {
    if (!fs::is_directory(final_path.parent_path())) make_directory(final_path.parent_path());
    const std::string aside = staged.string() + ".old";
    struct stat st {};
    bool exists = false, has_sidecar = false;
    if (existing == RestoreOptions::Existing::replace) {
        if (c.kind == "sqlite")
            for (auto suffix = kSqliteSidecars.rbegin(); suffix != kSqliteSidecars.rend(); ++suffix)
                if (::lstat((final_path.string() + *suffix).c_str(), &st) == 0) {
                    moves.move(final_path.string() + *suffix, aside + *suffix);
                    has_sidecar = true;
                }
        exists = ::lstat(final_path.c_str(), &st) == 0;
    }
    if (exists)
        moves.replace(staged, final_path, aside);
    else
        moves.move(staged, final_path);
    sync_directory(final_path.parent_path());
    return exists || has_sidecar;
}

/// Locks the databases that the components take the place of. Throws: busy, io.
inline void hold_databases(HeldDatabases& held, const std::vector<const Component*>& components,
                           const fs::path& target) {
    for (const Component* c : components)
        if (c->kind == "sqlite") held.add(target / c->name);
    held.check_unused();
}

inline constexpr std::string_view kStagingPrefix = ".holdfast-restore.";

}  // namespace detail

/// What restores that were killed left in the target; nobody but the operator can say whether it is still needed.
inline std::vector<std::string> leftovers_of_restore(const fs::path& target) {
    std::vector<std::string> paths;
    if (!fs::is_directory(target)) return paths;
    for (const std::string& name : list_directory(target))
        if (name.starts_with(detail::kStagingPrefix)) paths.push_back((target / name).string());
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

    const TempName staging{target / (std::string(detail::kStagingPrefix) + random_hex<4>())};
    make_directory(staging.path());
    RestoreReport report;
    report.snapshot = manifest.id;
    ObjectReader reader(repository);
    Progress progress(options.show);
    std::vector<std::pair<const Component*, fs::path>> staged;
    for (const Component* c : chosen) {
        progress.start(c->name, options.choice.globs.empty() ? std::optional(c->bytes) : std::nullopt);
        const fs::path path = staging.path() / std::to_string(staged.size());
        RestoredComponent done{c->name, (target / c->name).string(), c->bytes, 1};
        if (!c->is_tree())
            restore_file(reader, *c, path, FileWriter::Purpose::durable, report.warnings, progress);
        else if (!detail::restore_tree(reader, *c, options.choice.globs, path, done, report.warnings,
                                       progress))
            continue;
        staged.emplace_back(c, path);
        report.components.push_back(done);
    }
    if (staged.empty())
        throw Error(Kind::not_found, "no file of snapshot " + manifest.id + " matches the given --path",
                    "catalog files " + manifest.id + " lists what there is");
    const bool has_tree =
        std::any_of(staged.begin(), staged.end(), [](const auto& x) { return x.first->is_tree(); });
    const UniqueFd file_system = open_fd(staging.path().string(), O_RDONLY | O_DIRECTORY);
    if (has_tree && ::syncfs(file_system.get()) != 0)
        throw_os("sync the restored files");  // single files are synced
    HeldDatabases held;
    detail::hold_databases(held, chosen, target);
    Moves moves;
    for (std::size_t i = 0; i < staged.size(); ++i)
        report.components[i].has_replaced = detail::put_in_place(
            moves, staged[i].second, target / staged[i].first->name, *staged[i].first, options.existing);
    held.check_unused();  // who opened an old one in between would write into it
    moves.commit(report.warnings);
    return report;
}

}  // namespace holdfast::ops
