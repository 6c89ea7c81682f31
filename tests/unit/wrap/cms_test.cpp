#include "holdfast/wrap/cms.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "holdfast/base/process.hpp"

using namespace holdfast;

namespace {

struct Pair {
    SealCertificate certificate;
    SealKey key;
};
Pair new_pair() {
    const NewSealKey made = make_seal_key("holdfast test");
    return {SealCertificate::from_pem(made.certificate_pem, "c"),
            SealKey::from_pem(made.key_pem.view(), "k")};
}
Kind kind_of(const std::function<void()>& run) {
    try {
        run();
    } catch (const Error& e) {
        return e.kind();
    }
    return Kind::internal;
}

}  // namespace

TEST_CASE("what is sealed to a certificate opens with its key and with the session, byte for byte") {
    const Pair pair = new_pair();
    const SessionKey session;
    for (const std::size_t size : {0U, 1U, 15U, 16U, 4096U, 1U << 20U}) {
        Bytes plain(size);
        for (std::size_t i = 0; i < size; ++i) plain[i] = static_cast<std::byte>(i * 31 >> 3);
        const Bytes sealed = cms_seal(plain, pair.certificate, session);
        CHECK(SealedMessage(sealed).is_for(pair.certificate));
        CHECK(SealedMessage(sealed).is_of(session));
        SealedMessage by_key(sealed), by_session(sealed);
        CHECK(std::ranges::equal(by_key.open(pair.key), plain));
        CHECK(std::ranges::equal(by_session.open(session), plain));
        CHECK(sealed.size() < size + 800);
    }
}

TEST_CASE("a certificate and its key know each other, and the fingerprint is that of the DER form") {
    const Pair one = new_pair(), other = new_pair();
    CHECK(one.key.belongs_to(one.certificate));
    CHECK_FALSE(one.key.belongs_to(other.certificate));
    CHECK(one.certificate.fingerprint() != other.certificate.fingerprint());
}

TEST_CASE("equal plain data sealed twice has unrelated bytes") {
    const Pair pair = new_pair();
    const SessionKey session;
    const Bytes plain(4096);
    const Bytes a = cms_seal(plain, pair.certificate, session),
                b = cms_seal(plain, pair.certificate, session);
    const auto run = std::search(a.begin(), a.end(), b.end() - 64, b.end());  // of the encrypted content
    CHECK(run == a.end());
}

TEST_CASE("another key or another session does not open it") {
    const Pair pair = new_pair(), other = new_pair();
    const SessionKey session, later;
    const Bytes sealed = cms_seal(as_bytes("books"), pair.certificate, session);
    CHECK_FALSE(SealedMessage(sealed).is_for(other.certificate));
    CHECK_FALSE(SealedMessage(sealed).is_of(later));
    CHECK(kind_of([&] { SealedMessage(sealed).open(other.key); }) == Kind::crypto);
    CHECK(kind_of([&] { SealedMessage(sealed).open(later); }) == Kind::crypto);
}

TEST_CASE("no flipped bit of a message passes for the data") {
    const Pair pair = new_pair();
    const SessionKey session;
    const Bytes plain(as_bytes("the books of the company").begin(),
                      as_bytes("the books of the company").end());
    const Bytes sealed = cms_seal(plain, pair.certificate, session);
    const std::size_t content =
        sealed.size() - plain.size() - 18;  // the data, then 16 bytes of tag in an OCTET STRING
    for (std::size_t at = 0; at < sealed.size(); ++at) {
        Bytes changed = sealed;
        changed[at] ^= std::byte{0x10};
        std::optional<Bytes> opened;
        try {
            SealedMessage message(changed);
            const ByteSpan bytes = message.open(pair.key);
            opened.emplace(bytes.begin(), bytes.end());
        } catch (const Error& e) {
            CHECK((e.kind() == Kind::corrupt || e.kind() == Kind::crypto));
        }
        // A flip in what is not asked (the session's recipient, the issuer's name) does no harm: then it is the data.
        if (opened) CHECK(*opened == plain);
        if (at >= content) CHECK_FALSE(opened);
    }
}

TEST_CASE("a message of another cipher than AES-256-GCM is refused before it is opened") {
    const Pair pair = new_pair();
    const Bytes plain(100);
    for (const EVP_CIPHER* cipher : {EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm()}) {
        const detail::CmsPtr cms{CMS_AuthEnvelopedData_create(cipher)};
        REQUIRE(CMS_add1_recipient_cert(cms.get(), pair.certificate.get(), CMS_KEY_PARAM) != nullptr);
        CMS_set_detached(cms.get(), 0);
        const detail::BioPtr content = detail::writer_of(plain.size() + 64);
        REQUIRE(CMS_final(cms.get(), detail::reader_of(plain).get(), content.get(), CMS_BINARY) == 1);
        unsigned char* der = nullptr;
        const int size = i2d_CMS_ContentInfo(cms.get(), &der);
        REQUIRE(size > 0);
        const Bytes sealed(reinterpret_cast<std::byte*>(der), reinterpret_cast<std::byte*>(der) + size);
        OPENSSL_free(der);
        const Kind kind = kind_of([&] { SealedMessage(sealed).open(pair.key); });
        CHECK(kind ==
              (cipher == EVP_aes_256_gcm() ? Kind::internal : Kind::corrupt));  // internal: nothing thrown
    }
}

TEST_CASE("a message that is cut short or has something behind it is refused") {
    const Pair pair = new_pair();
    const SessionKey session;
    const Bytes sealed = cms_seal(Bytes(1000), pair.certificate, session);
    for (std::size_t size = 0; size < sealed.size(); size += 7)
        CHECK(kind_of([&] { SealedMessage(ByteSpan(sealed).first(size)); }) == Kind::corrupt);
    Bytes longer = sealed;
    longer.push_back(std::byte{0});
    CHECK(kind_of([&] { SealedMessage{ByteSpan(longer)}; }) == Kind::corrupt);
}

TEST_CASE("texts that are no keys are refused with their name") {
    CHECK(kind_of([] { SealCertificate::from_pem("-----BEGIN CERTIFICATE-----\n", "c"); }) == Kind::crypto);
    CHECK(kind_of([] { SealKey::from_pem(as_bytes("no key"), "k"); }) == Kind::crypto);
    CHECK(kind_of([] { SealKey::from_pem(Bytes(kMaxKeyText + 1), "k"); }) == Kind::crypto);
}
