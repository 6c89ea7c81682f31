#include "holdfast/wrap/gpg_keys.hpp"

#include "support/catch_error.hpp"
#include "support/gnupg_home.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

std::string spaced(const std::string& fingerprint) {
    std::string out;
    for (std::size_t i = 0; i < fingerprint.size(); i += 4) out += fingerprint.substr(i, 4) + " ";
    return out;
}

}  // namespace

TEST_CASE("gpg_keys: a fingerprint, a key id and an address that is trusted find the one key") {
    const GnupgHome home;
    const std::string ops = home.make_key("Ops <ops@example.com>");
    const std::string rsa = home.make_rsa_key("escrow@example.com");
    for (const std::string& spec :
         {ops, "0x" + ops, spaced(ops), ops.substr(24), "0x" + ops.substr(32), std::string("ops@example.com"),
          std::string("OPS@example.com"), std::string("Somebody <ops@example.com>")}) {
        CAPTURE(spec);
        CHECK(find_recipient(spec).fingerprint == ops);
    }
    CHECK(find_recipient(ops).user == "Ops <ops@example.com>");
    CHECK(find_recipient("escrow@example.com").fingerprint == rsa);
    CHECK(find_signing_key(ops).fingerprint == ops);
}

TEST_CASE("gpg_keys: part of an address finds nobody, and what is no name of a key is wrong usage") {
    const GnupgHome home;
    home.make_key("Ops <ops@example.com>");
    const Error part = catch_error([] { find_recipient("ps@example.com"); });
    CHECK(part.kind() == Kind::crypto);
    CHECK(contains(part.what(), "recipient 'ps@example.com': the keyring " + home.dir().path().string() +
                                    " has no such key"));
    CHECK(contains(part.hint(), "gpg --import FILE"));
    for (const char* spec :
         {"", "Ops", "--list-keys", "@", "ops@", "@example.com", "12345", "a b@example.com"}) {
        CAPTURE(spec);
        CHECK(catch_error([&] { find_recipient(spec); }).kind() == Kind::usage);
    }
}

TEST_CASE("gpg_keys: an expired, revoked, disabled or sign-only key is named with the reason") {
    const GnupgHome home;
    const auto refusal = [](const std::string& spec) { return catch_error([&] { find_recipient(spec); }); };
    const std::string old =
        home.make_key("old@example.com", "future-default",
                      "--passphrase '' --faked-system-time 20200101T000000", "2021-01-01");
    CHECK(refusal("old@example.com").kind() == Kind::crypto);
    for (const std::string& spec : {old, std::string("old@example.com")}) {
        CHECK(contains(refusal(spec).what(), "key " + old + " (old@example.com) expired on 2021-01-01"));
        CHECK(contains(refusal(spec).hint(), "renewed key"));
    }
    const std::string gone = home.make_key("gone@example.com");
    home.revoke(gone);
    CHECK(contains(refusal(gone).what(), "key " + gone + " (gone@example.com) was revoked"));
    const std::string off = home.make_key("off@example.com");
    home.gpg("--command-fd 0 --edit-key " + off + " disable save </dev/null");
    CHECK(contains(refusal(off).what(), "is disabled in this keyring"));
    const std::string sign = home.make_key("sign@example.com", "ed25519", "--passphrase ''", "never", "sign");
    CHECK(contains(refusal(sign).what(), "cannot encrypt: it has no subkey for that"));
    CHECK(find_signing_key("sign@example.com").fingerprint == sign);
    home.gpg("--passphrase '' --faked-system-time 20200101T000000 --quick-add-key " +
             home.make_key("half@example.com", "ed25519",
                           "--passphrase '' --faked-system-time 20200101T000000", "never", "sign") +
             " cv25519 encr 2021-01-01");
    CHECK(contains(refusal("half@example.com").what(), "its subkey for that expired on 2021-01-01"));
}

TEST_CASE("gpg_keys: a key that anybody may have made counts by its fingerprint only") {
    std::string stranger, text;
    {
        const GnupgHome other;
        stranger = other.make_key("Ops <ops@example.com>");
        text = other.gpg("--armor --export " + stranger);
    }
    const GnupgHome home;
    home.gpg("--import " + home.dir().write("stranger.asc", text).string());
    for (const std::string& spec :
         {std::string("ops@example.com"), stranger.substr(24), stranger.substr(32)}) {
        CAPTURE(spec);
        const Error refused = catch_error([&] { find_recipient(spec); });
        CHECK(refused.kind() == Kind::crypto);
        CHECK(
            contains(refused.what(), "key " + stranger + " (Ops <ops@example.com>) is not known to belong"));
        CHECK(contains(refused.hint(), "compare the fingerprint"));
    }
    CHECK(find_recipient(stranger).fingerprint == stranger);

    // The right one beside it is found all the same; a second trusted one makes it ambiguous.
    const std::string ops = home.make_key("Ops <ops@example.com>");
    CHECK(find_recipient("ops@example.com").fingerprint == ops);
    home.make_key("Ops again <ops@example.com>");
    const Error two = catch_error([] { find_recipient("ops@example.com"); });
    CHECK(two.kind() == Kind::crypto);
    CHECK(contains(two.what(), "fits 2 keys"));
    CHECK(contains(two.hint(), "fingerprint"));
}

TEST_CASE("gpg_keys: without the secret part nobody signs") {
    std::string text, key;
    {
        const GnupgHome other;
        key = other.make_key("ops@example.com");
        text = other.gpg("--armor --export " + key);
    }
    const GnupgHome home;
    home.gpg("--import " + home.dir().write("key.asc", text).string());
    const Error refused = catch_error([&] { find_signing_key(key); });
    CHECK(refused.kind() == Kind::crypto);
    CHECK(contains(refused.what(), "signing key '" + key + "'"));
    CHECK(contains(refused.hint(), "secret part"));
}
