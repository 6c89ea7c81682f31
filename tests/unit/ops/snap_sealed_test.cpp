// A host that writes what it cannot read: everything here is captured without a key and restored with one.
#include "holdfast/ops/keep_recipes.hpp"
#include "support/catch_error.hpp"
#include "support/sealed_repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using holdfast::testing::kRows;
using holdfast::testing::noise;
using holdfast::testing::run_sql;
using holdfast::testing::SealedRepository;
using holdfast::testing::TestRepository;

TEST_CASE("sealed: a database and a tree are restored byte for byte with the key, unlocked once a process") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    t.dir.write("tree/big", std::string(as_text(noise(3'000'000))));
    t.dir.write("tree/a/b", "small");
    const Manifest m =
        t.snap({t.source("trades", SourceKind::sqlite), t.source("tree", SourceKind::tree)}).manifest;
    CHECK(m.state() == "complete");
    const Repository opened = t.with_key();
    ops::RestoreOptions restore;
    restore.target = t.dir / "restored";
    ops::restore(opened, read_checked_manifest(opened, m.id), restore);
    CHECK(t.unlocked == 1);
    CHECK(t.dir.read("restored/trades") == t.dir.read("trades.db"));
    CHECK(t.dir.read("restored/tree/big") == t.dir.read("tree/big"));
    CHECK(t.dir.read("restored/tree/a/b") == "small");
    t.prove(m);
}

TEST_CASE("sealed: no object holds a run of the plain data, and equal data twice has unrelated bytes") {
    SealedRepository t;
    TestRepository open;  // what the same test finds where nothing is sealed
    const std::string secret(as_text(noise(200'000)));
    t.dir.write("tree/a", secret);
    const auto has_run = [&](const Repository& repository, const Digest& name) {
        const std::string stored = read_file(repository.object(name), 32_MiB);
        for (std::size_t at = 0; at + 32 <= secret.size(); at += 32)
            if (stored.find(std::string_view(secret).substr(at, 32)) != std::string::npos) return true;
        return false;
    };
    const Manifest plain = open.snap({t.source("tree", SourceKind::tree)}).manifest;
    const auto names = read_checksums(open.repository.snapshot(plain.id) / "SHA256SUMS").objects;
    CHECK(std::any_of(names.begin(), names.end(),
                      [&](const Digest& name) { return has_run(open.repository, name); }));
    std::set<Digest> all;
    for (int i = 0; i < 2; ++i) {
        const Manifest m = t.snap({t.source("tree", SourceKind::tree)}).manifest;
        for (const Digest& name : read_checksums(t.repository.snapshot(m.id) / "SHA256SUMS").objects) {
            CHECK(all.insert(name).second);
            CHECK_FALSE(has_run(t.repository, name));
        }
        fs::remove_all(cache_folder(t.repository));
    }
}

TEST_CASE("sealed: without the key nothing is opened, and the message says what is missing") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    const Manifest m = t.snap({t.source("trades", SourceKind::sqlite)}).manifest;
    const Repository closed = Repository::open(t.dir / "repo");
    ops::RestoreOptions restore;
    restore.target = t.dir / "restored";
    const Error e = catch_error([&] { ops::restore(closed, read_checked_manifest(closed, m.id), restore); });
    CHECK(e.kind() == Kind::crypto);
    CHECK(contains(e.what(), "sealed"));
    CHECK_FALSE(fs::exists(t.dir / "restored/trades"));
    ops::VerifyOptions verify;
    verify.ids = {m.id};
    CHECK(ops::verify(closed, verify).exit_code() == 0);  // plain: needs no key
}

TEST_CASE("sealed: another run stores the changed pages only, without a key") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    t.dir.write("tree/big", std::string(as_text(noise(3'000'000))));
    const std::vector<SourceConfig> sources = {t.source("trades", SourceKind::sqlite),
                                               t.source("tree", SourceKind::tree)};
    t.snap(sources);
    run_sql(t.dir / "trades.db", "UPDATE t SET b = 'x' WHERE a = 10000");
    const Manifest m = t.snap(sources).manifest;
    CHECK(m.new_bytes() <= 3 * 4096);
    t.prove(m);
    run_sql(t.dir / "trades.db", "UPDATE t SET b = 'y' WHERE a = 12");
    const Manifest third = t.snap({sources[0]}).manifest;  // the other source's recipe must survive this
    CHECK(third.new_bytes() <= 3 * 4096);
    CHECK(t.snap(sources).manifest.new_bytes() <= 3 * 4096);
    t.prove(third);
}

TEST_CASE("sealed: an unchanged database is taken over without reading it") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    const fs::file_time_type old = fs::file_time_type::clock::now() - std::chrono::hours{1};
    fs::last_write_time(t.dir / "trades.db", old);
    std::this_thread::sleep_for(std::chrono::milliseconds{2100});  // ctime cannot be set
    const auto source = t.source("trades", SourceKind::sqlite);
    t.snap({source});
    const Manifest m = t.snap({source}).manifest;
    CHECK(m.new_bytes() == 0);
    CHECK(m.stored_bytes == 0);
    t.prove(m);
}

