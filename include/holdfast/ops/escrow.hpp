// ops/escrow.hpp - who can open a sealed repository: new keys, the same keys for other people, a new pair for what comes.
//
// A private key exists in this process's locked memory only, from its making to its encryption to the recipients. One
// recipient alone is a key that one accident can lose, so there must be two, or somebody must say that one is enough.
#pragma once

#include <algorithm>

#include "holdfast/base/host_name.hpp"
#include "holdfast/ops/init.hpp"
#include "holdfast/ops/unlock.hpp"

namespace holdfast::ops {

enum class Escrow { needed, waived };

/// The keys that `specs` mean, each once. Throws: refused (only one), usage, crypto, config.
inline std::vector<GpgKey> choose_recipients(const std::vector<std::string>& specs, Escrow escrow) {
    std::vector<GpgKey> out;
    for (const std::string& spec : specs) {
        GpgKey key = find_recipient(spec);
        const bool is_known = std::any_of(out.begin(), out.end(), [&](const GpgKey& other) {
            return other.fingerprint == key.fingerprint;
        });
        if (!is_known) out.push_back(std::move(key));
    }
    if (out.size() == 1 && escrow == Escrow::needed)
        throw Error(Kind::refused,
                    "only one key could open the backups: " + out[0].fingerprint + " (" + out[0].user + ")",
                    "name a second --recipient whose key is kept somewhere else, or say --no-escrow");
    return out;
}

namespace detail {

inline constexpr std::string_view kRecipientLine = "Comment: recipient ";

/// Armored, with a header line for each recipient: a subkey's id in the message tells few people whose it is.
inline std::string wrap_key(ByteSpan key_pem, const std::vector<GpgKey>& recipients) {
    std::vector<std::string> fingerprints;
    std::string lines;
    for (const GpgKey& key : recipients) {
        fingerprints.push_back(key.fingerprint);
        lines += std::string(kRecipientLine) + key.fingerprint + " " + key.user + "\n";
    }
    std::string armored = gpg_encrypt(key_pem, fingerprints);
    const std::size_t first = armored.find('\n');
    if (!armored.starts_with("-----BEGIN PGP MESSAGE-----") || first == std::string::npos)
        throw Error(Kind::crypto, "gpg wrote something else than an armored message");
    return armored.insert(first + 1, lines);
}

inline std::vector<std::string> fingerprints_of(const std::vector<GpgKey>& recipients) {
    std::vector<std::string> out;
    for (const GpgKey& key : recipients) out.push_back(key.fingerprint);
    return out;
}

inline Json recipients_json(const std::vector<GpgKey>& recipients) {
    Json out = Json::array();
    for (const GpgKey& key : recipients) out.push_back(key.fingerprint);
    return out;
}

/// Throws: refused.
inline Keyring& keyring_of(const Repository& repository) {
    if (repository.keyring() != nullptr) return *repository.keyring();
    throw Error(
        Kind::refused, in_quotes(repository.root().string()) + " is not encrypted: it has no keys",
        "encryption is chosen when a repository is made: init --repo DIR --recipient A --recipient B");
}

}  // namespace detail

/// Whom a wrapped key says it is encrypted to; nothing proves it but their keys.
inline std::vector<GpgKey> recipients_of(std::string_view wrapped) {
    std::vector<GpgKey> out;
    for (const std::string_view line : split(wrapped, '\n')) {
        if (line.empty()) break;  // the end of the headers
        if (!line.starts_with(detail::kRecipientLine)) continue;
        const std::string_view rest = line.substr(detail::kRecipientLine.size());
        const std::size_t blank = std::min(rest.find(' '), rest.size());
        out.push_back(
            {printable(rest.substr(0, blank)), printable(rest.substr(std::min(blank + 1, rest.size())))});
    }
    return out;
}

/// A new pair for init() or rotate(). Throws: crypto, config.
inline SealKeys make_keys_for(const std::vector<GpgKey>& recipients) {
    forbid_core_dumps();
    const NewSealKey pair = make_seal_key("holdfast backups of " + host_name());
    return {pair.certificate_pem, detail::wrap_key(pair.key_pem.view(), recipients), pair.fingerprint,
            detail::fingerprints_of(recipients)};
}

struct Rekeyed {
    std::vector<Digest> certificates;      // whose keys have the new recipients
    std::vector<std::string> not_rekeyed;  // why older ones keep theirs
};

/// Encrypts every recovery key to other people. Objects are not touched; who had a key and copied it still has it. `unlock`
/// opens them once more. Throws: refused (not sealed), crypto (the current key), busy, io.
inline Rekeyed rekey(const Repository& repository, const Unlock& unlock,
                     const std::vector<GpgKey>& recipients, std::chrono::seconds lock_wait) {
    const Digest current = detail::keyring_of(repository).current();
    const fs::path& root = repository.root();
    Rekeyed done;
    std::vector<std::string> wrapped;
    std::vector<Digest> all = certificate_fingerprints(root);
    // Last: a run that is killed before has not shut out whoever runs it again.
    std::stable_partition(all.begin(), all.end(), [&](const Digest& d) { return d != current; });
    for (const Digest& fingerprint : all) {
        try {
            const SealCertificate certificate = read_certificate(root, fingerprint);
            const SecretBytes key = unlock(fingerprint);
            if (!SealKey::from_pem(key.view(), "the recovery key").belongs_to(certificate))
                throw Error(Kind::crypto, in_quotes(wrapped_key_path(root, fingerprint).string()) +
                                              " holds another key than that of its certificate");
            wrapped.push_back(detail::wrap_key(key.view(), recipients));
            done.certificates.push_back(fingerprint);
        } catch (const Error& e) {
            if (fingerprint == current || e.kind() != Kind::crypto) throw;
            done.not_rekeyed.push_back("certificate " + fingerprint.hex() + ": " + e.what());
        }
    }
    LedgerWriter ledger(repository, lock_wait);
    auto pin = detail::read_pin(detail::pin_path(repository.id()));
    if (pin && pin->certificate == current) {  // killed from here on, this host knows either file
        pin->wrapped.push_back(sha256(wrapped.back()));
        detail::write_pin(*pin);
    } else {
        pin.reset();
    }
    for (std::size_t i = 0; i < wrapped.size(); ++i)
        publish_file(wrapped_key_path(root, done.certificates[i]), as_bytes(wrapped[i]));
    Json certificates = Json::array();
    for (const Digest& fingerprint : done.certificates) certificates.push_back(fingerprint.hex());
    if (pin) pin_certificate(repository, detail::fingerprints_of(recipients));
    ledger.append("rekeyed", "",
                  {{"certificates", certificates},
                   {"recipients", detail::recipients_json(recipients)},
                   {"wrapped_sha256", detail::wrapped_digest(root, current)->hex()}});
    return done;
}

/// The people whom the current key is for, as long as their keys can be used. What its file says of them nobody proves, so they
/// must be those that this host chose, or saw chosen. Throws: refused (others, or not known here), crypto.
inline std::vector<GpgKey> current_recipients(const Repository& repository) {
    const Digest& current = detail::keyring_of(repository).current();
    const std::string path = wrapped_key_path(repository.root(), current).string();
    std::vector<std::string> fingerprints;
    for (const GpgKey& key : recipients_of(read_file_if_any(path, kMaxKeyText).value_or("")))
        fingerprints.push_back(key.fingerprint);
    const auto pin = detail::find_pin(repository);
    const bool is_own = pin && pin->repository == repository.id() && pin->certificate == current;
    std::vector<std::string> known = is_own ? pin->recipients : std::vector<std::string>{};
    const std::string hint = "name them: --recipient A --recipient B";
    if (known.empty())
        throw Error(Kind::refused, "this host does not know whom the recovery key is for", hint);
    std::sort(known.begin(), known.end());
    std::sort(fingerprints.begin(), fingerprints.end());
    if (fingerprints != known)
        throw Error(Kind::refused,
                    in_quotes(path) +
                        " says that it is for others than this host knows: somebody changed it, or "
                        "rekeyed elsewhere",
                    "compare with the recovery kit, then " + hint);
    return choose_recipients(fingerprints, Escrow::waived);
}

/// A new pair for what is stored from now on; old objects stay readable with the old one. This host expects the new
/// certificate from now on. Throws: refused (not sealed, or not the certificate that this host expects), crypto, busy, io.
inline Repository rotate(const Repository& repository, const std::vector<GpgKey>& recipients,
                         const std::optional<Digest>& expected, std::chrono::seconds lock_wait) {
    const Digest old = detail::keyring_of(repository).current();
    check_certificate(repository, expected);
    const SealKeys keys = make_keys_for(recipients);
    LedgerWriter ledger(repository, lock_wait);
    const fs::path path = repository.root() / "format.json";
    Json format = parse_json(read_file(path, 64_KiB), in_quotes(path.string()));
    write_seal_keys(repository.root(), keys);
    const Json rotation = {{"certificate", keys.fingerprint.hex()},
                           {"replaces", old.hex()},
                           {"recipients", detail::recipients_json(recipients)}};
    // Whenever this process dies, the host knows what it finds: check_certificate() finishes what took effect.
    detail::CertificatePin pin{repository.id(), json_text(repository.root().string()), old};
    if (const auto before = detail::read_pin(detail::pin_path(repository.id()))) pin = *before;
    pin.certificate = old;
    pin.rotation = rotation;
    detail::write_pin(pin);
    format["certificate"] = keys.fingerprint.hex();
    publish_file(path, as_bytes(dump_json(format, 2) + "\n"));
    ledger.append("rotated", "", rotation);
    Repository rotated = Repository::open(repository.root());
    pin_certificate(rotated, detail::fingerprints_of(recipients));
    return rotated;
}

}  // namespace holdfast::ops
