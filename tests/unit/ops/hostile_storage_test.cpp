// What somebody can do who writes to the storage and knows the format: here he does it.
#include "holdfast/ops/host_history.hpp"

#include "holdfast/ops/prune.hpp"
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

namespace {

/// Another manifest, with a SHA256SUMS that fits it.
void forge(const Repository& repository, const std::string& id, const std::function<void(Json&)>& change) {
    const fs::path folder = repository.snapshot(id);
    const std::string old = read_manifest_text(repository, id);
    Json json = parse_json(old, "manifest");
    change(json);
    const std::string text = dump_json(json, 2) + "\n";
    std::string sums = read_file(folder / "SHA256SUMS", 1_MiB);
    const std::size_t at = sums.find(sha256(old).hex());
    REQUIRE(at != std::string::npos);
    publish_file(folder / "manifest.json", as_bytes(text));
    publish_file(folder / "SHA256SUMS", as_bytes(sums.replace(at, 64, sha256(text).hex())));
}

/// Old enough to be taken over without being read.
void let_settle(const fs::path& database) {
    fs::last_write_time(database, fs::file_time_type::clock::now() - std::chrono::hours{1});
    std::this_thread::sleep_for(std::chrono::milliseconds{2100});  // ctime cannot be set
}

void check_restored(const TestRepository& t, const Manifest& m, const std::string& wanted) {
    fs::remove_all(t.target());
    ops::RestoreOptions restore;
    restore.target = t.target();
    ops::restore(t.repository, read_checked_manifest(t.repository, m.id), restore);
    CHECK(t.dir.read("restored/trades") == wanted);
}

struct Forged {
    TestRepository t;
    std::vector<SourceConfig> trades = {
        t.source("trades", SourceKind::sqlite, (t.dir / "trades.db").string())};

    /// A snapshot of the database, and then its manifest names the data of another database under the same name.
    Manifest take_and_forge(bool keeps_digest) {
        run_sql(t.dir / "trades.db", kRows);
        run_sql(t.dir / "other.db", kRows);
        let_settle(t.dir / "trades.db");
        const auto other = t.source("other", SourceKind::sqlite, (t.dir / "other.db").string());
        const Manifest m = t.snap({trades[0], other}).manifest;
        forge(t.repository, m.id, [&](Json& json) {
            Json &mine = json["components"][0], &his = json["components"][1];
            for (const char* key : {"recipe", "bytes"}) mine[key] = his[key];
            if (!keeps_digest) mine["sha256"] = his["sha256"];
        });
        return m;
    }
};

ops::PruneReport prune_to_one(const Repository& repository) {
    ops::PruneOptions options;
    options.policy.retention.keep[static_cast<std::size_t>(Period::last)] = KeepRule{1, {}};
    options.policy.retention.min_keep = 1;
    options.policy.now = now_utc();
    return ops::prune(repository, options);
}

}  // namespace

TEST_CASE("take-over: what a changed manifest says of an unchanged database gets into no later snapshot") {
    Forged f;
    const Manifest first = f.take_and_forge(false);
    const std::string wanted = f.t.dir.read("trades.db");
    const ops::SnapReport second = f.t.snap(f.trades);
    CHECK(second.manifest.state() == "suspect");
    CHECK(contains(second.notes.at(0), first.id));
    check_restored(f.t, second.manifest, wanted);
    check_restored(f.t, f.t.snap(f.trades).manifest, wanted);
}

TEST_CASE("take-over: a forged recipe is not what the pages of the next snapshot refer to") {
    Forged f;
    f.take_and_forge(true);
    for (int i = 1; i < 3; ++i) {
        run_sql(f.t.dir / "trades.db", ("UPDATE t SET b = 'x' WHERE a = " + std::to_string(i)).c_str());
        check_restored(f.t, f.t.snap(f.trades).manifest, f.t.dir.read("trades.db"));
    }
}

