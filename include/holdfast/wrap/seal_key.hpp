// wrap/seal_key.hpp - the key pair that objects are sealed with: an X.509 certificate and a private key, EC P-256.
//
// The certificate is only a container for the public key that `openssl cms` understands: nothing checks who signed it
// or when it ends. What it is known by is the SHA-256 of its DER form.
#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <utility>

#include "holdfast/base/secret.hpp"
#include "holdfast/wrap/digest.hpp"

namespace holdfast {

namespace detail {

template <auto Free>
struct OpensslFree {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<X509_free>>;

/// What OpenSSL says of the last failure, its queue emptied.
inline std::string openssl_reason() {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = ERR_reason_error_string(code);
    std::string out = reason != nullptr ? reason : "no reason given";
    ERR_clear_error();
    return out;
}
[[noreturn]] inline void throw_openssl(const std::string& tried, std::string hint = {}) {
    throw Error(Kind::crypto, tried + ": " + openssl_reason(), std::move(hint));
}

inline BioPtr reader_of(ByteSpan bytes) {
    BioPtr bio{BIO_new_mem_buf(bytes.empty() ? "" : static_cast<const void*>(bytes.data()),
                               static_cast<int>(bytes.size()))};
    if (bio == nullptr) throw_openssl("get memory");
    return bio;
}
inline ByteSpan content_of(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return {reinterpret_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

inline bool is_p256(const EVP_PKEY* key) {
    char group[32];
    return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
           std::string_view(group) == SN_X9_62_prime256v1;
}

}  // namespace detail

inline constexpr std::size_t kMaxKeyText = 64 * 1024;  // bytes of a PEM file

class SealCertificate {
public:
    /// `what` names the file in messages. Throws: crypto.
    static SealCertificate from_pem(std::string_view text, const std::string& what) {
        if (text.size() > kMaxKeyText) throw Error(Kind::crypto, what + " is too long for a certificate");
        SealCertificate out;
        out.x509_.reset(PEM_read_bio_X509(detail::reader_of(as_bytes(text)).get(), nullptr, nullptr, nullptr),
                        X509_free);
        if (out.x509_ == nullptr) detail::throw_openssl(what + " is not a certificate");
        const EVP_PKEY* const key = X509_get0_pubkey(out.x509_.get());
        if (key == nullptr || !detail::is_p256(key))
            throw Error(Kind::crypto, what + " has no key of the curve P-256");
        unsigned char* der = nullptr;
        const int size = i2d_X509(out.x509_.get(), &der);
        if (size <= 0) detail::throw_openssl("encode " + what);
        out.fingerprint_ = sha256(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
        OPENSSL_free(der);
        return out;
    }

    /// SHA-256 of its DER form: `openssl x509 -fingerprint -sha256` prints the same.
    const Digest& fingerprint() const noexcept { return fingerprint_; }
    X509* get() const noexcept { return x509_.get(); }

private:
    SealCertificate() = default;
    std::shared_ptr<X509> x509_;
    Digest fingerprint_;
};

class SealKey {
public:
    /// PKCS#8 or SEC1, not encrypted. Throws: crypto.
    static SealKey from_pem(ByteSpan text, const std::string& what) {
        if (text.size() > kMaxKeyText) throw Error(Kind::crypto, what + " is too long for a key");
        const auto no_passphrase = [](char*, int, int, void*) { return -1; };  // never ask on the terminal
        SealKey out;
        out.key_.reset(
            PEM_read_bio_PrivateKey(detail::reader_of(text).get(), nullptr, no_passphrase, nullptr),
            EVP_PKEY_free);
        if (out.key_ == nullptr)
            detail::throw_openssl(what + " is not a private key in PEM without a passphrase",
                                  "it is what gpg --decrypt prints of a file in keys/");
        if (!detail::is_p256(out.key_.get()))
            throw Error(Kind::crypto, what + " is no key of the curve P-256");
        return out;
    }
    bool belongs_to(const SealCertificate& certificate) const {
        const bool equal = EVP_PKEY_eq(X509_get0_pubkey(certificate.get()), key_.get()) == 1;
        ERR_clear_error();
        return equal;
    }
    EVP_PKEY* get() const noexcept { return key_.get(); }

private:
    SealKey() = default;
    std::shared_ptr<EVP_PKEY> key_;
};

struct NewSealKey {
    std::string certificate_pem;
    SecretBytes key_pem;  // PKCS#8
    Digest fingerprint;   // of the certificate
};

namespace detail {

inline void add_extension(X509* certificate, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>> extension{
        X509V3_EXT_conf_nid(nullptr, &context, nid, value)};
    if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1)
        throw_openssl("make a certificate");
}

inline CertificatePtr make_certificate(EVP_PKEY* key, const std::string& common_name) {
    CertificatePtr out{X509_new()};
    const std::unique_ptr<BIGNUM, OpensslFree<BN_free>> serial{BN_new()};
    const bool made = out != nullptr && serial != nullptr &&
                      X509_set_version(out.get(), X509_VERSION_3) == 1 &&
                      BN_rand(serial.get(), 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(out.get())) != nullptr &&
                      ASN1_TIME_set_string(X509_getm_notBefore(out.get()), "20000101000000Z") == 1 &&
                      ASN1_TIME_set_string(X509_getm_notAfter(out.get()), "99991231235959Z") == 1 &&
                      X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_UTF8,
                                                 reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                                 -1, -1, 0) == 1 &&
                      X509_set_issuer_name(out.get(), X509_get_subject_name(out.get())) == 1 &&
                      X509_set_pubkey(out.get(), key) == 1;
    if (!made) throw_openssl("make a certificate");
    add_extension(out.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(out.get(), NID_key_usage, "critical,keyAgreement");
    if (X509_sign(out.get(), key, EVP_sha256()) == 0) throw_openssl("sign a certificate");
    return out;
}

}  // namespace detail

/// From here on OpenSSL keeps private keys in memory that is never swapped out (its secure heap). False: the limit of the
/// process is too low.
inline bool lock_key_memory() {
    return CRYPTO_secure_malloc_initialized() != 0 || CRYPTO_secure_malloc_init(64 * 1024, 32) == 1;
}

/// A new pair. The private key lies in locked memory from the first moment (OpenSSL's secure heap). At most 64
/// characters of `common_name`. Throws: crypto.
inline NewSealKey make_seal_key(const std::string& common_name) {
    using namespace detail;
    if (!lock_key_memory())
        throw Error(Kind::crypto, "memory for a private key cannot be locked", "raise the limit: ulimit -l");
    const KeyPtr key{EVP_EC_gen(SN_X9_62_prime256v1)};
    if (key == nullptr) throw_openssl("make a key of the curve P-256");
    const CertificatePtr certificate = make_certificate(key.get(), common_name.substr(0, 64));
    const BioPtr text{BIO_new(BIO_s_mem())}, secret{BIO_new(BIO_s_secmem())};
    if (text == nullptr || secret == nullptr || PEM_write_bio_X509(text.get(), certificate.get()) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw_openssl("write a key");
    NewSealKey out{std::string(as_text(content_of(text.get()))), SecretBytes(content_of(secret.get())), {}};
    out.fingerprint = SealCertificate::from_pem(out.certificate_pem, "the new certificate").fingerprint();
    return out;
}

}  // namespace holdfast
