// ops/restore_journal.hpp - what a restore in place is doing, on stable storage before it does it.
//
// One small file per restore on the host, beside the memory of the repository. Every change replaces it as a whole. It goes
// when the restore failed before anything changed, or when somebody accepts the result; until then the old state
// is kept and --undo brings it back.
#pragma once

#include "holdfast/base/lock.hpp"
#include "holdfast/ops/stage_component.hpp"
#include "holdfast/ops/unswap.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/manifest.hpp"
#include "holdfast/store/snapshot_index.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast::ops {

/// staging: nothing has changed yet. swapping: the moves are under way. restored: all done. undoing, undone: back again.
enum class RestoreState { staging, swapping, restored, undoing, undone };

struct JournalComponent : Swap {
    std::string name, source;
};

struct RestoreJournal {
    std::string id;            // like a snapshot's
    std::uint64_t number = 0;  // their order, whatever the clock said
    std::string undoes;        // the restore whose --undo this is; empty: none
    std::string snapshot;
    std::string emergency;  // the snapshot of what was replaced; empty: none
    RestoreState state = RestoreState::staging;
    bool is_online = false;
    SystemSeconds started{};
    std::vector<JournalComponent> components;
};

namespace detail {

inline constexpr std::array<const char*, 5> kRestoreStates = {"staging", "swapping", "restored", "undoing",
                                                              "undone"};

inline constexpr std::uint64_t kMaxJournalBytes = 16_MiB;

inline Json json_of(const std::vector<Move>& moves) {
    Json list = Json::array();
    for (const Move& m : moves) {
        Json one = {{"from", m.from}, {"to", m.to}, {"inode", m.inode}};
        if (m.other_inode) one["other_inode"] = *m.other_inode;
        if (m.mode) one["mode"] = *m.mode;
        if (m.other_mode) one["other_mode"] = *m.other_mode;
        list.push_back(one);
    }
    return list;
}

inline std::vector<Move> moves_of(const Json& list, const std::string& what) {
    std::vector<Move> moves;
    for (const Json& json : list) {
        const JsonFields f(json, what);
        Move m{f.text("from"), f.text("to"), f.number("inode"), {}, {}, {}};
        if (f.find("other_inode") != nullptr) m.other_inode = f.number("other_inode");
        if (f.find("mode") != nullptr) m.mode = static_cast<std::uint32_t>(f.number("mode"));
        if (f.find("other_mode") != nullptr)
            m.other_mode = static_cast<std::uint32_t>(f.number("other_mode"));
        moves.push_back(m);
    }
    return moves;
}

}  // namespace detail

/// Where the journals of a repository's restores lie.
inline fs::path restores_folder(const Repository& repository) {
    return host_folder("XDG_STATE_HOME", "/var/lib", ".local/state") / (repository.id() + ".restores");
}
inline fs::path journal_path(const Repository& repository, const std::string& id) {
    return restores_folder(repository) / (id + ".json");
}

/// Durable when it returns. Throws: io.
inline void write_journal(const Repository& repository, const RestoreJournal& journal) {
    Json components = Json::array();
    for (const JournalComponent& c : journal.components) {
        Json one = {{"name", c.name},
                    {"source", c.source},
                    {"kind", c.kind},
                    {"target", c.target},
                    {"staged", c.staged}};
        if (c.old) one["old"] = {{"size", c.old->size}, {"mtime_ns", c.old->mtime_ns}};
        one["moves"] = detail::json_of(c.moves);
        if (!c.unsaved.exclude.empty()) one["exclude"] = c.unsaved.exclude;
        if (!c.unsaved.passed_over.empty()) one["passed_over"] = c.unsaved.passed_over;
        for (const auto& [path, inode] : c.left_out_sidecars)
            one["left_out_sidecars"][json_text(path)] = inode;
        components.push_back(one);
    }
    const Json json = {{"restore", journal.id},
                       {"number", journal.number},
                       {"repository", repository.id()},
                       {"snapshot", journal.snapshot},
                       {"emergency", journal.emergency},
                       {"state", detail::kRestoreStates.at(static_cast<std::size_t>(journal.state))},
                       {"online", journal.is_online},
                       {"started_utc", format_utc(journal.started)},
                       {"undoes", journal.undoes},
                       {"components", components}};
    const std::string text = dump_json(json, 2) + "\n";
    if (text.size() > detail::kMaxJournalBytes)
        throw Error(Kind::refused,
                    "restore " + journal.id + " leaves too many files in place to note them all",
                    "restore with --target, and copy what is needed from there");
    publish_file(journal_path(repository, journal.id), as_bytes(text));
}

