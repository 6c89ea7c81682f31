#include "holdfast/ops/escrow.hpp"

#include <sys/stat.h>

#include "support/catch_error.hpp"
#include "support/gnupg_home.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// Two people, each with a key in the same keyring.
struct People {
    GnupgHome home;
    std::string ops = home.make_key("Ops <ops@example.com>");
    std::string escrow = home.make_rsa_key("Escrow <escrow@example.com>");
};

std::vector<GpgKey> both(const People& people) {
    return ops::choose_recipients({people.ops, people.escrow}, ops::Escrow::needed);
}

Repository make_sealed(const TempDir& dir, const std::vector<GpgKey>& recipients) {
    return ops::init(dir / "repo", ops::make_keys_for(recipients));
}

std::string wrapped_key(const Repository& repository) {
    return read_file(wrapped_key_path(repository.root(), repository.keyring()->current()), 64_KiB);
}

std::string key_text(const Unlock& unlock, const Repository& repository) {
    return std::string(as_text(unlock(repository.keyring()->current()).view()));
}

/// A keyring that has nothing but the secret key of one person.
struct OnePerson {
    OnePerson(const People& people, const std::string& key) {
        home.gpg("--import '" +
                 home.dir().write("secret", people.home.gpg("--armor --export-secret-keys " + key)).string() +
                 "'");
        home.use();
    }
    GnupgHome home;
};

}  // namespace

TEST_CASE("escrow: one recipient alone is refused unless that is said, and counts once under several names") {
    const People people;
    for (const std::vector<std::string>& specs :
         {std::vector{people.ops}, std::vector{people.ops, std::string("ops@example.com")}}) {
        const Error refused = catch_error([&] { ops::choose_recipients(specs, ops::Escrow::needed); });
        CHECK(refused.kind() == Kind::refused);
        CHECK(contains(refused.what(), "only one key could open the backups: " + people.ops));
        CHECK(contains(refused.hint(), "--no-escrow"));
        CHECK(ops::choose_recipients(specs, ops::Escrow::waived).size() == 1);
    }
    CHECK(
        ops::choose_recipients({people.ops, people.escrow, "ops@example.com"}, ops::Escrow::needed).size() ==
        2);
}

TEST_CASE("escrow: each recipient opens the recovery key; the key's file says who they are and is private") {
    const People people;
    const TempDir dir;
    const Repository repository = make_sealed(dir, both(people));
    const std::string wrapped = wrapped_key(repository);
    const std::vector<GpgKey> named = ops::recipients_of(wrapped);
    REQUIRE(named.size() == 2);
    CHECK(named[0].fingerprint == people.ops);
    CHECK(named[0].user == "Ops <ops@example.com>");
    CHECK(named[1].fingerprint == people.escrow);
    const Digest current = repository.keyring()->current();
    for (const fs::path& path : {wrapped_key_path(repository.root(), current),
                                 certificate_path(repository.root(), current), repository.root() / "keys"}) {
        struct stat st {};
        REQUIRE(::stat(path.c_str(), &st) == 0);
        CHECK((st.st_mode & 077) == 0);
    }
    for (const std::string& key : {people.ops, people.escrow}) {
        const OnePerson person(people, key);
        const std::string text = key_text(ops::make_unlocker(repository.root(), ""), repository);
        CHECK(text.starts_with("-----BEGIN PRIVATE KEY-----"));
        CHECK(
            SealKey::from_pem(as_bytes(text), "it").belongs_to(read_certificate(repository.root(), current)));
    }
}

TEST_CASE("escrow: rekey gives the same key to other people, and only to them") {
    const People people;
    const TempDir dir;
    const Repository repository = make_sealed(dir, both(people));
    const Unlock unlock = ops::make_unlocker(repository.root(), "");
    const std::string before = key_text(unlock, repository);
    const std::string successor = people.home.make_key("Successor <new@example.com>");
    const auto after = ops::choose_recipients({successor, people.escrow}, ops::Escrow::needed);
    const ops::Rekeyed done = ops::rekey(repository, unlock, after, std::chrono::seconds{1});
    CHECK(done.certificates == std::vector{repository.keyring()->current()});
    CHECK(done.not_rekeyed.empty());
    CHECK(key_text(unlock, repository) == before);
    CHECK(ops::recipients_of(wrapped_key(repository))[0].fingerprint == successor);
    {
        const OnePerson person(people, successor);
        CHECK(key_text(unlock, repository) == before);
    }
    const OnePerson gone(people, people.ops);
    CHECK(catch_error([&] { key_text(unlock, repository); }).kind() == Kind::crypto);
}