TEST_CASE("take-over: pages do not refer to what a snapshot says that this host did not take") {
    Forged f;
    run_sql(f.t.dir / "trades.db", kRows);
    run_sql(f.t.dir / "other.db", kRows);
    const auto other = f.t.source("other", SourceKind::sqlite, (f.t.dir / "other.db").string());
    const Manifest m = f.t.snap({f.trades[0], other}).manifest;
    std::string id = m.id;
    id.back() = id.back() == '0' ? '1' : '0';
    fs::copy(f.t.repository.snapshot(m.id), f.t.repository.snapshot(id));
    forge(f.t.repository, id, [&](Json& json) {
        json["id"] = id;
        json["number"] = m.number + 1;
        json["components"][0]["recipe"] = json["components"][1]["recipe"];
    });
    run_sql(f.t.dir / "trades.db", "UPDATE t SET b = 'x' WHERE a = 1");
    check_restored(f.t, f.t.snap(f.trades).manifest, f.t.dir.read("trades.db"));
}

TEST_CASE("take-over: an honest unchanged database is still taken over without being read") {
    TestRepository t;
    run_sql(t.dir / "trades.db", kRows);
    let_settle(t.dir / "trades.db");
    const auto source = t.source("trades", SourceKind::sqlite, (t.dir / "trades.db").string());
    t.snap({source});
    const Manifest m = t.snap({source}).manifest;
    CHECK(m.stored_bytes == 0);
    CHECK(m.new_bytes() == 0);
}

TEST_CASE("take-over: a sealed database whose digest was changed is captured again and can be restored") {
    SealedRepository t;
    run_sql(t.dir / "trades.db", kRows);
    let_settle(t.dir / "trades.db");
    const auto source = t.source("trades", SourceKind::sqlite);
    const Manifest m = t.snap({source}).manifest;
    forge(t.repository, m.id, [](Json& json) { json["components"][0]["sha256"] = std::string(64, '0'); });
    t.snap({source});
    const Manifest last = t.snap({source}).manifest;
    const Repository opened = t.with_key();
    ops::RestoreOptions restore;
    restore.target = t.dir / "restored";
    ops::restore(opened, read_checked_manifest(opened, last.id), restore);
    CHECK(t.dir.read("restored/trades") == t.dir.read("trades.db"));
}

TEST_CASE("cache: made anew beside forged manifests it takes nothing from them") {
    Forged f;
    f.take_and_forge(false);
    fs::remove_all(cache_folder(f.t.repository));
    const ops::SnapReport report = f.t.snap(f.trades);
    CHECK(contains(report.notes.at(0), "nothing of it is taken over"));
    check_restored(f.t, report.manifest, f.t.dir.read("trades.db"));
}

TEST_CASE("prune: sources whose names are hidden are not pruned as one, and are once a key has shown them") {
    SealedRepository t;
    t.private_names = true;
    run_sql(t.dir / "trades.db", kRows);
    t.dir.write("other/a", "x");
    const Manifest only = t.snap({t.source("trades", SourceKind::sqlite)}).manifest;
    for (int i = 0; i < 4; ++i) t.snap({t.source("other", SourceKind::tree)});
    fs::remove_all(cache_folder(t.repository));
    const Repository closed = Repository::open(t.dir / "repo");
    const Error e = catch_error([&] { prune_to_one(closed); });
    CHECK(e.kind() == Kind::crypto);
    CHECK(contains(e.what(), "names"));
    CHECK(list_snapshot_ids(t.repository).size() == 5);
    prune_to_one(t.with_key());
    CHECK(list_snapshot_ids(t.repository).size() == 2);
    CHECK(fs::exists(t.repository.snapshot(only.id)));
    CHECK_NOTHROW(prune_to_one(closed));
    t.prove(read_checked_manifest(t.with_key(), only.id));
}