/// Throws: corrupt, io, not_found.
inline RestoreJournal read_journal(const Repository& repository, const std::string& id) {
    const fs::path path = journal_path(repository, id);
    const std::string what = "journal '" + path.string() + "'";
    const std::optional<std::string> text = read_file_if_any(path, detail::kMaxJournalBytes);
    if (!text)
        throw Error(Kind::not_found, "there is no restore " + id,
                    "restore --pending lists what can be undone");
    const Json json = parse_json(*text, what);
    const JsonFields f(json, what);
    RestoreJournal journal;
    journal.id = f.text("restore");
    journal.number = f.number("number");
    journal.undoes = f.text("undoes");
    journal.snapshot = f.text("snapshot");
    journal.emergency = f.text("emergency");
    const auto state =
        std::find(detail::kRestoreStates.begin(), detail::kRestoreStates.end(), f.text("state"));
    if (journal.id != id || state == detail::kRestoreStates.end()) f.fail("state", "is not one we know");
    journal.state = static_cast<RestoreState>(state - detail::kRestoreStates.begin());
    journal.is_online = f.at("online") == true;
    const auto started = parse_utc(f.text("started_utc"));
    if (!started) f.fail("started_utc", "is not a time");
    journal.started = *started;
    for (const Json& one : f.array("components")) {
        const JsonFields c(one, what);
        JournalComponent component{
            {c.text("kind"), c.text("target"), c.text("staged")}, c.text("name"), c.text("source")};
        if (c.find("old") != nullptr) {
            const JsonFields old(c.at("old"), what);
            component.old = FileStamp{old.number("size"), old.signed_number("mtime_ns")};
        }
        component.moves = detail::moves_of(c.array("moves"), what);
        if (c.find("exclude") != nullptr)
            for (const Json& pattern : c.array("exclude"))
                if (pattern.is_string()) component.unsaved.exclude.push_back(pattern.get<std::string>());
        if (c.find("passed_over") != nullptr)
            for (const Json& old : c.array("passed_over"))
                if (old.is_string()) component.unsaved.passed_over.push_back(old.get<std::string>());
        if (c.find("left_out_sidecars") != nullptr)
            for (const auto& [sidecar, inode] : c.at("left_out_sidecars").items())
                if (inode.is_number_unsigned())
                    component.left_out_sidecars[sidecar] = inode.get<std::uint64_t>();
        journal.components.push_back(std::move(component));
    }
    return journal;
}

/// The ids of those that begin with `prefix`. Throws: io.
inline std::vector<std::string> journal_ids(const Repository& repository, const std::string& prefix = "") {
    std::vector<std::string> ids;
    const fs::path folder = restores_folder(repository);
    std::error_code error;
    if (fs::status(folder, error).type() == fs::file_type::not_found) return ids;
    if (error) throw OsError(error.value(), "look at " + in_quotes(folder.string()));
    for (const std::string& name : list_directory(folder))
        if (name.ends_with(".json") && name.starts_with(prefix) &&
            is_snapshot_id(name.substr(0, name.size() - 5)))
            ids.push_back(name.substr(0, name.size() - 5));
    return ids;
}

namespace detail {
inline void sort_by_number(std::vector<RestoreJournal>& journals) {
    std::stable_sort(journals.begin(), journals.end(),
                     [](const RestoreJournal& a, const RestoreJournal& b) { return a.number < b.number; });
}
}  // namespace detail

/// Oldest first; only those that begin with `prefix` are read. Throws: io, corrupt.
inline std::vector<RestoreJournal> list_journals(const Repository& repository,
                                                 const std::string& prefix = "") {
    std::vector<RestoreJournal> journals;
    for (const std::string& id : journal_ids(repository, prefix)) try {
            journals.push_back(read_journal(repository, id));
        } catch (const Error& e) {
            if (e.kind() != Kind::corrupt) throw;
            throw Error(e.kind(), e.what(),
                        "old data may be in folders " + std::string(kStagingPrefix) + id +
                            " beside what it replaced: bring that back by hand, then move the journal away");
        }
    detail::sort_by_number(journals);
    return journals;
}

