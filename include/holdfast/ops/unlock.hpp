// ops/unlock.hpp - how a private key comes into the process: by one gpg decryption, or from a file.
//
// Nothing happens before something sealed is read. The key then lies in locked memory, and no core file is written of the
// process. A file may hold the keys of several certificates, one PEM block after the other, and may be a pipe.
#pragma once

#include <memory>
#include <vector>

#include "holdfast/base/memory.hpp"
#include "holdfast/store/keyring.hpp"
#include "holdfast/wrap/gpg_crypt.hpp"

namespace holdfast::ops {

/// A private key that nobody else may read, whole. Throws: crypto.
inline SecretBytes read_key_file(const std::string& path) {
    const std::string what = "the key file " + in_quotes(path);
    try {
        const UniqueFd fd = open_fd(path, O_RDONLY);
        const struct stat st = stat_fd(fd.get(), "stat " + in_quotes(path));
        if ((st.st_mode & 077) != 0 || (st.st_uid != ::geteuid() && st.st_uid != 0))
            throw Error(
                Kind::crypto, what + " may be read by others, or is theirs",
                "chown it to the user that runs holdfast, chmod 600, and think about who has seen it");
        SecretBytes room(kMaxKeyText);
        const std::size_t n = read_full(fd.get(), room.writable(), "read " + in_quotes(path));
        return SecretBytes(room.view().first(n));
    } catch (const OsError& e) {
        throw Error(Kind::crypto, what + " cannot be read: " + e.what(),
                    "it is what gpg --decrypt prints of each keys/*.key.asc, in one file with mode 600");
    }
}

namespace detail {

/// The PEM blocks of private keys in `text`.
inline std::vector<ByteSpan> pem_keys(ByteSpan text) {
    std::vector<ByteSpan> out;
    const std::string_view all = as_text(text);
    static constexpr std::string_view kEnd = "PRIVATE KEY-----";
    for (std::size_t at = 0; (at = all.find("-----BEGIN ", at)) != std::string_view::npos;) {
        const std::size_t last = all.find("-----END ", at);
        const std::size_t end = last == std::string_view::npos ? last : all.find("-----", last + 9);
        if (end == std::string_view::npos) break;
        const std::string_view block = all.substr(at, end + 5 - at);
        if (block.ends_with(kEnd)) out.push_back(as_bytes(block));
        at = end + 5;
    }
    return out;
}

/// The one of several keys that opens what was sealed to `certificate`. Throws: crypto.
inline SecretBytes matching_key(ByteSpan text, const SealCertificate& certificate, const std::string& path) {
    const std::string what = "the key file " + in_quotes(path), hex = certificate.fingerprint().hex();
    const std::vector<ByteSpan> keys = pem_keys(text);
    if (keys.empty())
        throw Error(Kind::crypto, what + " holds no private key in PEM",
                    "gpg --decrypt keys/" + hex + ".key.asc prints it");
    for (const ByteSpan key : keys)
        if (SealKey::from_pem(key, what).belongs_to(certificate)) return SecretBytes(key);
    throw Error(Kind::crypto, what + " holds another key than that of certificate " + hex,
                "gpg --decrypt keys/" + hex + ".key.asc prints the right one");
}

inline SecretBytes unwrap_key(const fs::path& root, const Digest& certificate) {
    const std::string path = wrapped_key_path(root, certificate).string();
    const std::optional<std::string> wrapped = read_file_if_any(path, kMaxKeyText);
    if (!wrapped)
        throw Error(Kind::crypto, "the recovery key " + in_quotes(path) + " is missing",
                    "put it back from another copy of the repository or from the recovery kit");
    return gpg_decrypt(*wrapped, "the recovery key " + in_quotes(path));
}

}  // namespace detail

/// For Repository::open(): gives private keys from `key_file` or, if that is empty, by gpg from keys/.
inline Unlock make_unlocker(const fs::path& root, const std::string& key_file) {
    name_terminal();  // here, where no other thread can be reading the environment yet
    return [root = fs::absolute(root), key_file,
            text = std::make_shared<SecretBytes>()](const Digest& certificate) {
        forbid_core_dumps();
        lock_key_memory();  // best effort: a restore must not fail for it
        if (key_file.empty()) return detail::unwrap_key(root, certificate);
        if (text->empty()) *text = read_key_file(key_file);
        return detail::matching_key(text->view(), read_certificate(root, certificate), key_file);
    };
}

}  // namespace holdfast::ops