TEST_CASE("sealed: without its cache a run stores everything again, says so, and is whole") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    const auto source = t.source("trades", SourceKind::sqlite);
    t.snap({source});
    fs::remove_all(cache_folder(t.repository));
    const ops::SnapReport report = t.snap({source});
    CHECK(report.manifest.new_bytes() == fs::file_size(t.dir / "trades.db"));
    CHECK(contains(report.notes.at(0), "stored again"));
    t.prove(report.manifest);
}

TEST_CASE("sealed: a recipe in the cache that was cut short costs space, not the snapshot") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    const auto source = t.source("trades", SourceKind::sqlite);
    t.snap({source});
    for (const auto& entry : fs::directory_iterator(cache_folder(t.repository) / "recipes"))
        fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
    run_sql(t.dir / "trades.db", "UPDATE t SET b = 'x' WHERE a = 10000");
    t.prove(t.snap({source}).manifest);
}

TEST_CASE("sealed: what lies in retired objects is read from its source again") {
    SealedRepository t;
    t.dir.write("tree/big", std::string(as_text(noise(3'000'000))));
    run_sql(t.dir / "trades.db", kRows);
    std::this_thread::sleep_for(std::chrono::milliseconds{2100});
    const std::vector<SourceConfig> sources = {t.source("trades", SourceKind::sqlite),
                                               t.source("tree", SourceKind::tree)};
    const Manifest first = t.snap(sources).manifest;
    const Manifest m = t.snap(sources, 1.1).manifest;  // every object is retired
    std::set<Digest> before, after;
    for (const Digest& name : read_checksums(t.repository.snapshot(first.id) / "SHA256SUMS").objects)
        before.insert(name);
    for (const Digest& name : read_checksums(t.repository.snapshot(m.id) / "SHA256SUMS").objects)
        after.insert(name);
    CHECK(before != after);
    t.prove(m);
}

TEST_CASE("pin: another certificate, or a repository that is not sealed any more, gets no backup") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    const auto source = t.source("trades", SourceKind::sqlite);
    t.snap({source});
    const std::string format = t.dir.read("repo/format.json");

    const NewSealKey foreign = make_seal_key("attacker");
    ops::write_seal_keys(t.repository.root(), {foreign.certificate_pem, "x", foreign.fingerprint});
    std::string changed = format;
    changed.replace(changed.find(t.pair.fingerprint.hex()), 64, foreign.fingerprint.hex());
    t.dir.write("repo/format.json", changed);
    const Error replaced = catch_error([&] { t.snap({source}); });
    CHECK(replaced.kind() == Kind::refused);
    CHECK(contains(replaced.what(), foreign.fingerprint.hex()));
    CHECK(contains(replaced.what(), t.pair.fingerprint.hex()));

    t.dir.write("repo/format.json",
                "{\"format\":\"holdfast-repository\",\"version\":1,\"id\":\"" + t.repository.id() + "\"}");
    CHECK(catch_error([&] { t.snap({source}); }).kind() == Kind::refused);
    t.dir.write("repo/format.json", "{\"format\":\"holdfast-repository\",\"version\":1,\"id\":\"abc\"}");
    CHECK(catch_error([&] { t.snap({source}); }).kind() == Kind::refused);

    t.dir.write("repo/format.json", format);
    t.dir.write("repo/keys/" + t.pair.fingerprint.hex() + ".crt", foreign.certificate_pem);
    run_sql(t.dir / "trades.db", "UPDATE t SET b = 'x' WHERE a = 10000");
    CHECK(catch_error([&] { t.snap({source}); }).kind() == Kind::crypto);
    t.dir.write("repo/keys/" + t.pair.fingerprint.hex() + ".crt", t.pair.certificate_pem);
    t.prove(t.snap({source}).manifest);
}

