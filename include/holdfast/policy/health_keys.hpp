// policy/health_keys.hpp - can the backups still be opened next year, and signed next month? Keys of people, judged from facts.
//
// A recipient's key that has expired or was revoked opens what it opened before, so backups go on; but its owner may be gone,
// and no new recovery key is encrypted to it. A signing key that cannot be used ends every backup.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "holdfast/policy/health.hpp"

namespace holdfast {

struct KeyFacts {
    std::string fingerprint, user;
    bool is_known = false;  // it is in this host's keyring
    std::string trouble{};  // "was revoked", "expired on …"
    std::optional<SystemSeconds> expires{};
};

/// Of a sealed repository; without recipients it does not say whom it is for.
struct RepositoryKeys {
    std::string certificate;
    std::string damage;  // the recovery key is missing or is not what it should be
    std::vector<KeyFacts> recipients{};
};

namespace detail {

inline std::string key_name(const KeyFacts& key) {
    return "key " + key.fingerprint + (key.user.empty() ? "" : " (" + key.user + ")");
}

/// "expires in 12 d" if that is soon, else nothing.
inline std::string soon_over(const KeyFacts& key, const HealthConfig& config, SystemSeconds now) {
    if (!key.expires || config.min_key_left >= kForever || *key.expires - now >= config.min_key_left)
        return "";
    return *key.expires <= now ? "expires today" : "expires in " + format_duration(*key.expires - now);
}

}  // namespace detail

inline HealthResult judge_recipients(const RepositoryKeys& keys, const HealthConfig& config,
                                     SystemSeconds now) {
    detail::HealthVerdict verdict("keys", "recipients");
    const std::string rekey = "init --rekey --recipient A --recipient B, by who can open the recovery key";
    if (!keys.damage.empty())
        verdict.add(Health::unhealthy, keys.damage,
                    "put keys/ back from another copy of the repository or from the recovery kit");
    std::size_t usable = 0;
    for (const KeyFacts& key : keys.recipients) {
        if (!key.is_known) {
            ++usable;  // for all that is known
            verdict.add(
                Health::degraded,
                detail::key_name(key) + " is not in this keyring, so nobody is told when it ends",
                "gpg --import its public key as the user that runs this; GNUPGHOME names another keyring");
        } else if (!key.trouble.empty()) {
            verdict.add(Health::degraded, detail::key_name(key) + " " + key.trouble,
                        "it still opens old backups; import the renewed key, or name a successor: " + rekey);
        } else {
            ++usable;
            if (const std::string soon = detail::soon_over(key, config, now); !soon.empty())
                verdict.add(Health::degraded, detail::key_name(key) + " " + soon,
                            "ask its owner to renew it and import it here, or name a successor: " + rekey);
        }
    }
    if (keys.damage.empty() && usable < config.min_recipients)
        verdict.add(usable == 0 ? Health::unhealthy : Health::degraded,
                    std::to_string(usable) + (usable == 1 ? " key" : " keys") +
                        " can open the backups for certain, the least is " +
                        std::to_string(config.min_recipients),
                    rekey + (usable == 1 ? "; if one is enough: min_recipients = 1 in [health]" : ""));
    return verdict.take(std::to_string(usable) + (usable == 1 ? " key opens" : " keys open") +
                        " certificate " + keys.certificate.substr(0, 16));
}

inline HealthResult judge_signer(const KeyFacts& key, const HealthConfig& config, SystemSeconds now) {
    detail::HealthVerdict verdict("keys", "signing_key");
    const std::string renew = "gpg --quick-set-expire " + key.fingerprint + " 2y, or another signing_key";
    if (!key.is_known)
        verdict.add(Health::unhealthy,
                    "the secret part of " + detail::key_name(key) +
                        " is not in this keyring: no backup can be signed",
                    "run it as the user that runs the backups, with its GNUPGHOME; or gpg --import it");
    else if (!key.trouble.empty())
        verdict.add(Health::unhealthy,
                    detail::key_name(key) + " " + key.trouble + ": no backup can be signed", renew);
    else if (const std::string soon = detail::soon_over(key, config, now); !soon.empty())
        verdict.add(Health::degraded, detail::key_name(key) + " " + soon + "; then backups stop", renew);
    return verdict.take("key " + key.fingerprint + " can sign");
}

}  // namespace holdfast
