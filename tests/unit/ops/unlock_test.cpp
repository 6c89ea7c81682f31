#include "holdfast/ops/unlock.hpp"

#include "support/catch_error.hpp"
#include "support/gnupg_home.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// A folder with the certificates of two pairs.
struct TwoPairs {
    TwoPairs() {
        for (const NewSealKey* pair : {&first, &second})
            dir.write("keys/" + pair->fingerprint.hex() + ".crt", pair->certificate_pem);
    }
    std::string key_file(const std::string& text,
                         std::filesystem::perms mode = std::filesystem::perms::owner_read) {
        const auto path = dir.write("key.pem", text);
        std::filesystem::permissions(path, mode);
        return path.string();
    }
    TempDir dir;
    NewSealKey first = make_seal_key("first"), second = make_seal_key("second");
};

std::string text_of(const NewSealKey& pair) { return std::string(as_text(pair.key_pem.view())); }

}  // namespace

TEST_CASE(
    "unlock: a key file gives the key of its certificate, also among others and with words around them") {
    TwoPairs pairs;
    const std::string file = pairs.key_file("gpg said something\n" + text_of(pairs.second) + "\n" +
                                            text_of(pairs.first) + "end\n");
    const Unlock unlock = ops::make_unlocker(pairs.dir.path(), file);
    for (const NewSealKey* pair : {&pairs.first, &pairs.second}) {
        const SecretBytes key = unlock(pair->fingerprint);
        CHECK(SealKey::from_pem(key.view(), "it")
                  .belongs_to(SealCertificate::from_pem(pair->certificate_pem, "it")));
    }
}

TEST_CASE("unlock: another key, no key, a missing file and one that others may read are refused by name") {
    TwoPairs pairs;
    const auto refusal = [&](const std::string& file) {
        const Unlock unlock = ops::make_unlocker(pairs.dir.path(), file);
        const Error e = catch_error([&] { unlock(pairs.first.fingerprint); });
        CHECK(e.kind() == Kind::crypto);
        CHECK(contains(e.what(), file));
        CHECK_FALSE(e.hint().empty());
        return std::string(e.what());
    };
    CHECK(contains(refusal(pairs.key_file(text_of(pairs.second))),
                   "holds another key than that of certificate " + pairs.first.fingerprint.hex()));
    fs::remove(pairs.dir / "key.pem");
    CHECK(contains(refusal(pairs.key_file(pairs.first.certificate_pem)), "holds no private key in PEM"));
    fs::remove(pairs.dir / "key.pem");
    CHECK(contains(refusal(pairs.key_file("")), "holds no private key"));
    fs::remove(pairs.dir / "key.pem");
    CHECK(contains(refusal(pairs.dir / "key.pem"), "cannot be read"));
    CHECK(contains(refusal(pairs.key_file(text_of(pairs.first), std::filesystem::perms(0640))),
                   "may be read by others"));
}

TEST_CASE("unlock: without a key file gpg is asked, and what is missing or damaged in keys/ is named") {
    TwoPairs pairs;
    const GnupgHome home;
    const Unlock unlock = ops::make_unlocker(pairs.dir.path(), "");
    const std::string path = wrapped_key_path(pairs.dir.path(), pairs.first.fingerprint).string();
    const auto refusal = [&] { return catch_error([&] { unlock(pairs.first.fingerprint); }); };
    CHECK(contains(refusal().what(), "the recovery key '" + path + "' is missing"));
    CHECK(contains(refusal().hint(), "recovery kit"));
    pairs.dir.write("keys/" + pairs.first.fingerprint.hex() + ".key.asc", "garbage");
    CHECK(refusal().kind() == Kind::crypto);
    CHECK(contains(refusal().what(), path));
    const std::string key = home.make_key("ops@example.com");
    pairs.dir.write("keys/" + pairs.first.fingerprint.hex() + ".key.asc",
                    gpg_encrypt(pairs.first.key_pem.view(), {key}));
    CHECK(as_text(unlock(pairs.first.fingerprint).view()) == text_of(pairs.first));
}