TEST_CASE("escrow: rekey changes nothing if the key cannot be opened, or a wrong one lies in its place") {
    const People people;
    const TempDir dir;
    const Repository repository = make_sealed(dir, both(people));
    const std::string wrapped = wrapped_key(repository);
    const auto rekeys = [&] {
        ops::rekey(repository, ops::make_unlocker(repository.root(), ""), both(people),
                   std::chrono::seconds{1});
    };
    {
        const GnupgHome stranger;
        const std::string key = stranger.make_key("stranger@example.com");
        const Error refused = catch_error([&] {
            ops::rekey(repository, ops::make_unlocker(repository.root(), ""),
                       ops::choose_recipients({key}, ops::Escrow::waived), std::chrono::seconds{1});
        });
        CHECK(refused.kind() == Kind::crypto);
        CHECK(contains(refused.what(), "no usable secret key"));
        CHECK(wrapped_key(repository) == wrapped);
    }
    people.home.use();
    const std::string other = ops::make_keys_for(both(people)).wrapped_key;
    publish_file(wrapped_key_path(repository.root(), repository.keyring()->current()), as_bytes(other));
    const Error wrong = catch_error(rekeys);
    CHECK(wrong.kind() == Kind::crypto);
    CHECK(contains(wrong.what(), "holds another key than that of its certificate"));
    CHECK(wrapped_key(repository) == other);
}

TEST_CASE(
    "escrow: rotate makes a new pair for the same people, keeps the old one, and this host expects it") {
    const People people;
    const TempDir dir;
    const Repository before = make_sealed(dir, both(people));
    const Repository after =
        ops::rotate(before, ops::current_recipients(before), std::nullopt, std::chrono::seconds{1});
    const Digest old = before.keyring()->current(), now = after.keyring()->current();
    CHECK(old != now);
    CHECK(after.id() == before.id());
    CHECK(certificate_fingerprints(after.root()).size() == 2);
    CHECK_FALSE(ops::check_certificate(after, std::nullopt));
    const Unlock unlock = ops::make_unlocker(after.root(), "");
    CHECK(as_text(unlock(old).view()) != as_text(unlock(now).view()));
    CHECK(ops::recipients_of(wrapped_key(after)).size() == 2);
    // Both go along when people change.
    const std::string successor = people.home.make_key("Successor <new@example.com>");
    const auto recipients = ops::choose_recipients({successor, people.escrow}, ops::Escrow::needed);
    CHECK(ops::rekey(after, unlock, recipients, std::chrono::seconds{1}).certificates.size() == 2);
    const OnePerson person(people, successor);
    CHECK(as_text(unlock(old).view()).starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST_CASE("escrow: rotate refuses where the certificate is not the one that this host expects") {
    const People people;
    const TempDir dir;
    const Repository repository = make_sealed(dir, both(people));
    // Somebody with access to the storage puts a pair of his own in place.
    const ops::SealKeys theirs = ops::make_keys_for(both(people));
    ops::write_seal_keys(repository.root(), theirs);
    Json format = parse_json(read_file(repository.root() / "format.json", 64_KiB), "it");
    format["certificate"] = theirs.fingerprint.hex();
    publish_file(repository.root() / "format.json", as_bytes(dump_json(format)));
    const Repository changed = Repository::open(repository.root());
    const Error refused =
        catch_error([&] { ops::rotate(changed, both(people), std::nullopt, std::chrono::seconds{1}); });
    CHECK(refused.kind() == Kind::refused);
    CHECK(Repository::open(repository.root()).keyring()->current() == theirs.fingerprint);
}

TEST_CASE("escrow: a repository without encryption has nothing to rekey or rotate") {
    const TempDir dir;
    const Repository repository = ops::init(dir / "plain");
    for (const auto& change :
         {std::function([&] { ops::rekey(repository, {}, {}, std::chrono::seconds{1}); }),
          std::function([&] { ops::current_recipients(repository); })})
        CHECK(catch_error(change).kind() == Kind::refused);
}