/// Those that can be read, oldest first; the errors of the others. Throws: io.
inline std::vector<RestoreJournal> readable_journals(const Repository& repository,
                                                     std::vector<Error>* damaged = nullptr) {
    std::vector<RestoreJournal> journals;
    for (const std::string& id : journal_ids(repository)) try {
            journals.push_back(list_journals(repository, id).at(0));
        } catch (const Error& e) {
            if (e.kind() != Kind::corrupt) throw;
            if (damaged != nullptr) damaged->push_back(e);
        }
    detail::sort_by_number(journals);
    return journals;
}

/// The snapshots that --resume or --undo of a restore of this host reads, each with that restore's id. Throws: io.
inline std::map<std::string, std::string> snapshots_of_restores(const Repository& repository) {
    std::map<std::string, std::string> needed;
    for (const RestoreJournal& j : readable_journals(repository)) {
        if (j.state == RestoreState::undone) continue;
        if (j.state != RestoreState::restored) needed[j.snapshot] = j.id;
        if (!j.emergency.empty()) needed[j.emergency] = j.id;
    }
    return needed;
}

inline std::uint64_t next_number(const Repository& repository) {
    const std::vector<RestoreJournal> journals = readable_journals(repository);
    return journals.empty() ? 1 : journals.back().number + 1;
}

namespace detail {
inline fs::path removed_folder(const JournalComponent& c) { return c.folder().string() + ".removed"; }
inline bool exists(const fs::path& path) { return inode_of(path).has_value(); }
}  // namespace detail

/// True if its removal began: what is left of the private folders is not whole.
inline bool is_being_removed(const RestoreJournal& journal) {
    return std::any_of(journal.components.begin(), journal.components.end(),
                       [](const JournalComponent& c) { return detail::exists(detail::removed_folder(c)); });
}

/// True if every target has its old state, so that only what is left beside it is to be removed.
inline bool has_old_state(const RestoreJournal& journal) {
    return std::all_of(journal.components.begin(), journal.components.end(), [](const JournalComponent& c) {
        return c.moves.empty() || inode_of(c.target) == c.old_inode();
    });
}

/// The private folders go, then the journal: in this order a crash leaves something that can be repeated. They lose their
/// names before their content, so that nothing half removed is ever put in place. Says what could not be removed.
/// Throws: io.
inline void forget_restore(const Repository& repository, const RestoreJournal& journal) {
    const auto is_ours = [](const JournalComponent& c) {  // never anything else
        return c.folder().filename().string().starts_with(kStagingPrefix);
    };
    for (const JournalComponent& c : journal.components) {
        if (!is_ours(c) || !detail::exists(c.folder())) continue;
        remove_tree(detail::removed_folder(c));
        rename_path(c.folder(), detail::removed_folder(c));
        sync_directory(c.folder().parent_path());
    }
    for (const JournalComponent& c : journal.components) {
        if (!is_ours(c)) continue;
        const fs::path folder = detail::removed_folder(c);
        remove_tree(folder);
        if (detail::exists(folder))
            throw Error(Kind::io, in_quotes(folder.string()) + " could not be removed",
                        "look at its owner and mode, then run it again");
    }
    std::error_code error;
    fs::remove(journal_path(repository, journal.id), error);
    if (error) throw OsError(error.value(), "remove the journal of restore " + journal.id);
    sync_directory(restores_folder(repository));
}

/// A line in the ledger; that it could not be written is a note, for the data is as it should be.
inline void record_restore(const Repository& repository, const char* event, const RestoreJournal& journal,
                           std::chrono::seconds wait, std::vector<std::string>& notes) {
    Json facts = {{"restore", journal.id}, {"components", Json::array()}};
    if (!hides_names(repository, journal.snapshot))
        for (const JournalComponent& c : journal.components) facts["components"].push_back(c.name);
    if (!journal.emergency.empty()) facts["emergency"] = journal.emergency;
    try {
        LedgerWriter(repository, wait).append(event, journal.snapshot, facts);
    } catch (const Error& e) {
        notes.push_back(std::string("the ledger does not say so: ") + e.what());
    }
}

/// One restore in place at a time per repository and host. Throws: busy, io.
inline FileLock lock_restores(const Repository& repository, std::chrono::seconds wait) {
    const fs::path folder = restores_folder(repository);
    make_directories(folder);
    const std::string path = (folder / "lock").string();
    UniqueFd made{::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!made) throw_os("open " + in_quotes(path));
    return FileLock(path, LockMode::exclusive, wait);
}

}  // namespace holdfast::ops
