// ops/kit_facts.hpp - what somebody needs who has lost everything but a copy of a repository: facts for the recovery kit.
//
// Nothing in it is secret: private keys are encrypted to the recipients. Reading it needs no key.
#pragma once

#include "holdfast/ops/escrow.hpp"

namespace holdfast::ops {

struct KitKey {
    Digest certificate;  // its fingerprint
    bool is_current = false;
    std::vector<GpgKey> recipients;
    std::string certificate_pem;
    std::string wrapped;  // the private key, armored
};

struct KitFacts {
    std::string id, path, host;
    std::string format_json;   // as it is
    std::vector<KitKey> keys;  // the current one first; none: the repository is not encrypted
    SystemSeconds made{};
};

/// Throws: crypto (a certificate or key is missing or not what it says), io.
inline KitFacts gather_kit(const Repository& repository, SystemSeconds now) {
    const fs::path& root = repository.root();
    KitFacts out{
        repository.id(), root.string(), host_name(), read_file(root / "format.json", 64_KiB), {}, now};
    if (repository.keyring() == nullptr) return out;
    for (const Digest& fingerprint : certificate_fingerprints(root)) {
        KitKey key{fingerprint, fingerprint == repository.keyring()->current(), {}, {}, {}};
        read_certificate(root, fingerprint);  // proves the name
        key.certificate_pem = read_file(certificate_path(root, fingerprint), kMaxKeyText);
        const fs::path path = wrapped_key_path(root, fingerprint);
        const auto wrapped = read_file_if_any(path, kMaxKeyText);
        if (!wrapped)
            throw Error(Kind::crypto, "the recovery key " + in_quotes(path.string()) + " is missing",
                        "put it back from another copy of the repository");
        key.wrapped = *wrapped;
        key.recipients = recipients_of(key.wrapped);
        out.keys.push_back(std::move(key));
    }
    std::stable_partition(out.keys.begin(), out.keys.end(), [](const KitKey& key) { return key.is_current; });
    if (out.keys.empty() || !out.keys.front().is_current)
        throw Error(Kind::crypto,
                    "keys/ lacks the certificate that is in use: " + repository.keyring()->current().hex(),
                    "put it back from another copy of the repository");
    return out;
}

}  // namespace holdfast::ops
