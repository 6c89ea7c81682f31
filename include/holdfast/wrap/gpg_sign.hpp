// wrap/gpg_sign.hpp - detached OpenPGP signatures.
//
// A signature tells who signed only if its key is in the keyring; whether that one may sign is for the caller to say,
// who knows the fingerprint. A file with more or less than one signature is none of ours.
#pragma once

#include <map>
#include <mutex>

#include "holdfast/wrap/gpg_keys.hpp"

namespace holdfast {

enum class SignatureState {
    good,         // by a key that is in the keyring, also if that has expired since
    unknown_key,  // nothing can be said: the key is not here
    bad,          // not of this text, or not a signature, or by a key that was revoked
};

struct GpgSignature {
    SignatureState state = SignatureState::bad;
    std::string
        fingerprint;  // of the primary key, upper case; of unknown keys what the signature says, perhaps an id
    std::string reason;  // of a bad one
};

namespace detail {

inline SignatureState state_of(const _gpgme_signature& signature) {
    switch (gpgme_err_code(signature.status)) {
        case GPG_ERR_NO_ERROR: return SignatureState::good;
        case GPG_ERR_KEY_EXPIRED: return SignatureState::good;
        case GPG_ERR_NO_PUBKEY: return SignatureState::unknown_key;
        default: return SignatureState::bad;
    }
}

/// A subkey may have signed; people know the primary key. Asked once per process: it costs two runs of gpg, and a repository has
/// as many signatures as snapshots, all by a few keys.
inline std::string primary_fingerprint(const GpgContext& context, const std::string& fingerprint) {
    static std::mutex mutex;
    static std::map<std::string, std::string> known;
    const std::lock_guard guard(mutex);
    if (const auto at = known.find(fingerprint); at != known.end()) return at->second;
    gpgme_key_t raw = nullptr;
    if (gpgme_get_key(context.get(), fingerprint.c_str(), &raw, 0) != 0) return fingerprint;
    const GpgKeyHandle key{raw};
    return known[fingerprint] = fingerprint_of(*key);
}

}  // namespace detail

/// Armored. Throws: crypto (no such key, no passphrase), interrupted.
inline std::string gpg_sign(std::string_view text, const std::string& fingerprint) {
    using namespace detail;
    const std::string doing = "sign with key " + fingerprint;
    GpgContext context;
    gpgme_key_t raw = nullptr;
    check_gpg(gpgme_get_key(context.get(), fingerprint.c_str(), &raw, 1), doing,
              "the keyring " + gpg_home() + " must hold its secret part");
    const GpgKeyHandle key{raw};
    check_gpg(gpgme_signers_add(context.get(), raw), doing);
    const GpgDataHandle in = gpg_input(as_bytes(text));
    GpgText out;
    const gpgme_error_t error =
        context.finish(gpgme_op_sign_start(context.get(), in.get(), out.get(), GPGME_SIG_MODE_DETACH), doing);
    check_gpg(error, doing,
              "a key that signs unattended has no passphrase, or one that gpg-agent was given; try: gpg -u " +
                  fingerprint + " --clear-sign");
    const gpgme_sign_result_t result = gpgme_op_sign_result(context.get());
    if (result == nullptr || result->signatures == nullptr || result->signatures->next != nullptr ||
        primary_fingerprint(context, result->signatures->fpr) != fingerprint_of(*key))
        throw Error(Kind::crypto, doing + ": gpg signed with another key",
                    "look at gpg.conf in " + gpg_home());
    return out.take();
}

/// What `signature` says about `text`. Throws: crypto (gpg failed), interrupted.
inline GpgSignature gpg_verify(std::string_view text, std::string_view signature) {
    using namespace detail;
    if (signature.size() > kMaxArmoredBytes)
        return {SignatureState::bad, "", "it is too long for a signature"};
    GpgContext context;
    const GpgDataHandle what = gpg_input(as_bytes(text)), proof = gpg_input(as_bytes(signature));
    const gpgme_error_t error = context.finish(
        gpgme_op_verify_start(context.get(), proof.get(), what.get(), nullptr), "check a signature");
    const gpgme_verify_result_t result = gpgme_op_verify_result(context.get());
    const _gpgme_signature* const first = result != nullptr ? result->signatures : nullptr;
    const bool is_unknown = first == nullptr || error != 0 || state_of(*first) == SignatureState::unknown_key;
    if (const std::string trouble = gpg_home_trouble(); is_unknown && !trouble.empty())
        throw Error(Kind::crypto, "check a signature: " + trouble, kGpgHomeHint);
    if (first == nullptr || error != 0)
        return {SignatureState::bad, "",
                "it is no OpenPGP signature" + (error != 0 ? ": " + gpg_text(error) : std::string{})};
    if (first->next != nullptr) return {SignatureState::bad, "", "it holds more than one signature"};
    GpgSignature out{state_of(*first), first->fpr != nullptr ? printable(first->fpr) : "", ""};
    if (out.state != SignatureState::unknown_key)
        out.fingerprint = primary_fingerprint(context, out.fingerprint);
    if (out.state == SignatureState::bad) out.reason = gpg_text(first->status);
    return out;
}

}  // namespace holdfast
