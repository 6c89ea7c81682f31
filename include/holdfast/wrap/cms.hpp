// wrap/cms.hpp - a piece of data sealed to a certificate: CMS AuthEnvelopedData with AES-256-GCM (RFC 5083, RFC 5084).
//
// Every message has a random key and nonce of its own. Two recipients can open it: the private key of the certificate
// (ECDH with SHA-256, AES-256 key wrap; RFC 5753), as `openssl cms -decrypt -inform DER -inkey key.pem` does, and the
// process that sealed it, by a session key that it never writes down: so it can check what it made.
#pragma once

#include <openssl/cms.h>
#include <openssl/rand.h>

#include <array>

#include "holdfast/wrap/seal_key.hpp"

namespace holdfast {

/// What a process opens its own messages with: a key encryption key (RFC 5652, 6.2.3) and the id that names it.
class SessionKey {
public:
    /// A new one. Throws: crypto.
    SessionKey() : key_(32) {
        if (RAND_bytes(reinterpret_cast<unsigned char*>(key_.writable().data()), 32) != 1 ||
            RAND_bytes(reinterpret_cast<unsigned char*>(id_.data()), static_cast<int>(id_.size())) != 1)
            detail::throw_openssl("get random bytes");
    }
    /// A copy that OpenSSL frees.
    unsigned char* new_key() const { return copy(key_.view()); }
    unsigned char* new_id() const { return copy(id_); }
    const std::array<std::byte, 16>& id() const noexcept { return id_; }
    static constexpr std::size_t kKeyBytes = 32;

private:
    static unsigned char* copy(ByteSpan bytes) {
        auto* const out = static_cast<unsigned char*>(OPENSSL_memdup(bytes.data(), bytes.size()));
        if (out == nullptr) detail::throw_openssl("get memory");
        return out;
    }
    SecretBytes key_;
    std::array<std::byte, 16> id_{};
};

namespace detail {

using CmsPtr = std::unique_ptr<CMS_ContentInfo, OpensslFree<CMS_ContentInfo_free>>;

/// Memory to write to that need not grow up to `size` bytes: growing copies and wipes, which takes longer than AES.
inline BioPtr writer_of(std::size_t size) {
    BioPtr bio{BIO_new(BIO_s_mem())};
    BUF_MEM* memory = nullptr;
    if (bio == nullptr || BIO_get_mem_ptr(bio.get(), &memory) != 1 || BUF_MEM_grow(memory, size) == 0)
        throw_openssl("get memory");
    BUF_MEM_grow(memory, 0);  // empty again; the memory stays
    return bio;
}

}  // namespace detail

/// DER. At most 1 GiB of `plain`. Throws: crypto.
inline Bytes cms_seal(ByteSpan plain, const SealCertificate& certificate, const SessionKey& session) {
    using namespace detail;
    static const char* const kTried = "seal data";
    const CmsPtr cms{CMS_AuthEnvelopedData_create(EVP_aes_256_gcm())};
    if (cms == nullptr) throw_openssl(kTried);
    CMS_RecipientInfo* const recipient = CMS_add1_recipient_cert(cms.get(), certificate.get(), CMS_KEY_PARAM);
    EVP_PKEY_CTX* const agreement =
        recipient != nullptr ? CMS_RecipientInfo_get0_pkey_ctx(recipient) : nullptr;
    if (agreement == nullptr || EVP_PKEY_CTX_set_ecdh_kdf_md(agreement, EVP_sha256()) != 1)
        throw_openssl(kTried);
    unsigned char* const key = session.new_key();
    unsigned char* const id = session.new_id();
    if (CMS_add0_recipient_key(cms.get(), NID_id_aes256_wrap, key, SessionKey::kKeyBytes, id,
                               session.id().size(), nullptr, nullptr, nullptr) == nullptr) {
        OPENSSL_clear_free(key, SessionKey::kKeyBytes);
        OPENSSL_free(id);
        throw_openssl(kTried);
    }
    CMS_set_detached(cms.get(), 0);
    const BioPtr content = writer_of(plain.size() + 64);  // the message takes the memory over
    if (CMS_final(cms.get(), reader_of(plain).get(), content.get(), CMS_BINARY) != 1) throw_openssl(kTried);
    const int size = i2d_CMS_ContentInfo(cms.get(), nullptr);
    if (size <= 0) throw_openssl(kTried);
    Bytes out(static_cast<std::size_t>(size));
    auto* at = reinterpret_cast<unsigned char*>(out.data());
    if (i2d_CMS_ContentInfo(cms.get(), &at) != size) throw_openssl(kTried);
    return out;
}

namespace detail {

/// What the content of a message is encrypted with, which OpenSSL does not tell before it is decrypted: the algorithm in
/// ContentInfo > [0] > AuthEnvelopedData > authEncryptedContentInfo (RFC 5083). NID_undef if it is not found.
inline int cipher_of(ByteSpan der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const unsigned char* end = at + der.size();
    // Goes into the element at `at`, or behind it.
    const auto step = [&](int tag, bool enter) {
        long length = 0;
        int found = 0, of_class = 0;
        const unsigned char* const begin = at;
        const int flags = ASN1_get_object(&at, &length, &found, &of_class, end - at);
        if ((flags & 0x81) != 0 || found != tag)
            return at = begin, false;  // an error, or of no stated length
        enter ? end = at + length : at += length;
        return true;
    };
    const bool is_there = step(V_ASN1_SEQUENCE, true) && step(V_ASN1_OBJECT, false) && step(0, true) &&
                          step(V_ASN1_SEQUENCE, true) && step(V_ASN1_INTEGER, false) &&
                          (step(0, false), step(V_ASN1_SET, false)) && step(V_ASN1_SEQUENCE, true) &&
                          step(V_ASN1_OBJECT, false) && step(V_ASN1_SEQUENCE, true);
    ASN1_OBJECT* const cipher = is_there ? d2i_ASN1_OBJECT(nullptr, &at, end - at) : nullptr;
    const int nid = cipher != nullptr ? OBJ_obj2nid(cipher) : NID_undef;
    ASN1_OBJECT_free(cipher);
    ERR_clear_error();
    return nid;
}

}  // namespace detail

/// A message that was read and not yet opened. Used by one thread.
class SealedMessage {
public:
    /// Nothing but one whole message of our kind. Throws: corrupt.
    explicit SealedMessage(ByteSpan der) : size_(der.size()) {
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        const auto* const end = at + der.size();
        cms_.reset(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size())));
        const bool is_ours = cms_ != nullptr && at == end &&
                             OBJ_obj2nid(CMS_get0_type(cms_.get())) == NID_id_smime_ct_authEnvelopedData &&
                             detail::cipher_of(der) == NID_aes_256_gcm;
        ERR_clear_error();
        if (!is_ours) throw Error(Kind::corrupt, "sealed data is not a CMS message of authenticated data");
    }

    bool is_for(const SealCertificate& certificate) const {
        return find([&](CMS_RecipientInfo* recipient) {
                   if (CMS_RecipientInfo_type(recipient) != CMS_RECIPINFO_AGREE) return false;
                   STACK_OF(CMS_RecipientEncryptedKey)* const keys =
                       CMS_RecipientInfo_kari_get0_reks(recipient);
                   for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); ++i)
                       if (CMS_RecipientEncryptedKey_cert_cmp(sk_CMS_RecipientEncryptedKey_value(keys, i),
                                                              certificate.get()) == 0)
                           return true;
                   return false;
               }) != nullptr;
    }
    bool is_of(const SessionKey& session) const { return find_session(session) != nullptr; }

    /// The plain bytes, after the tag was checked; they live as long as the message. Throws: crypto (another key), corrupt.
    ByteSpan open(const SealKey& key) {
        if (CMS_decrypt_set1_pkey(cms_.get(), key.get(), nullptr) != 1)
            detail::throw_openssl("sealed data does not open with this key");
        return content();
    }
    ByteSpan open(const SessionKey& session) {
        CMS_RecipientInfo* const recipient = find_session(session);
        if (recipient == nullptr ||
            CMS_RecipientInfo_set0_key(recipient, session.new_key(), SessionKey::kKeyBytes) != 1 ||
            CMS_RecipientInfo_decrypt(cms_.get(), recipient) != 1)
            detail::throw_openssl("sealed data does not open with the key of this process");
        return content();
    }

