// ops/in_place_plan.hpp - what a restore in place is asked, and the renames that will do it.
#pragma once

#include "holdfast/ops/in_place_target.hpp"
#include "holdfast/policy/config.hpp"

namespace holdfast::ops {

struct InPlaceOptions {
    ComponentChoice choice;
    std::string to;          // instead of its own place; one component only
    bool is_online = false;  // databases are rewritten inside a transaction instead of being exchanged
    bool is_forced = false;  // although somebody has it open, or a check failed
    bool takes_emergency = true;
    std::vector<SourceConfig> sources;  // of the configuration: checks, and how the present state is captured
    int level = 3;
    bool private_names = false;  // of the emergency snapshot, as are the next two: see SnapOptions
    std::optional<Digest> certificate{};
    std::string signing_key{};
    std::chrono::seconds busy_timeout{30};
    std::chrono::seconds lock_wait{600};
    Progress::Show show = Progress::Show::never;

    InUse in_use() const { return is_forced ? InUse::ignore : InUse::refuse; }
};

namespace detail {

/// True if the configuration, which may have changed since the snapshot, still captures this place under this source.
inline bool covers(const SourceConfig& source, const Component& c, const fs::path& place) {
    return word_for(source.kind) == c.kind &&
           std::any_of(source.paths.begin(), source.paths.end(), [&](const std::string& path) {
               return glob_match(path, place.string()) || glob_match(path, c.path);
           });
}

/// The source that captures this place now; null if there is none, or another one has its name.
inline const SourceConfig* source_of(const Component& c, const fs::path& place,
                                     const std::vector<SourceConfig>& configured) {
    const auto known = std::find_if(configured.begin(), configured.end(),
                                    [&](const SourceConfig& s) { return s.name == c.source; });
    const bool is_own = place == fs::weakly_canonical(c.path);
    return is_own && known != configured.end() && covers(*known, c, place) ? &*known : nullptr;
}

/// What the snapshot lacks of a tree, by the configuration as it is now. An emergency snapshot has old files as well.
inline Unsaved unsaved_of(const Manifest& manifest, const SourceConfig& source, const fs::path& tree) {
    Unsaved out{source.exclude, {}};
    constexpr std::chrono::seconds kGrain{1};  // of the manifest's time
    if (source.newer_than && manifest.type != word_for(SnapshotType::emergency) &&
        fs::is_directory(fs::symlink_status(tree)))
        for (const std::string& path : find_older(tree, manifest.started - *source.newer_than + kGrain))
            out.passed_over.push_back(json_text(path));
    std::sort(out.passed_over.begin(), out.passed_over.end());
    return out;
}

/// Sources that capture what lies at the targets now: as the configuration does it, if it is its own place, but whole.
inline std::vector<SourceConfig> sources_of_targets(const RestoreJournal& journal, const Manifest& manifest,
                                                    const std::vector<SourceConfig>& configured) {
    std::map<std::string, SourceConfig> by_name;
    std::map<std::string, bool> is_own_place;
    for (const JournalComponent& jc : journal.components) {
        if (!inode_of(jc.target)) continue;  // lost: there is nothing to keep
        const Component& c = *manifest.find(jc.name);
        const auto known = std::find_if(configured.begin(), configured.end(),
                                        [&](const SourceConfig& s) { return s.name == c.source; });
        SourceConfig& source = by_name[c.source];
        is_own_place.try_emplace(c.source, true);
        if (source.name.empty() && known != configured.end()) source = *known;
        source.newer_than.reset();
        if (source_of(c, jc.target, configured) == nullptr) is_own_place[c.source] = false;
        source.name = c.source;
        source.kind = parse_word<SourceKind>(c.kind).value_or(SourceKind::tree);
        source.source_class = parse_word<SourceClass>(c.source_class).value_or(SourceClass::data);
    }
    std::vector<SourceConfig> out;
    for (auto& [name, source] : by_name) {
        if (!is_own_place[name]) {
            source.paths.clear();
            for (const JournalComponent& jc : journal.components)
                if (jc.source == name && inode_of(jc.target)) source.paths.push_back(quote_glob(jc.target));
        }
        out.push_back(source);
    }
    return out;
}

/// The component of a snapshot that was captured from this place; null if there is none.
inline const Component* find_captured(const Manifest& manifest, const fs::path& place) {
    for (const Component& c : manifest.components)
        if (!c.path.empty() && fs::weakly_canonical(c.path) == place) return &c;
    return nullptr;
}

inline bool overlap(const fs::path& a, const fs::path& b) { return is_within(a, b) || is_within(b, a); }

/// Two restores of one place at a time would take each other's old state.
inline void check_not_with(const RestoreJournal& other, const JournalComponent& a,
                           const JournalComponent& mine) {
    const bool is_over = other.state == RestoreState::restored || other.state == RestoreState::undone;
    if (!is_over && overlap(a.target, mine.target))
        throw Error(
            Kind::refused,
            "an earlier restore (" + other.id + ") of " + in_quotes(a.target) +
                " was interrupted; nothing was changed",
            "restore --resume " + other.id + " finishes it, restore --undo " + other.id + " takes it back");
    if (is_over && inode_of(a.folder()) && is_within(a.folder(), mine.target))
        throw Error(
            Kind::refused,
            "restore " + other.id + " keeps what it replaced below " + in_quotes(mine.target) +
                ", from where it would move away; nothing was changed",
            "restore --accept " + other.id + " gives it up, restore --undo " + other.id + " brings it back");
}

inline void check_no_other(const Repository& repository, const RestoreJournal& mine) {
    for (const RestoreJournal& other : list_journals(repository))
        for (const JournalComponent& a : other.components)
            for (const JournalComponent& b : mine.components)
                if (other.id != mine.id) check_not_with(other, a, b);
}

}  // namespace detail

/// What would be replaced. Throws: not_found, refused, usage.
inline RestoreJournal plan_in_place(const Repository& repository, const Manifest& manifest,
                                    const InPlaceOptions& options) {
    if (!options.choice.globs.empty())
        throw Error(Kind::refused, "--path restores parts, and --in-place replaces whole components",
                    "restore the parts with --target and copy them from there");
    const std::vector<const Component*> chosen = choose_components(manifest, options.choice);
    if (!options.to.empty() && chosen.size() != 1)
        throw Error(
            Kind::usage,
            "--to says where one component goes, but " + std::to_string(chosen.size()) + " are chosen",
            "name it with --component");
    if (options.is_online && chosen.size() != 1)
        throw Error(
            Kind::usage,
            "--online rewrites one database, but " + std::to_string(chosen.size()) + " components are chosen",
            "name it with --component");
    RestoreJournal journal;
    journal.snapshot = manifest.id;
    journal.started = now_utc();
    journal.is_online = options.is_online;
    journal.id = format_time(journal.started, "%Y%m%dT%H%M%SZ-") + random_hex<3>();
    for (const Component* c : chosen) {
        const fs::path target = detail::place_for(*c, options.to);
        if (options.is_online && c->kind != "sqlite")
            throw Error(Kind::refused,
                        "--online is about SQLite databases; " + in_quotes(c->name) + " is none",
                        "name the database with --component");
        if (options.is_online && !inode_of(target))
            throw Error(Kind::not_found, "there is no database at " + in_quotes(target.string()),
                        "restore it without --online");
        const fs::path folder = target.parent_path() / (std::string(kStagingPrefix) + journal.id);
        const fs::path staged = folder / std::to_string(journal.components.size());
        journal.components.push_back({{c->kind, target.string(), staged.string()}, c->name, c->source});
        if (const SourceConfig* source = detail::source_of(*c, target, options.sources))
            journal.components.back().unsaved = detail::unsaved_of(manifest, *source, target);
    }
    const fs::path root = fs::canonical(repository.root());
    for (const JournalComponent& c : journal.components)
        if (detail::is_within(c.target, root) || detail::is_within(root, c.target))
            throw Error(Kind::refused,
                        in_quotes(c.target) + " and the repository " + in_quotes(root.string()) +
                            " lie inside each other; nothing was changed",
                        "restore with --target");
    const fs::path memory = fs::weakly_canonical(restores_folder(repository));
    for (const JournalComponent& c : journal.components)
        if (detail::is_within(memory, c.target))
            throw Error(Kind::refused,
                        "the journals of restores (" + in_quotes(memory.string()) + ") lie inside " +
                            in_quotes(c.target) + " and would be replaced with it; nothing was changed",
                        "set XDG_STATE_HOME to a folder outside, or restore with --target");
    return journal;
}

}  // namespace holdfast::ops