TEST_CASE("pin: a host that sees the repository for the first time says what it will hold on to") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    fs::remove(host_state_folder() / (t.repository.id() + ".certificate"));
    const ops::SnapReport report = t.snap({t.source("trades", SourceKind::sqlite)});
    CHECK(contains(report.notes.at(0), t.pair.fingerprint.hex()));
    CHECK(t.snap({t.source("trades", SourceKind::sqlite)}).notes.empty());
}

TEST_CASE("pin: a repository made anew at the same path is trusted by the host that made it") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    fs::remove_all(t.dir / "repo");
    ops::init(t.dir / "repo");
    CHECK_NOTHROW(t.snap({t.source("trades", SourceKind::sqlite)}));
}

TEST_CASE("sealed: an object of one repository is not accepted in another") {
    SealedRepository a, b;
    run_sql(a.dir / "trades.db", kRows);
    run_sql(b.dir / "trades.db", kRows);
    const Manifest ma = a.snap({a.source("trades", SourceKind::sqlite)}).manifest;
    const Manifest mb = b.snap({b.source("trades", SourceKind::sqlite)}).manifest;
    const Digest of_a = read_checksums(a.repository.snapshot(ma.id) / "SHA256SUMS").objects.at(0);
    const Digest of_b = read_checksums(b.repository.snapshot(mb.id) / "SHA256SUMS").objects.at(0);
    fs::copy_file(a.repository.object(of_a), b.repository.object(of_b), fs::copy_options::overwrite_existing);
    const Repository opened = b.with_key();
    ops::VerifyOptions verify;
    verify.ids = {mb.id};
    CHECK(ops::verify(opened, verify).exit_code() == static_cast<int>(Kind::corrupt));
    ops::RestoreOptions restore;
    restore.target = b.dir / "restored";
    CHECK(catch_error([&] { ops::restore(opened, read_checked_manifest(opened, mb.id), restore); }).kind() ==
          Kind::corrupt);
}

TEST_CASE("sealed: the key of another repository is named as the wrong one") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    const Manifest m = t.snap({t.source("trades", SourceKind::sqlite)}).manifest;
    const NewSealKey other = make_seal_key("other");
    const Repository opened =
        Repository::open(t.dir / "repo", [&](const Digest&) { return SecretBytes(other.key_pem.view()); });
    ops::RestoreOptions restore;
    restore.target = t.dir / "restored";
    const Error e = catch_error([&] { ops::restore(opened, read_checked_manifest(opened, m.id), restore); });
    CHECK(e.kind() == Kind::crypto);
    CHECK(contains(e.what(), t.pair.fingerprint.hex()));
}

namespace {

/// By which somebody who has a file could find out that it is in the backup.
std::vector<Digest> known_digests(const Component& c) {
    std::vector<Digest> out;
    if (c.digest) out.push_back(*c.digest);
    const auto add = [&](const StoredStream& stream) {
        out.push_back(stream.digest);
        for (const Extent& extent : stream.extents)
            if (extent.digest) out.push_back(*extent.digest);
    };
    add(c.recipe);
    if (c.index) add(*c.index);
    return out;
}

}  // namespace

