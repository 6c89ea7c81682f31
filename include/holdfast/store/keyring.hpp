// store/keyring.hpp - the keys of a sealed repository: what it seals to, and what opens what was sealed.
//
// keys/<fingerprint>.crt is a certificate named by the SHA-256 of its DER form, keys/<fingerprint>.key.asc its private key,
// encrypted to people by OpenPGP. To seal takes the current certificate; to open takes a private key, asked for once, and
// only when something sealed by another process is read. docs/format.md, "Sealed objects".
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "holdfast/base/disk.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/wrap/cms.hpp"

namespace holdfast {

/// The private key of a certificate as PEM text. Throws: crypto.
using Unlock = std::function<SecretBytes(const Digest& certificate)>;

inline fs::path certificate_path(const fs::path& root, const Digest& fingerprint) {
    return root / "keys" / (fingerprint.hex() + ".crt");
}
inline fs::path wrapped_key_path(const fs::path& root, const Digest& fingerprint) {
    return root / "keys" / (fingerprint.hex() + ".key.asc");
}

/// Held against the name it goes by. Throws: crypto, io.
inline SealCertificate read_certificate(const fs::path& root, const Digest& fingerprint) {
    const std::string path = certificate_path(root, fingerprint).string();
    const std::optional<std::string> text = read_file_if_any(path, kMaxKeyText);
    if (!text)
        throw Error(Kind::crypto, "the certificate " + in_quotes(path) + " is missing",
                    "every copy of the repository has it; nothing can be sealed without it");
    SealCertificate certificate = SealCertificate::from_pem(*text, in_quotes(path));
    if (certificate.fingerprint() != fingerprint)
        throw Error(Kind::crypto,
                    in_quotes(path) + " is another certificate: its fingerprint is " +
                        certificate.fingerprint().hex(),
                    "somebody replaced it: find out who before the next backup");
    return certificate;
}

inline constexpr std::size_t kMaxCertificates = 1000;

/// Of all pairs in keys/, also those that new frames are not sealed to any more. Throws: io.
inline std::vector<Digest> certificate_fingerprints(const fs::path& root) {
    std::vector<Digest> out;
    for (const std::string& name : list_directory(root / "keys")) {
        if (!name.ends_with(".crt") || out.size() == kMaxCertificates) continue;
        if (const auto digest = Digest::parse(name.substr(0, name.size() - 4))) out.push_back(*digest);
    }
    return out;
}

/// Thread-safe.
class Keyring {
public:
    Keyring(fs::path root, const Digest& current, Unlock unlock)
        : root_(std::move(root)), current_(current), unlock_(std::move(unlock)) {}

    /// Of the certificate that new frames are sealed to.
    const Digest& current() const noexcept { return current_; }

    /// Sealed, opened again and compared. Throws: crypto, corrupt, io.
    Bytes seal(ByteSpan plain) {
        Bytes sealed = cms_seal(plain, certificate(), session_);
        SealedMessage again(sealed);
        if (!std::ranges::equal(again.open(session_), plain))
            throw Error(Kind::corrupt, "sealed data did not open to what went in; nothing of it was stored",
                        "this machine's memory or OpenSSL may be faulty: run a memory test");
        return sealed;
    }

    /// Calls `use` with the plain bytes. Throws: corrupt, crypto (no key, or another one).
    template <class Use>
    void open(ByteSpan sealed, const Use& use) {
        SealedMessage message(sealed);
        if (message.is_of(session_))
            use(message.open(session_));
        else
            use(message.open(key_for(message)));
    }

    /// Asks for the current key now, so that what needs it fails before it has begun. Throws: crypto.
    void unlock_current() {
        const std::lock_guard guard(mutex_);
        unlock(read_certificate(root_, current_));
    }

private:
    const SealCertificate& certificate() {
        const std::lock_guard guard(mutex_);
        if (!certificate_) certificate_ = read_certificate(root_, current_);
        return *certificate_;
    }
    SealKey key_for(const SealedMessage& message) {
        const std::lock_guard guard(mutex_);
        for (const auto& [certificate, key] : keys_)
            if (message.is_for(certificate)) return key;
        for (const Digest& fingerprint : fingerprints()) {
            const auto certificate = certificate_if_whole(fingerprint);
            if (certificate && message.is_for(*certificate)) return unlock(*certificate);
        }
        throw Error(Kind::crypto, "data is sealed to a certificate that keys/ does not have",
                    "was it copied here from another repository, or is keys/ not complete?");
    }
    /// What somebody put beside the certificates must not keep others from being used.
    std::optional<SealCertificate> certificate_if_whole(const Digest& fingerprint) const {
        try {
            return read_certificate(root_, fingerprint);
        } catch (const Error& e) {
            if (e.kind() != Kind::crypto) throw;
            return std::nullopt;
        }
    }
    /// Asks at most once for each certificate. The caller holds the lock.
    SealKey unlock(const SealCertificate& certificate) {
        for (const auto& [known, key] : keys_)
            if (known.fingerprint() == certificate.fingerprint()) return key;
        if (!unlock_)
            throw Error(Kind::crypto, "the repository is sealed and no key is used here",
                        "who holds a recovery key can read it");
        const std::string hex = certificate.fingerprint().hex();
        if (refused_.contains(certificate.fingerprint()))
            throw Error(Kind::crypto, "the recovery key of certificate " + hex + " could not be had before",
                        "see the first message");
        refused_.insert(
            certificate.fingerprint());  // until it worked: nobody wants to be asked for each object
        const SecretBytes text = unlock_(certificate.fingerprint());
        SealKey key = SealKey::from_pem(text.view(), "the recovery key of certificate " + hex);
        if (!key.belongs_to(certificate))
            throw Error(Kind::crypto, "the key that was given is not the recovery key of certificate " + hex,
                        "keys/" + hex + ".key.asc holds the right one");
        keys_.emplace_back(certificate, key);
        refused_.erase(certificate.fingerprint());
        return key;
    }
    std::vector<Digest> fingerprints() const { return certificate_fingerprints(root_); }

    fs::path root_;
    Digest current_;
    Unlock unlock_;
    SessionKey session_;
    std::mutex mutex_;
    std::optional<SealCertificate> certificate_;
    std::vector<std::pair<SealCertificate, SealKey>> keys_;
    std::set<Digest> refused_;
};

}  // namespace holdfast
