// wrap/gpg_crypt.hpp - a small secret encrypted to OpenPGP keys, and back.
//
// What counts is GPGME's result of the operation, never an exit code or what gpg printed. Messages without integrity
// protection are refused, also where gpg.conf would allow them; sizes are bounded.
#pragma once

#include <vector>

#include "holdfast/wrap/gpg_keys.hpp"

namespace holdfast {

namespace detail {

/// The ids of the keys that a message was encrypted to: "0123456789ABCDEF, …".
inline std::string recipient_ids(gpgme_decrypt_result_t result) {
    std::string out;
    for (const _gpgme_recipient* r = result != nullptr ? result->recipients : nullptr; r != nullptr;
         r = r->next)
        out += (out.empty() ? "" : ", ") + std::string(r->keyid);
    return out.empty() ? "none" : out;
}

inline bool is_unprotected(gpgme_decrypt_result_t result) {
    if (result == nullptr) return false;
    return result->legacy_cipher_nomdc != 0 ||
           (result->symkey_algo != nullptr && std::string_view(result->symkey_algo).ends_with(".PGPCFB"));
}

[[noreturn]] inline void throw_decrypt_error(gpgme_error_t error, gpgme_decrypt_result_t result,
                                             const std::string& what) {
    const std::string keys = "it is encrypted to " + recipient_ids(result);
    const std::string trouble = gpg_home_trouble();
    if (!trouble.empty())
        throw Error(Kind::crypto, what + " was not decrypted: " + trouble,
                    std::string(kGpgHomeHint) + " or give --key-file FILE");
    switch (gpgme_err_code(error)) {
        case GPG_ERR_NO_SECKEY:
            throw Error(Kind::crypto,
                        what + " cannot be decrypted: no usable secret key in " + gpg_home() + "; " + keys,
                        "run it where one of these keys is, or give --key-file FILE");
        case GPG_ERR_NO_DATA:
        case GPG_ERR_INV_PACKET:
        case GPG_ERR_BAD_DATA:
        case GPG_ERR_CHECKSUM:
            throw Error(Kind::crypto, what + " is no OpenPGP message, or damaged: " + gpg_text(error),
                        "put it back from another copy of the repository, or use the recovery kit");
        case GPG_ERR_CANCELED:
        case GPG_ERR_FULLY_CANCELED:
        case GPG_ERR_BAD_PASSPHRASE:
            throw Error(Kind::crypto, what + " was not decrypted: " + gpg_text(error) + "; " + keys,
                        "try again; nothing was changed");
        case GPG_ERR_NO_PIN_ENTRY:
        case GPG_ERR_ENOTTY:
        case GPG_ERR_NO_PASSPHRASE:
        case GPG_ERR_PIN_ENTRY:
            throw Error(Kind::crypto,
                        what + " was not decrypted: nobody can be asked for the passphrase (" +
                            gpg_text(error) + "); " + keys,
                        "run it on a terminal, install pinentry-curses, or give --key-file FILE");
        case GPG_ERR_NO_AGENT:
            throw Error(Kind::crypto, what + " was not decrypted: gpg-agent cannot be reached; " + keys,
                        "apt-get install gpg-agent; the path of GNUPGHOME may be too long for its socket");
        default:
            throw Error(Kind::crypto, what + " was not decrypted: " + gpg_text(error) + "; " + keys,
                        "look at what gpg --decrypt says of it");
    }
}

}  // namespace detail

/// Armored. `fingerprints` come from find_recipient(), which judged the keys; they alone can decrypt it, whatever gpg.conf
/// adds. Throws: crypto.
inline std::string gpg_encrypt(ByteSpan plain, const std::vector<std::string>& fingerprints) {
    using namespace detail;
    if (plain.size() > kMaxPlainBytes || fingerprints.empty())
        throw Error(Kind::internal, "nothing to encrypt, or nobody to encrypt it to");
    GpgContext context;
    std::vector<GpgKeyHandle> keys;
    std::vector<gpgme_key_t> list;
    for (const std::string& fingerprint : fingerprints) {
        gpgme_key_t raw = nullptr;
        check_gpg(gpgme_get_key(context.get(), fingerprint.c_str(), &raw, 0), "find key " + fingerprint);
        keys.emplace_back(raw);
        list.push_back(raw);
    }
    list.push_back(nullptr);
    const GpgDataHandle in = gpg_input(plain);
    GpgText out;
    // Trust was decided by find_recipient(): gpg need not ask again. Compression would only tell about lengths.
    const auto flags = static_cast<gpgme_encrypt_flags_t>(
        GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO | GPGME_ENCRYPT_NO_COMPRESS);
    const gpgme_error_t error = context.finish(
        gpgme_op_encrypt_start(context.get(), list.data(), flags, in.get(), out.get()), "encrypt a key");
    const gpgme_encrypt_result_t result = gpgme_op_encrypt_result(context.get());
    if (const _gpgme_invalid_key* bad = result != nullptr ? result->invalid_recipients : nullptr)
        throw Error(Kind::crypto,
                    "key " + printable(bad->fpr != nullptr ? bad->fpr : "?") +
                        " cannot be encrypted to: " + gpg_text(bad->reason),
                    "look at it: gpg --list-keys; name another recipient");
    check_gpg(error, "encrypt a key to its recipients");
    return out.take();
}

/// `what` begins the message of an error: "the recovery key 'keys/…'". Asks for a passphrase by pinentry if the agent needs
/// one. Throws: crypto, interrupted.
inline SecretBytes gpg_decrypt(std::string_view armored, const std::string& what) {
    using namespace detail;
    if (armored.size() > kMaxArmoredBytes)
        throw Error(Kind::crypto, what + " is too long for an encrypted key");
    GpgContext context;
    const GpgDataHandle in = gpg_input(as_bytes(armored));
    GpgSecret out(kMaxPlainBytes);
    const gpgme_error_t error = context.finish(gpgme_op_decrypt_start(context.get(), in.get(), out.get()),
                                               what + " was not decrypted");
    const gpgme_decrypt_result_t result = gpgme_op_decrypt_result(context.get());
    if (out.is_too_large()) throw Error(Kind::crypto, what + " holds more than a key");
    if (is_unprotected(result))
        throw Error(Kind::crypto, what + " is not protected against changes: somebody else made it",
                    "put it back from another copy of the repository, or use the recovery kit");
    if (error != 0) throw_decrypt_error(error, result, what);
    return out.take();
}

}  // namespace holdfast