TEST_CASE("history: snapshots that were removed and called pruned in the ledger are missed") {
    TestRepository t;
    t.dir.write("tree/a", "x");
    const auto source = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    std::vector<std::string> ids;
    for (int i = 0; i < 4; ++i) ids.push_back(t.snap({source}).manifest.id);
    const std::string state = read_file(state_path(t.repository), 64_KiB);
    for (const std::string& id : {ids[2], ids[3]}) {
        fs::remove_all(t.repository.snapshot(id));
        LedgerWriter(t.repository, std::chrono::seconds{1}).append("pruned", id, {{"reason", "old"}});
    }
    publish_file(state_path(t.repository), as_bytes(state));  // the forger has another host's
    std::vector<ops::Finding> findings;
    std::vector<std::string> notes;
    ops::verify_history(t.repository, findings, {}, &notes);
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].snapshot == ids[3]);
    CHECK(contains(findings[0].what, "not by this host"));
    CHECK(contains(findings[1].what, "rolled back"));
    CHECK(contains(notes.at(0), "not by this host: 1"));
    findings.clear();
    ops::verify_history(t.repository, findings, {std::string(40, 'A'), true});
    CHECK(findings.size() == 3);
    CHECK(t.snap({source}).manifest.state() == "suspect");
    findings.clear();
    ops::verify_history(t.repository, findings, {std::string(40, 'A'), true});
    CHECK(findings.size() == 2);  // not forgotten because the ledger went on
}

TEST_CASE("history: what this host pruned itself is no finding, and what is given up none any more") {
    TestRepository t;
    t.dir.write("tree/a", "x");
    const auto source = t.source("tree", SourceKind::tree, (t.dir / "tree").string());
    for (int i = 0; i < 3; ++i) t.snap({source});
    const std::string newest = list_snapshots(t.repository).newest_first[0].id;
    CHECK(prune_to_one(t.repository).trashed.size() == 2);
    std::vector<ops::Finding> findings;
    const ops::SignatureRules strict{std::string(40, 'A'), true};
    ops::verify_history(t.repository, findings, strict);
    CHECK(findings.empty());
    fs::remove_all(t.repository.snapshot(newest));
    LedgerWriter(t.repository, std::chrono::seconds{1}).append("pruned", newest, {{"reason", "old"}});
    ops::verify_history(t.repository, findings, strict);
    CHECK_FALSE(findings.empty());
    ops::PruneOptions options;
    options.policy.now = now_utc();
    CHECK(catch_error([&] { ops::prune(t.repository, options); }).kind() == Kind::corrupt);
    options.policy.unwanted = {newest};
    ops::prune(t.repository, options);
    findings.clear();
    ops::verify_history(t.repository, findings, strict);
    CHECK(findings.empty());
}

TEST_CASE("verify: what a killed deep run left in plain is removed by the next verify") {
    SealedRepository t;
    t.dir.write("tree/a", "x");
    t.snap({t.source("tree", SourceKind::tree)});
    const fs::path left = t.repository.make_staging() / "verify.left";
    publish_file(left, as_bytes("plain data"));
    ops::VerifyOptions verify;
    verify.all = true;
    CHECK(ops::verify(t.repository, verify).exit_code() == 0);
    CHECK_FALSE(fs::exists(left));
}

TEST_CASE("verify: a recover.sh that is not of this version is told") {
    TestRepository t;
    t.dir.write("tree/a", "x");
    t.snap({t.source("tree", SourceKind::tree, (t.dir / "tree").string())});
    ops::VerifyOptions verify;
    verify.all = true;
    CHECK(ops::verify(t.repository, verify).notes.empty());
    t.dir.write("repo/recover.sh", std::string(ops::kRecoverSh) + "curl evil\n");
    const ops::VerifyReport report = ops::verify(t.repository, verify);
    REQUIRE(report.notes.size() == 1);
    CHECK(contains(report.notes[0], "recover.sh"));
}

TEST_CASE("keyring: a file beside the certificates that is none keeps nobody from reading") {
    SealedRepository t;
    t.dir.write("tree/a", "x");
    const Manifest m = t.snap({t.source("tree", SourceKind::tree)}).manifest;
    t.dir.write("repo/keys/" + std::string(64, '0') + ".crt", "junk");
    const Repository opened = t.with_key();
    ops::RestoreOptions restore;
    restore.target = t.dir / "restored";
    ops::restore(opened, read_checked_manifest(opened, m.id), restore);
    CHECK(t.dir.read("restored/tree/a") == "x");
}