TEST_CASE("private names: nothing in the repository names a source, a path, a table or a host") {
    SealedRepository t;
    t.private_names = true;
    run_sql(t.dir / "trades.db", kRows);
    run_sql(t.dir / "trades.db", "CREATE TABLE secrettable(x); INSERT INTO secrettable VALUES (1)");
    t.dir.write("lake/secretfile", "x");
    SourceConfig absent = t.source("absentsource", SourceKind::tree);
    const Manifest m =
        t.snap({t.source("trades", SourceKind::sqlite), t.source("lake", SourceKind::tree), absent}).manifest;
    for (const auto& entry : fs::recursive_directory_iterator(t.dir / "repo")) {
        if (!entry.is_regular_file() || entry.path().filename() == "RECOVER.md") continue;  // has examples
        const std::string text = *read_file_if_any(entry.path(), 64_MiB);
        for (const char* name : {"trades", "secrettable", "secretfile", "absentsource", "lake"})
            CHECK_MESSAGE(!contains(text, name), entry.path().string(), " names ", name);
        for (const Component& c : m.components)
            for (const Digest& digest : known_digests(c))
                CHECK_MESSAGE(!contains(text, digest.hex()), entry.path().string(), " knows ", c.name);
    }
    CHECK(known_digests(m.components[0]).size() >
          2);  // its own, its recipe's, and those of the recipe's pieces
    CHECK(m.state() == "partial");
}

TEST_CASE("private names: the host that wrote it and who has the key see them, others see component-1") {
    SealedRepository t;
    t.private_names = true;
    run_sql(t.dir / "trades.db", kRows);
    const Manifest m = t.snap({t.source("trades", SourceKind::sqlite)}).manifest;
    const Repository closed = Repository::open(t.dir / "repo");
    CHECK(read_manifest(closed, m.id).components[0].name == "trades");
    fs::remove_all(cache_folder(t.repository));
    CHECK(read_manifest(closed, m.id).components[0].name == "component-1");
    CHECK(read_manifest(closed, m.id).bytes() == m.bytes());
    CHECK(read_manifest(t.with_key(), m.id).components[0].name == "trades");
    t.prove(read_checked_manifest(t.with_key(), m.id));
    ops::VerifyOptions verify;
    verify.ids = {m.id};
    CHECK(ops::verify(closed, verify).exit_code() == 0);
}

TEST_CASE("private names: the next run knows its sources and stores what changed") {
    SealedRepository t;
    t.private_names = true;
    run_sql(t.dir / "trades.db", kRows);
    t.snap({t.source("trades", SourceKind::sqlite)});
    run_sql(t.dir / "trades.db", "UPDATE t SET b = 'x' WHERE a = 10000");
    const Manifest m = t.snap({t.source("trades", SourceKind::sqlite)}).manifest;
    CHECK(m.new_bytes() <= 3 * 4096);
    t.prove(m);
}

TEST_CASE("private names: a manifest whose sealed part is that of another snapshot is corrupt") {
    SealedRepository t;
    t.private_names = true;
    run_sql(t.dir / "trades.db", kRows);
    const Manifest first = t.snap({t.source("trades", SourceKind::sqlite)}).manifest;
    const Manifest second = t.snap({t.source("trades", SourceKind::sqlite)}).manifest;
    const auto path = [&](const Manifest& m) { return t.repository.snapshot(m.id) / "manifest.json"; };
    Json a = parse_json(read_manifest_text(t.repository, first.id), "a");
    const Json b = parse_json(read_manifest_text(t.repository, second.id), "b");
    a["private"] = b["private"];
    publish_file(path(first), as_bytes(dump_json(a, 2)));
    fs::remove_all(cache_folder(t.repository));
    CHECK(catch_error([&] { read_manifest(t.with_key(), first.id); }).kind() == Kind::corrupt);
    a["private_sha256"] = b["private_sha256"];
    publish_file(path(first), as_bytes(dump_json(a, 2)));
    CHECK(catch_error([&] { read_manifest(t.with_key(), first.id); }).kind() == Kind::corrupt);
}

TEST_CASE("private names: a repository that is not sealed refuses") {
    TestRepository t;
    run_sql(t.dir / "trades.db", kRows);
    ops::SnapOptions options;
    options.sources = {t.source("trades", SourceKind::sqlite, (t.dir / "trades.db").string())};
    options.private_names = true;
    CHECK(catch_error([&] { ops::snap(t.repository, options); }).kind() == Kind::config);
}
