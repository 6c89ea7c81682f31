// ops/check_keys.hpp - are the keys of a sealed repository still those that this host knows? Looks only, and needs no key.
//
// A recovery key that is gone or was exchanged would otherwise be noticed on the day when it is needed.
#pragma once

#include <algorithm>

#include "holdfast/ops/check_certificate.hpp"

namespace holdfast::ops {

struct KeyTrouble {
    std::vector<std::string> damage;
    std::vector<std::string> notes;
};

namespace detail {

/// Has the ledger a line for the exchange? It proves little, but an accident leaves none.
inline bool is_rekeyed_to(const Repository& repository, const Digest& wrapped) {
    bool is_there = false;
    read_ledger(repository, [&](const LedgerLine& line) {
        is_there =
            is_there || (line.event == "rekeyed" &&
                         JsonFields(line.json, "ledger line").text_or("wrapped_sha256", "") == wrapped.hex());
    });
    return is_there;
}

}  // namespace detail

/// Throws: io.
inline KeyTrouble check_keys(const Repository& repository, const std::optional<Digest>& configured) {
    KeyTrouble out;
    try {
        if (const auto why = contradicts_pin(repository, configured)) out.damage.push_back(why->what());
    } catch (const Error& e) {
        if (e.kind() == Kind::io) throw;
        out.notes.push_back(e.what());
    }
    if (repository.keyring() == nullptr) return out;
    const Digest& current = repository.keyring()->current();
    const fs::path& root = repository.root();
    try {
        read_certificate(root, current);
    } catch (const Error& e) {
        if (e.kind() == Kind::io) throw;
        out.damage.push_back(e.what());
    }
    const std::string path = wrapped_key_path(root, current).string();
    const auto wrapped = read_file_if_any(path, kMaxKeyText);
    if (!wrapped)
        out.damage.push_back("the recovery key " + in_quotes(path) + " is missing");
    else if (!wrapped->starts_with("-----BEGIN PGP MESSAGE-----") ||
             wrapped->find("-----END PGP MESSAGE-----") == std::string::npos)
        out.damage.push_back(in_quotes(path) + " is no OpenPGP message, so it holds no recovery key");
    if (!wrapped || !out.damage.empty()) return out;
    const auto pin = detail::find_pin(repository);
    if (!pin || pin->certificate != current || pin->wrapped.empty() ||
        std::find(pin->wrapped.begin(), pin->wrapped.end(), sha256(*wrapped)) != pin->wrapped.end())
        return out;
    if (detail::is_rekeyed_to(repository, sha256(*wrapped)))
        out.notes.push_back(
            in_quotes(path) +
            " was encrypted anew, but not by this host: ask who did whether it is for the right people");
    else
        out.damage.push_back(in_quotes(path) + " is not the one that this host knows: somebody exchanged it");
    return out;
}

}  // namespace holdfast::ops
