#include "holdfast/wrap/gpg_crypt.hpp"

#include <chrono>

#include "support/captured_run.hpp"
#include "support/catch_error.hpp"
#include "support/gnupg_home.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr std::string_view kSecret = "-----BEGIN PRIVATE KEY-----\nnot really\n-----END PRIVATE KEY-----\n";

std::string decrypted(const std::string& armored) {
    return std::string(as_text(gpg_decrypt(armored, "the key").view()));
}

Error refusal(const std::string& armored) {
    return catch_error([&] { gpg_decrypt(armored, "the key"); });
}

/// Moves a secret key into a home that has nothing else.
void import_secret(const GnupgHome& from, const std::string& key, const GnupgHome& to) {
    to.gpg("--import '" +
           to.dir().write("secret.asc", from.gpg("--armor --export-secret-keys " + key)).string() + "'");
    to.use();
}

/// What `body` does to standard error and its exit code, in a session without any terminal.
template <class Body>
CapturedRun without_terminal(Body body) {
    return captured_run(
        [] {
            ::setsid();
            ::dup2(::open("/dev/null", O_RDONLY), 0);
            for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY"}) ::unsetenv(name);
        },
        [&] {
            try {
                body();
            } catch (const Error& e) {
                std::fprintf(stderr, "%s\n%s\n", e.what(), e.hint().c_str());
                return static_cast<int>(e.kind());
            }
            return 0;
        });
}

}  // namespace

TEST_CASE("gpg_crypt: each recipient alone decrypts what was encrypted to two, RSA or elliptic curve") {
    const GnupgHome home;
    const std::string ops = home.make_key("ops@example.com"),
                      escrow = home.make_rsa_key("escrow@example.com");
    const std::string armored = gpg_encrypt(as_bytes(kSecret), {ops, escrow});
    CHECK(armored.starts_with("-----BEGIN PGP MESSAGE-----\n"));
    CHECK_FALSE(contains(armored, "PRIVATE"));
    CHECK(gpg_encrypt(as_bytes(kSecret), {ops, escrow}) != armored);
    for (const std::string& key : {ops, escrow}) {
        const GnupgHome one;
        import_secret(home, key, one);
        CHECK(decrypted(armored) == kSecret);
    }
}

TEST_CASE("gpg_crypt: nobody else can decrypt it, also if gpg.conf wants more recipients") {
    const GnupgHome home;
    const std::string ops = home.make_key("ops@example.com"), host = home.make_key("host@example.com");
    home.configure("encrypt-to " + host + "\n");
    const std::string armored = gpg_encrypt(as_bytes(kSecret), {ops});
    const GnupgHome stolen;
    import_secret(home, host, stolen);
    const Error refused = refusal(armored);
    CHECK(refused.kind() == Kind::crypto);
    CHECK(contains(refused.what(), "the key cannot be decrypted: no usable secret key in "));
    CHECK(contains(refused.hint(), "--key-file"));
    // The message names the subkey that it takes, as gpg --list-keys --with-subkey-fingerprint shows it.
    home.use();
    const std::string listed = home.gpg("--with-colons --list-keys " + ops);
    const std::string subkey = listed.substr(listed.find("\nsub:") + 5, 60);
    std::string id = subkey.substr(subkey.find(":18:") + 4, 16);
    CHECK(contains(refused.what(), "it is encrypted to " + id));
}

TEST_CASE("gpg_crypt: an expired or revoked key is refused, and opens what was encrypted to it before") {
    const GnupgHome home;
    const std::string past = "--faked-system-time 20200101T000000 ";
    const std::string old =
        home.make_key("old@example.com", "future-default", past + "--passphrase ''", "2021-01-01");
    const std::string plain = home.dir().write("plain", std::string(kSecret)).string();
    const std::string then = home.gpg(past + "--armor --trust-model always -r " + old + " -o - -e " + plain);
    CHECK(decrypted(then) == kSecret);
    const Error expired = catch_error([&] { gpg_encrypt(as_bytes(kSecret), {old}); });
    CHECK(expired.kind() == Kind::crypto);
    const std::string ops = home.make_key("ops@example.com");
    CHECK(catch_error([&] { gpg_encrypt(as_bytes(kSecret), {ops, old}); }).kind() == Kind::crypto);

    const std::string before = gpg_encrypt(as_bytes(kSecret), {ops});
    home.revoke(ops);
    CHECK(catch_error([&] { gpg_encrypt(as_bytes(kSecret), {ops}); }).kind() == Kind::crypto);
    CHECK(decrypted(before) == kSecret);
}

