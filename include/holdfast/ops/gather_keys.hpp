// ops/gather_keys.hpp - the OpenPGP keys that a repository and a configuration depend on, as facts. Nothing is decrypted.
#pragma once

#include "holdfast/ops/check_keys.hpp"
#include "holdfast/ops/escrow.hpp"
#include "holdfast/policy/health_keys.hpp"

namespace holdfast::ops {

/// `user` is what is known of a key that the keyring lacks. Throws: crypto, config (no gpg).
inline KeyFacts gather_key(const std::string& fingerprint, const std::string& user, bool is_signer) {
    const GpgKeyState state = look_at_key(fingerprint, is_signer);
    return {fingerprint, user, state.is_known, state.trouble, state.expires};
}

/// Of the current recovery key; nothing proves the names in it but their keys. Throws: crypto, config, io.
inline RepositoryKeys gather_recipients(const Repository& repository,
                                        const std::optional<Digest>& configured) {
    const Digest& current = detail::keyring_of(repository).current();
    RepositoryKeys out{current.hex(), "", {}};
    if (const KeyTrouble trouble = check_keys(repository, configured); !trouble.damage.empty()) {
        out.damage = trouble.damage.front();
        return out;
    }
    const std::string path = wrapped_key_path(repository.root(), current).string();
    const auto wrapped = read_file_if_any(path, kMaxKeyText);
    const std::vector<GpgKey> people = recipients_of(wrapped.value_or(""));
    if (people.empty()) out.damage = in_quotes(path) + " does not say whom it is for";
    for (const GpgKey& key : people) out.recipients.push_back(gather_key(key.fingerprint, key.user, false));
    return out;
}

}  // namespace holdfast::ops
