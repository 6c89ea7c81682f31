// store/state_file.hpp - what this host knows of a repository from outside it: the newest snapshot it made or saw, and
// the last line it wrote to the ledger.
//
// A repository that was rolled back, emptied or replaced as a whole is consistent in itself; only a memory
// outside of it can notice. One small file per repository in a private folder.
#pragma once

#include <optional>
#include <string>

#include "holdfast/store/manifest_json.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

inline fs::path cache_folder(const Repository& repository) { return host_cache_folder(repository.id()); }
inline fs::path state_path(const Repository& repository) {
    return host_state_folder() / (repository.id() + ".json");
}

/// A line of the ledger. It carries the digest of the line before, so it stands for all that were written until then.
struct LedgerMark {
    std::uint64_t bytes = 0;  // of the ledger up to and with this line
    Digest line;              // without its newline

    bool operator==(const LedgerMark&) const = default;
};

struct HostState {
    std::string snapshot;
    std::uint64_t number = 0;
    Digest manifest;
    std::optional<LedgerMark> ledger{};  // nothing in files of old versions
};

/// What was noted last; nothing if this host never saw the repository. Throws: corrupt, io.
inline std::optional<HostState> read_state(const Repository& repository) {
    const fs::path path = state_path(repository);
    const std::optional<std::string> text = read_file_if_any(path, 64_KiB);
    if (!text) return std::nullopt;
    const std::string what = "state file '" + path.string() + "'";
    const Json json = parse_json(*text, what);
    const JsonFields fields(json, what);
    const auto digest = Digest::parse(fields.text("manifest_sha256"));
    if (!digest) fields.fail("manifest_sha256", "is not a SHA-256");
    HostState state{fields.text("snapshot"), fields.number("number"), *digest};
    if (fields.find("ledger") == nullptr) return state;
    const JsonFields ledger(fields.at("ledger"), what + ": ledger");
    const auto line = Digest::parse(ledger.text("line_sha256"));
    if (!line) ledger.fail("line_sha256", "is not a SHA-256");
    state.ledger = LedgerMark{ledger.number("bytes"), *line};
    return state;
}

struct HostMemory {
    std::optional<HostState> state;
    std::string trouble;  // why it cannot be read
};
/// For who compares it with a list of snapshots: read it before the list. A run that ends between the two has written its
/// snapshot first, so it is in the list; the other way round it would look like a snapshot that was rolled back.
inline HostMemory recall(const Repository& repository) {
    try {
        return {read_state(repository), ""};
    } catch (const Error& e) {
        return {std::nullopt, e.what()};
    }
}

/// The number noted last; 0 if there is none that can be read.
inline std::uint64_t remembered_number(const Repository& repository) {
    try {
        const std::optional<HostState> state = read_state(repository);
        return state ? state->number : 0;
    } catch (const Error&) {
        return 0;  // whoever compares the whole state reports it; numbering must go on
    }
}

inline void write_state(const Repository& repository, const HostState& state) {
    const fs::path path = state_path(repository);
    make_directories(path.parent_path());
    Json json = {{"repository", repository.id()},
                 {"path", json_text(repository.root().string())},
                 {"snapshot", state.snapshot},
                 {"number", state.number},
                 {"manifest_sha256", state.manifest.hex()}};
    if (state.ledger)
        json["ledger"] = {{"bytes", state.ledger->bytes}, {"line_sha256", state.ledger->line.hex()}};
    publish_file(path, as_bytes(dump_json(json, 2) + "\n"));
}

/// Why the repository is not the one this host remembers; nothing if it is. `pruned` says whether an id was pruned.
inline std::optional<std::string> contradicts(const Repository& repository, const HostState& state,
                                              std::uint64_t newest_number,
                                              const std::function<bool(const std::string&)>& pruned) {
    if (newest_number < state.number && !pruned(state.snapshot))
        return "this host remembers snapshot " + state.snapshot + " (number " + std::to_string(state.number) +
               "), but the newest here is number " + std::to_string(newest_number) +
               ": the repository was rolled back or replaced";
    const auto text =
        read_file_if_any(repository.snapshot(state.snapshot) / "manifest.json", kMaxManifestBytes);
    if (!text && !pruned(state.snapshot))
        return "snapshot " + state.snapshot + ", which this host remembers as the newest, has vanished";
    if (text && sha256(*text) != state.manifest)
        return "the manifest of snapshot " + state.snapshot + " is not the one this host remembers";
    return std::nullopt;
}

}  // namespace holdfast