TEST_CASE("gpg_crypt: a message without integrity protection is refused, even where gpg.conf allows it") {
    const GnupgHome home("allow-old-cipher-algos\n");
    const std::string ops = home.make_rsa_key("ops@example.com");
    const std::string plain = home.dir().write("plain", std::string(kSecret)).string();
    const std::string bare = home.gpg("--rfc2440 --cipher-algo AES --armor -r " + ops + " -o - -e " + plain);
    for (const char* config : {"", "ignore-mdc-error\n"}) {
        home.configure(config);
        const Error refused = refusal(bare);
        CHECK(refused.kind() == Kind::crypto);
        CHECK(contains(refused.what(), "not protected against changes"));
    }
}

TEST_CASE("gpg_crypt: damage, nonsense and messages that are too long are refused") {
    const GnupgHome home;
    const std::string ops = home.make_key("ops@example.com");
    const std::string armored = gpg_encrypt(as_bytes(kSecret), {ops});
    for (const std::string& text :
         {std::string("no message"), std::string(), armored.substr(0, armored.size() / 2)}) {
        CAPTURE(text);
        CHECK(refusal(text).kind() == Kind::crypto);
    }
    int opened = 0;
    for (std::size_t i = armored.find("\n\n") + 2; i + 40 < armored.size(); i += 7) {
        std::string flipped = armored;
        flipped[i] = flipped[i] == 'A' ? 'B' : 'A';
        if (flipped == armored) continue;
        try {
            opened += decrypted(flipped) == kSecret ? 0 : 1;
        } catch (const Error& e) {
            CHECK(e.kind() == Kind::crypto);
        }
    }
    CHECK(opened == 0);
    const std::string large = home.dir().write("large", std::string(1 << 20, 'x')).string();
    CHECK(contains(refusal(home.gpg("--armor -r " + ops + " -o - -e " + large)).what(),
                   "holds more than a key"));
    CHECK(contains(refusal(std::string(100'000, 'x')).what(), "too long"));
}

TEST_CASE(
    "gpg_crypt: a passphrase comes through the loopback that gpg.conf sets up, with an agent that was "
    "killed") {
    const GnupgHome home;
    const std::string ops = home.make_key("ops@example.com", "future-default",
                                          "--pinentry-mode loopback --passphrase 'open sesame'");
    const std::string armored = gpg_encrypt(as_bytes(kSecret), {ops});
    const std::string file = home.dir().write("passphrase", "open sesame\n").string();
    home.configure("pinentry-mode loopback\npassphrase-file " + file + "\n");
    home.kill_agents();  // it remembers passphrases
    CHECK(decrypted(armored) == kSecret);
    home.dir().write("passphrase", "wrong\n");
    home.kill_agents();
    const Error wrong = refusal(armored);
    CHECK(wrong.kind() == Kind::crypto);
    CHECK(contains(wrong.what(), "Bad passphrase"));
}

TEST_CASE(
    "gpg_crypt: without a terminal a passphrase that nobody can type ends in seconds, with the key's id") {
    const GnupgHome home;
    const std::string ops = home.make_key("ops@example.com", "future-default",
                                          "--pinentry-mode loopback --passphrase 'open sesame'");
    const std::string armored = gpg_encrypt(as_bytes(kSecret), {ops});
    home.kill_agents();
    const auto begin = std::chrono::steady_clock::now();
    const CapturedRun run = without_terminal([&] { gpg_decrypt(armored, "the key"); });
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{10});
    CHECK(run.code == static_cast<int>(Kind::crypto));
    CHECK(contains(run.err, "the key was not decrypted: nobody can be asked for the passphrase"));
    CHECK(contains(run.err, "it is encrypted to "));
    CHECK(contains(run.err, "--key-file"));
}

TEST_CASE("gpg_crypt: a pinentry that never answers is given up where there is no terminal") {
    const GnupgHome home;
    const std::string ops = home.make_key("ops@example.com", "future-default",
                                          "--pinentry-mode loopback --passphrase 'open sesame'");
    const std::string armored = gpg_encrypt(as_bytes(kSecret), {ops});
    const auto script = home.dir().write("pinentry", "#!/bin/sh\nexec sleep 20\n");
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    home.dir().write("gpg-agent.conf", "pinentry-program " + script.string() + "\n");
    home.kill_agents();
    const CapturedRun run = without_terminal([&] {
        detail::GpgContext context(std::chrono::seconds{1});
        const detail::GpgDataHandle in = detail::gpg_input(as_bytes(armored));
        const detail::GpgSecret out(1024);
        context.finish(gpgme_op_decrypt_start(context.get(), in.get(), out.get()), "decrypt");
    });
    CHECK(run.code == static_cast<int>(Kind::crypto));
    CHECK(contains(run.err, "decrypt: gpg did not answer within 1 s"));
}
