// wrap/gpg_keys.hpp - which OpenPGP key a person means: exactly one, usable, and known to be whose it says.
//
// A whole fingerprint is its own proof. A key id or an e-mail address only points at keys: anybody can make one with that
// address, so the key must be valid in the keyring (signed by its owner's trust, as gpg --list-keys shows it). Of several
// keys those that cannot be used do not count. Nothing is fetched from the network.
#pragma once

#include <optional>
#include <vector>

#include "holdfast/base/utc.hpp"
#include "holdfast/wrap/gpg.hpp"

namespace holdfast {

struct GpgKey {
    std::string fingerprint;  // of the primary key: 40 upper-case hexadecimal digits
    std::string user;         // its first name and address, printable; whoever made the key chose it
};

namespace detail {

enum class KeyUse { encrypt, sign };

struct KeySpec {
    std::string pattern;  // for gpg
    std::string mail;     // lower case; empty: a fingerprint or key id
    bool is_fingerprint = false;
};

inline bool is_hex(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

inline std::string lower_case(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

/// Throws: usage.
inline KeySpec parse_key_spec(const std::string& spec) {
    std::string digits = spec;
    std::erase(digits, ' ');  // as gpg prints fingerprints
    if (digits.starts_with("0x") || digits.starts_with("0X")) digits.erase(0, 2);
    if (is_hex(digits) && digits.size() == 40) return {digits, "", true};
    if (is_hex(digits) && (digits.size() == 16 || digits.size() == 8)) return {"0x" + digits, "", false};
    const std::size_t open = spec.rfind('<');
    std::string mail = spec;
    if (open != std::string::npos && spec.ends_with('>'))
        mail = spec.substr(open + 1, spec.size() - open - 2);
    const std::size_t at = mail.find('@');
    if (at == 0 || at == std::string::npos || at + 1 == mail.size() ||
        mail.find_first_of(" <>\t\n") != std::string::npos)
        throw Error(Kind::usage, in_quotes(spec) + " is no key's fingerprint, id or e-mail address",
                    "gpg --list-keys shows the fingerprints: 40 hexadecimal digits");
    return {"<" + mail + ">", lower_case(mail), false};
}

inline std::string key_day(long seconds) {
    return format_time(SystemSeconds{std::chrono::seconds{seconds}}, "%Y-%m-%d");
}

inline std::string fingerprint_of(const _gpgme_key& key) {
    const char* text = key.fpr != nullptr ? key.fpr : key.subkeys != nullptr ? key.subkeys->fpr : nullptr;
    return text != nullptr ? text : "";
}

inline std::string user_of(const _gpgme_key& key) {
    return key.uids != nullptr && key.uids->uid != nullptr ? printable(key.uids->uid) : "no name";
}

inline std::string key_text(const _gpgme_key& key) {
    return "key " + fingerprint_of(key) + " (" + user_of(key) + ")";
}

/// Why the key is of no use, as the rest of a sentence; empty if it can be used.
inline std::string why_unusable(const _gpgme_key& key, KeyUse use) {
    if (key.revoked) return "was revoked";
    if (key.disabled) return "is disabled in this keyring";
    if (key.expired)
        return "expired" + (key.subkeys != nullptr && key.subkeys->expires > 0
                                ? " on " + key_day(key.subkeys->expires)
                                : std::string{});
    if (key.invalid || fingerprint_of(key).empty()) return "is invalid";
    if (use == KeyUse::encrypt ? key.can_encrypt : key.can_sign) return "";
    const std::string what = use == KeyUse::encrypt ? "encrypt" : "sign";
    for (const _gpgme_subkey* sub = key.subkeys; sub != nullptr; sub = sub->next) {
        if ((use == KeyUse::encrypt ? sub->can_encrypt : sub->can_sign) == 0) continue;
        if (sub->revoked) return "cannot " + what + ": its subkey for that was revoked";
        if (sub->expired)
            return "cannot " + what + ": its subkey for that expired on " + key_day(sub->expires);
    }
    return "cannot " + what + ": it has no subkey for that";
}

/// Is it known in this keyring that the key is whose it says?
inline bool is_valid_for(const _gpgme_key& key, const KeySpec& spec) {
    for (const _gpgme_user_id* uid = key.uids; uid != nullptr; uid = uid->next) {
        if (uid->revoked || uid->invalid || uid->validity < GPGME_VALIDITY_FULL) continue;
        if (spec.mail.empty()) return true;
        if (uid->email != nullptr && lower_case(uid->email) == spec.mail) return true;
    }
    return false;
}

inline std::vector<GpgKeyHandle> list_keys(const KeySpec& spec, bool only_secret) {
    const GpgContext context;
    const std::string doing = "look for " + in_quotes(spec.pattern) + " in the keyring " + gpg_home();
    gpgme_set_keylist_mode(context.get(), GPGME_KEYLIST_MODE_LOCAL);
    check_gpg(gpgme_op_keylist_start(context.get(), spec.pattern.c_str(), only_secret ? 1 : 0), doing);
    std::vector<GpgKeyHandle> keys;
    for (;;) {
        gpgme_key_t raw = nullptr;
        const gpgme_error_t error = gpgme_op_keylist_next(context.get(), &raw);
        if (gpg_failed_with(error, GPG_ERR_EOF)) break;
        check_gpg(error, doing);
        keys.emplace_back(raw);
    }
    return keys;
}

/// Throws: crypto, naming each key and why it is not the one.
[[noreturn]] inline void refuse_keys(const std::string& who, const std::vector<GpgKeyHandle>& keys,
                                     const KeySpec& spec, KeyUse use) {
    if (const std::string trouble = gpg_home_trouble(); keys.empty() && !trouble.empty())
        throw Error(Kind::crypto, who + ": " + trouble, kGpgHomeHint);
    if (keys.empty())
        throw Error(Kind::crypto, who + ": the keyring " + gpg_home() + " has no such key",
                    use == KeyUse::encrypt
                        ? "put it there: gpg --import FILE; GNUPGHOME names another keyring"
                        : "put it there: gpg --import FILE; it must have its secret part");
    std::string why;
    bool is_unproven = false;
    for (const GpgKeyHandle& key : keys) {
        std::string reason = why_unusable(*key, use);
        if (reason.empty() && !spec.is_fingerprint && !is_valid_for(*key, spec)) {
            reason = "is not known to belong to that person";
            is_unproven = true;
        }
        if (reason.empty()) reason = "fits";
        why += (why.empty() ? "" : "; ") + key_text(*key) + " " + reason;
    }
    throw Error(Kind::crypto, who + ": " + why,
                is_unproven ? "compare the fingerprint with its owner's and name the key by it, or sign it: "
                              "gpg --lsign-key FINGERPRINT"
                            : "import the owner's renewed key (gpg --import FILE), or name another one");
}

inline GpgKey find_key(const std::string& who, const std::string& text, KeyUse use) {
    const KeySpec spec = parse_key_spec(text);
    const std::vector<GpgKeyHandle> keys = list_keys(spec, use == KeyUse::sign);
    const _gpgme_key* found = nullptr;
    std::size_t count = 0;
    for (const GpgKeyHandle& key : keys) {
        if (!why_unusable(*key, use).empty()) continue;
        if (!spec.is_fingerprint && use == KeyUse::encrypt && !is_valid_for(*key, spec)) continue;
        found = key.get();
        ++count;
    }
    if (count == 0) refuse_keys(who, keys, spec, use);
    if (count == 1) return {fingerprint_of(*found), user_of(*found)};
    std::string all;
    for (const GpgKeyHandle& key : keys) all += (all.empty() ? "" : ", ") + key_text(*key);
    throw Error(Kind::crypto, who + " fits " + std::to_string(count) + " keys: " + all,
                "name one by its fingerprint");
}

/// When a key stops being of use for that: its own end or that of its last usable subkey, whichever is first; 0: never.
inline long end_of(const _gpgme_key& key, KeyUse use) {
    long last = -1;
    for (const _gpgme_subkey* sub = key.subkeys; sub != nullptr; sub = sub->next) {
        const bool fits = (use == KeyUse::encrypt ? sub->can_encrypt : sub->can_sign) != 0;
        if (!fits || sub->revoked || sub->expired || sub->disabled || last == 0) continue;
        last = sub->expires <= 0 ? 0 : std::max(last, sub->expires);
    }
    const long own = key.subkeys != nullptr ? key.subkeys->expires : 0;
    return own > 0 && (last <= 0 || own < last) ? own : std::max(last, 0L);
}

}  // namespace detail

/// How a key that was chosen long ago is today.
struct GpgKeyState {
    bool is_known = false;                 // it is in this keyring
    std::string trouble;                   // "was revoked", "expired on …"; empty: it can be used
    std::optional<SystemSeconds> expires;  // of one that can be used
};

/// Throws: crypto (gpg's home cannot be used), config (no gpg).
inline GpgKeyState look_at_key(const std::string& fingerprint, bool is_signer) {
    using namespace detail;
    const KeyUse use = is_signer ? KeyUse::sign : KeyUse::encrypt;
    const std::vector<GpgKeyHandle> keys = list_keys({fingerprint, "", true}, is_signer);
    if (const std::string trouble = gpg_home_trouble(); keys.empty() && !trouble.empty())
        throw Error(Kind::crypto, trouble, kGpgHomeHint);
    if (keys.empty()) return {};
    GpgKeyState out{true, why_unusable(*keys.front(), use), std::nullopt};
    if (const long end = end_of(*keys.front(), use); out.trouble.empty() && end > 0)
        out.expires = SystemSeconds{std::chrono::seconds{end}};
    return out;
}

/// The one key to encrypt to that `spec` means: a fingerprint, a key id or an e-mail address. Throws: usage (none of
/// these); crypto (unknown, ambiguous, expired, revoked, disabled, cannot encrypt, not trusted); config (no gpg).
inline GpgKey find_recipient(const std::string& spec) {
    return detail::find_key("recipient " + in_quotes(spec), spec, detail::KeyUse::encrypt);
}

/// The one key to sign with, whose secret part is in this keyring. Throws: as find_recipient.
inline GpgKey find_signing_key(const std::string& spec) {
    return detail::find_key("signing key " + in_quotes(spec), spec, detail::KeyUse::sign);
}

}  // namespace holdfast
