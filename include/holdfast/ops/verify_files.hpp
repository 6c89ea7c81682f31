// ops/verify_files.hpp - the files beside the objects: is each snapshot what its SHA256SUMS says?
//
// And does the history agree with what is there.
#pragma once

#include <map>

#include "holdfast/ops/finding.hpp"
#include "holdfast/ops/signature.hpp"
#include "holdfast/store/own_prunes.hpp"
#include "holdfast/store/snapshot_index.hpp"
#include "holdfast/store/state_file.hpp"
#include "holdfast/store/trash.hpp"

namespace holdfast::ops {

/// Adds `more` to `names`; both ascend without duplicates.
inline void add_names(std::vector<Digest>& names, const std::vector<Digest>& more) {
    std::vector<Digest> both;
    both.reserve(std::max(names.size(), more.size()));
    std::set_union(names.begin(), names.end(), more.begin(), more.end(), std::back_inserter(both));
    names = std::move(both);
}

/// Manifest, summary and SHA256SUMS of one snapshot; the objects it needs are added to `objects`. Nothing if
/// the manifest cannot be used. Throws: io.
inline std::optional<Manifest> verify_files(const Repository& repository, const std::string& id,
                                            std::vector<Digest>& objects, std::vector<Finding>& findings) {
    const auto damage = [&](const std::string& item, const std::string& what) {
        findings.push_back({Severity::damage, id, "", item, what});
    };
    const auto read = [&](const char* name, std::uint64_t limit) -> std::optional<std::string> {
        auto text = read_file_if_any(repository.snapshot(id) / name, limit);
        if (!text) damage(name, "is missing");
        return text;
    };
    std::optional<Checksums> sums;
    try {
        sums = read_checksums(repository.snapshot(id) / "SHA256SUMS");
        add_names(objects, sums->objects);
    } catch (const OsError& e) {  // a bad sector, too, is damage of this one snapshot
        damage("SHA256SUMS", e.number() == ENOENT ? "is missing" : e.what());
    } catch (const Error& e) {
        if (e.kind() != Kind::corrupt) throw;
        damage("SHA256SUMS", e.what());
    }
    try {
        if (const auto summary = read("summary.txt", kMaxManifestBytes);
            summary && sums && sha256(*summary) != sums->summary)
            damage("summary.txt", "does not hash to what SHA256SUMS names");
        const auto text = read("manifest.json", kMaxManifestBytes);
        if (!text) return std::nullopt;
        if (sums && sha256(*text) != sums->manifest)
            damage("manifest.json", "does not hash to what SHA256SUMS names");
        Manifest manifest = parse_own_manifest(repository, *text, id);
        if (sums && sums->objects.size() != manifest.object_count)
            damage("SHA256SUMS", "does not name as many objects as the manifest counts");
        return manifest;
    } catch (const Error& e) {
        if (e.kind() != Kind::corrupt && e.kind() != Kind::config && e.kind() != Kind::io) throw;
        damage("manifest.json", e.what());
        return std::nullopt;
    }
}

/// A snapshot that came later than a signed one should be signed, too. Throws: io.
inline bool follows_signed(const Repository& repository, const std::string& id) {
    for (const std::string& other : list_snapshot_ids(repository)) {
        if (other.substr(0, 16) > id.substr(0, 16)) return false;  // of one second either may be the later
        if (other != id && fs::exists(repository.snapshot(other) / kSignatureFile)) return true;
    }
    return false;
}

/// Is the snapshot signed as the configuration wants it? One that cannot be checked here is a note, unless a signature is
/// required. Throws: io.
inline void verify_signature(const Repository& repository, const std::string& id, const SignatureRules& rules,
                             std::vector<Finding>& findings, std::vector<std::string>& notes) {
    const SignatureCheck check = check_signature(repository, id, rules);
    const bool may_lack = !rules.is_required && (rules.key.empty() || !follows_signed(repository, id));
    if (check.state == Signed::good || (check.state == Signed::missing && may_lack)) return;
    if (check.state == Signed::unchecked && !rules.is_required)
        return notes.push_back("the signature of snapshot " + id + " is " + check.text());
    const bool is_damage = rules.is_required || check.state == Signed::bad;
    findings.push_back(
        {is_damage ? Severity::damage : Severity::warning, id, "", kSignatureFile, "is " + check.text()});
}

namespace detail {

/// Whoever removes snapshots from the storage can also write that they were pruned. Of the newest that this host knows that is
/// damage, of others only where nothing is believed that is not signed: another host may prune, too.
inline void judge_foreign_prunes(const Repository& repository, const std::set<std::string>& foreign,
                                 const HostMemory& memory, const SignatureRules& rules,
                                 std::vector<Finding>& findings, std::vector<std::string>* notes) {
    std::size_t others = 0;
    for (const std::string& id : foreign) {
        if (fs::is_directory(repository.snapshot(id))) continue;
        if (rules.is_required || (memory.state && memory.state->snapshot == id))
            findings.push_back(
                {Severity::damage, id, "", "snapshot", "was pruned, says the ledger, but not by this host"});
        else
            ++others;
    }
    if (others != 0 && notes != nullptr)
        notes->push_back("the ledger says that snapshots were pruned, but not by this host: " +
                         std::to_string(others));
}

}  // namespace detail

/// Does the history agree with what is there? Throws: io.
inline void verify_history(const Repository& repository, std::vector<Finding>& findings,
                           const SignatureRules& rules = {}, std::vector<std::string>* notes = nullptr) {
    const HostMemory memory = recall(repository);
    OwnPrunes own(repository);
    std::map<std::string, std::string> expected;  // id -> manifest digest
    PrunedSnapshots pruned(list_trash(repository));
    const LedgerReport ledger = read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event == "snapshot")
            expected[line.snapshot] = JsonFields(line.json, "ledger line").text_or("manifest_sha256", "");
        pruned.note(line);
        own.note(line);
    });
    for (const std::string& what : ledger.findings)
        findings.push_back({Severity::damage, "", "", "ledger.jsonl", what});
    std::uint64_t newest = 0;
    std::map<std::uint64_t, std::string> unlisted;
    for (const std::string& id : list_snapshot_ids(repository)) {
        std::optional<std::string> text;
        try {
            text = read_file_if_any(repository.snapshot(id) / "manifest.json", kMaxManifestBytes);
            if (!text) continue;
            const std::uint64_t number = parse_manifest(*text, id).number;
            newest = std::max(newest, number);
            if (!expected.contains(id)) unlisted.emplace(number, id);
        } catch (const Error&) {
            continue;  // reported where the snapshot itself is verified
        }

        if (const auto at = expected.find(id); at != expected.end() && at->second != sha256(*text).hex())
            findings.push_back(
                {Severity::damage, id, "", "manifest.json", "is not the one the ledger recorded"});
    }
    for (const auto& [number, id] : unlisted)  // the newest may be waiting for its line
        if (number != newest)
            findings.push_back({Severity::warning, id, "", "ledger.jsonl", "does not name this snapshot"});
    for (const auto& [id, digest] : expected)
        if (!pruned.contains(id) && !fs::is_directory(repository.snapshot(id)))
            findings.push_back(
                {Severity::damage, id, "", "snapshot", "has vanished without having been pruned"});
    detail::judge_foreign_prunes(repository, own.foreign(), memory, rules, findings, notes);
    if (!memory.trouble.empty())
        findings.push_back({Severity::warning, "", "", "state file", memory.trouble});
    if (!memory.state) return;
    try {
        const HostState& state = *memory.state;
        const auto why = contradicts(repository, state, newest, [&](const std::string& id) {
            return pruned.contains(id) && !own.foreign().contains(id);
        });
        if (why) findings.push_back({Severity::damage, state.snapshot, "", "repository", *why});
        if (const auto lost = contradicts_ledger(repository, state))
            findings.push_back({Severity::warning, "", "", "ledger.jsonl", *lost});
    } catch (const Error& e) {
        findings.push_back({Severity::warning, "", "", "state file", e.what()});
    }
}

}  // namespace holdfast::ops
