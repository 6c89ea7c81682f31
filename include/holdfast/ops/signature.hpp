// ops/signature.hpp - SHA256SUMS.asc of a snapshot: the host's OpenPGP signature, and whether it is the expected one.
//
// It covers SHA256SUMS, hence the manifest and every object: who can write to the storage, and seal to its certificate, still
// cannot make a snapshot that passes. `gpg --verify SHA256SUMS.asc SHA256SUMS` says the same without us.
#pragma once

#include "holdfast/store/checksums.hpp"
#include "holdfast/store/snapshot_index.hpp"
#include "holdfast/wrap/gpg_sign.hpp"

namespace holdfast::ops {

inline constexpr const char* kSignatureFile = "SHA256SUMS.asc";

/// What the configuration wants.
struct SignatureRules {
    std::string key;           // fingerprint of who may sign; empty: nobody is expected to
    bool is_required = false;  // anything but a good signature of that key is refused
};

enum class Signed { good, missing, other_key, unchecked, bad };

struct SignatureCheck {
    Signed state = Signed::missing;
    std::string fingerprint;  // of who signed, as far as it is known
    std::string reason;       // of bad and unchecked

    /// The rest of "the signature of snapshot X is …".
    std::string text() const {
        switch (state) {
            case Signed::good: return "good, by key " + fingerprint;
            case Signed::missing: return "missing";
            case Signed::other_key: return "by key " + fingerprint + ", which is not the signing_key";
            case Signed::unchecked: return "not checked: " + reason;
            case Signed::bad: return "wrong: " + reason;
        }
        return "";
    }
};

/// Signs, and looks at what came out of it. Throws: crypto, config (no gpg).
inline std::string sign_checksums(std::string_view sums, const std::string& key) {
    std::string signature = gpg_sign(sums, key);
    const GpgSignature made = gpg_verify(sums, signature);
    if (made.state != SignatureState::good)
        throw Error(Kind::crypto, "key " + key + " made a signature that does not hold: " + made.reason,
                    "try: gpg -u " + key + " --clear-sign");
    return signature;
}

/// Before hours of work: can the key sign, with nobody to ask? Throws: crypto, config.
inline void check_signing(const std::string& key) {
    if (!key.empty()) sign_checksums("holdfast\n", find_signing_key(key).fingerprint);
}

namespace detail {

inline SignatureCheck judge(const GpgSignature& signature, const SignatureRules& rules) {
    switch (signature.state) {
        case SignatureState::bad: return {Signed::bad, signature.fingerprint, signature.reason};
        case SignatureState::unknown_key:
            return {Signed::unchecked, signature.fingerprint,
                    "its key " + signature.fingerprint + " is not in the keyring " + gpg_home()};
        case SignatureState::good: break;
    }
    const bool is_expected = rules.key.empty() || rules.key == signature.fingerprint;
    return {is_expected ? Signed::good : Signed::other_key, signature.fingerprint, ""};
}

}  // namespace detail

/// Never fails on what it finds: that is the answer. `used` is the digest of the manifest that is going to be used: a file
/// that is read again may be another one by then. Throws: io.
inline SignatureCheck check_signature(const Repository& repository, const std::string& id,
                                      const SignatureRules& rules,
                                      const std::optional<Digest>& used = std::nullopt) {
    const fs::path folder = repository.snapshot(id);
    const auto signature = read_file_if_any(folder / kSignatureFile, 1_GiB);
    if (!signature) return {};
    const std::string sums = read_file_if_any(folder / "SHA256SUMS", 1_GiB).value_or("");
    const std::string manifest =
        (used ? *used : sha256(read_file_if_any(folder / "manifest.json", kMaxManifestBytes).value_or("")))
            .hex();
    try {
        SignatureCheck out = detail::judge(gpg_verify(sums, *signature), rules);
        if (out.state != Signed::bad &&
            ("\n" + sums).find("\n" + manifest + "  manifest.json\n") == std::string::npos)
            return {Signed::bad, out.fingerprint, "manifest.json is not the one that was signed"};
        return out;
    } catch (const Error& e) {  // without gpg nothing can be said
        return {Signed::unchecked, "", e.what()};
    }
}

/// Throws: crypto unless the rules are met.
inline void require_signature(const SignatureCheck& check, const std::string& id,
                              const SignatureRules& rules) {
    if (!rules.is_required || check.state == Signed::good) return;
    std::string hint = "use another snapshot or copy of the repository: somebody may have changed this one";
    if (check.state == Signed::missing)
        hint = "was it taken before signing_key was set? without require_signature it can be used";
    if (check.state == Signed::unchecked) hint = "put the key there: gpg --import FILE";
    throw Error(Kind::crypto,
                "the signature of snapshot " + id + " is " + check.text() +
                    "; require_signature wants one of " + rules.key,
                hint);
}

}  // namespace holdfast::ops