private:
    template <class Match>
    CMS_RecipientInfo* find(const Match& match) const {
        STACK_OF(CMS_RecipientInfo)* const all = CMS_get0_RecipientInfos(cms_.get());
        for (int i = 0; i < sk_CMS_RecipientInfo_num(all); ++i)
            if (match(sk_CMS_RecipientInfo_value(all, i))) return sk_CMS_RecipientInfo_value(all, i);
        return nullptr;
    }
    CMS_RecipientInfo* find_session(const SessionKey& session) const {
        return find([&](CMS_RecipientInfo* recipient) {
            return CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_KEK &&
                   CMS_RecipientInfo_kekri_id_cmp(recipient,
                                                  reinterpret_cast<const unsigned char*>(session.id().data()),
                                                  session.id().size()) == 0;
        });
    }
    ByteSpan content() {
        plain_ = detail::writer_of(size_);
        if (CMS_decrypt(cms_.get(), nullptr, nullptr, nullptr, plain_.get(), CMS_BINARY) != 1) {
            ERR_clear_error();
            throw Error(Kind::corrupt, "sealed data was changed: its authentication tag is wrong");
        }
        return detail::content_of(plain_.get());
    }

    std::size_t size_;
    detail::CmsPtr cms_;
    detail::BioPtr plain_;
};

}  // namespace holdfast
