#include "holdfast/wrap/gpg_sign.hpp"

#include "support/catch_error.hpp"
#include "support/gnupg_home.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

const std::string kText = "0123  manifest.json\n4567  summary.txt\n";

}  // namespace

TEST_CASE(
    "gpg_sign: a signature is good for its text alone, and names the primary key, RSA or elliptic curve") {
    const GnupgHome home;
    for (const std::string& key : {home.make_key("host@example.com"), home.make_rsa_key("rsa@example.com")}) {
        const std::string signature = gpg_sign(kText, key);
        CHECK(signature.starts_with("-----BEGIN PGP SIGNATURE-----\n"));
        const GpgSignature good = gpg_verify(kText, signature);
        CHECK(good.state == SignatureState::good);
        CHECK(good.fingerprint == key);
        for (const std::string& other : {kText + "\n", kText.substr(1), std::string()}) {
            const GpgSignature bad = gpg_verify(other, signature);
            CHECK(bad.state == SignatureState::bad);
            CHECK(contains(bad.reason, "Bad signature"));
        }
    }
}

TEST_CASE("gpg_sign: a subkey that signs is told by its primary key") {
    const GnupgHome home;
    const std::string key = home.make_key("host@example.com", "ed25519", "--passphrase ''", "never", "cert");
    home.gpg("--passphrase '' --quick-add-key " + key + " ed25519 sign never");
    CHECK(gpg_verify(kText, gpg_sign(kText, key)).fingerprint == key);
}

TEST_CASE(
    "gpg_sign: without the key nothing is said; a revoked key's signature is bad; an expired one's stays "
    "good") {
    std::string signature, key;
    {
        const GnupgHome other;
        key = other.make_key("host@example.com");
        signature = gpg_sign(kText, key);
        other.revoke(key);
        const GpgSignature revoked = gpg_verify(kText, signature);
        CHECK(revoked.state == SignatureState::bad);
        CHECK(revoked.fingerprint == key);
        CHECK(contains(revoked.reason, "revoked"));
    }
    const GnupgHome home;
    const GpgSignature unknown = gpg_verify(kText, signature);
    CHECK(unknown.state == SignatureState::unknown_key);
    CHECK(contains(key, unknown.fingerprint));

    const std::string past = "--faked-system-time 20200101T000000 ";
    const std::string old =
        home.make_key("old@example.com", "future-default", past + "--passphrase ''", "2021-01-01");
    const std::string file = home.dir().write("text", kText).string();
    const std::string then = home.gpg(past + "--armor -u " + old + " -o - --detach-sign " + file);
    CHECK(gpg_verify(kText, then).state == SignatureState::good);
    CHECK(gpg_verify(kText, then).fingerprint == old);
    const Error refused = catch_error([&] { gpg_sign(kText, old); });
    CHECK(refused.kind() == Kind::crypto);
    CHECK(contains(refused.what(), "sign with key " + old));
}

TEST_CASE("gpg_sign: what is no signature, or several, or has a text of its own is bad") {
    const GnupgHome home;
    const std::string a = home.make_key("a@example.com"), b = home.make_key("b@example.com");
    const std::string file = home.dir().write("text", kText).string();
    const std::string two = home.gpg("--armor -u " + a + " -u " + b + " -o - --detach-sign " + file);
    CHECK(contains(gpg_verify(kText, two).reason, "more than one"));
    const std::string clear = home.gpg("-u " + a + " -o - --clear-sign " + file);
    const std::string whole = home.gpg("--armor -u " + a + " -o - --sign " + file);
    for (const std::string& text :
         {std::string(), std::string("no signature"), clear, whole, home.gpg("--armor --export " + a),
          std::string(100'000, 'x'), gpg_sign(kText, a).substr(0, 100)}) {
        CAPTURE(text.substr(0, 60));
        CHECK(gpg_verify(kText, text).state == SignatureState::bad);
    }
}
