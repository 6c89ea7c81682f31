#include "holdfast/ops/drill.hpp"

#include "holdfast/ops/catalog.hpp"
#include "support/catch_error.hpp"
#include "support/damage.hpp"
#include "support/sealed_repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using holdfast::testing::data_objects;
using holdfast::testing::flip_bit;
using holdfast::testing::run_sql;
using holdfast::testing::SealedRepository;
using holdfast::testing::TestRepository;
using Pick = ops::DrillOptions::Pick;
using namespace std::chrono_literals;

namespace {

/// Two sources, one snapshot of both.
struct Drilled : TestRepository {
    ops::DrillOptions options;
    Manifest manifest;

    Drilled() {
        run_sql(dir / "t.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1),(2)");
        dir.write("conf/a.yaml", "a: 1\n");
        options.configured = {source("trades", SourceKind::sqlite, (dir / "t.db").string()),
                              source("conf", SourceKind::tree, (dir / "conf").string())};
        options.scratch = dir / "scratch";
        manifest = snap(options.configured).manifest;
        options.now = manifest.started + 1h;
    }
    ops::DrillReport drill() const { return ops::drill(repository, options); }
    std::string trust(const std::string& id) const {
        const auto all = ops::read_trust(repository);
        const auto at = all.find(id);
        return at == all.end() ? "captured" : at->second;
    }
    std::vector<std::string> left() const {
        return fs::exists(dir / "scratch") ? list_directory(dir / "scratch") : std::vector<std::string>{};
    }
};

}  // namespace

TEST_CASE("drill: every source comes back, is checked and timed, and nothing is left in the scratch folder") {
    const Drilled d;
    const ops::DrillReport report = d.drill();
    REQUIRE(report.sources.size() == 2);
    for (const ops::DrilledSource& s : report.sources) {
        CHECK(s.has_passed());
        CHECK(s.snapshot == d.manifest.id);
        for (std::size_t i = 0; i < 3; ++i) CHECK(s.seconds[i] > 0);
        CHECK(s.objects > 0);
        CHECK(s.bytes > 0);
    }
    CHECK(report.sources[0].checks.size() == 3);
    CHECK(report.data_loss == 1h);
    CHECK(report.exit_code() == 0);
    CHECK(d.left().empty());
}

TEST_CASE(
    "drill: a snapshot that came back whole is called drilled, and a later plain verification leaves it so") {
    const Drilled d;
    d.drill();
    CHECK(d.trust(d.manifest.id) == "drilled");
    LedgerWriter(d.repository, 1s).append("verified", d.manifest.id, {{"level", "plain"}, {"result", "ok"}});
    CHECK(d.trust(d.manifest.id) == "drilled");
    LedgerWriter(d.repository, 1s)
        .append("verified", d.manifest.id, {{"level", "plain"}, {"result", "damaged"}});
    CHECK(d.trust(d.manifest.id) == "damaged");
}

TEST_CASE("drill: a part of a snapshot proves that part only") {
    Drilled d;
    d.options.sources = {"conf"};
    CHECK(d.drill().exit_code() == 0);
    CHECK(d.trust(d.manifest.id) == "captured");
}

TEST_CASE(
    "drill: a flipped bit ends the source where it is noticed, the others go on, and the snapshot is "
    "damaged") {
    const Drilled d;
    flip_bit(d.repository.object(data_objects(d.repository, *d.manifest.find("trades")).at(0)));
    const ops::DrillReport report = d.drill();
    REQUIRE(report.sources[0].failure);
    CHECK(report.sources[0].failure->phase == DrillPhase::retrieve);
    CHECK(report.sources[0].failure->kind == Kind::corrupt);
    CHECK(contains(report.sources[0].failure->what, "is damaged"));
    CHECK(report.exit_code() == 5);
    CHECK(std::string(report.result()) == "failed");
    CHECK(d.trust(d.manifest.id) == "damaged");
    CHECK(d.left().empty());
}

TEST_CASE("drill: a manifest that was changed is noticed while the snapshot is identified") {
    const Drilled d;
    flip_bit(d.repository.snapshot(d.manifest.id) / "summary.txt");
    const ops::DrillReport report = d.drill();
    CHECK(report.sources[1].failure->phase == DrillPhase::identify);
    CHECK(report.exit_code() == 5);
}

TEST_CASE("drill: a check that fails is damage in what counts, but not of the snapshot's bytes") {
    Drilled d;
    d.options.configured[0].checks = {{"three", "SELECT count(*) FROM t", "3", {}, {}, false, 60s}};
    const ops::DrillReport report = d.drill();
    CHECK(report.sources[0].has_failed_check());
    CHECK(report.exit_code() == 5);
    CHECK(d.trust(d.manifest.id) == "captured");
    CHECK(report.history.back().has_passed == false);
}

TEST_CASE("drill: a configured source that no snapshot holds fails") {
    Drilled d;
    d.options.configured.push_back(d.source("new", SourceKind::tree, (d.dir / "new").string()));
    const ops::DrillReport report = d.drill();
    REQUIRE(report.sources.size() == 3);
    CHECK(report.sources[2].failure->kind == Kind::not_found);
    CHECK(report.exit_code() == 6);
    CHECK(d.trust(d.manifest.id) == "drilled");  // it never held that source
}

TEST_CASE("drill: what the snapshot itself says is missing of a source is a failed check") {
    Drilled d;
    d.dir.write("conf2/b.yaml", "b: 1\n");
    d.options.configured[1].paths = {(d.dir / "conf").string(), (d.dir / "none").string()};
    d.snap(d.options.configured);
    const ops::DrillReport report = d.drill();
    CHECK(report.sources[1].has_failed_check());
    CHECK(contains(report.sources[1].checks[0].detail, "none' is not in the snapshot"));
}

TEST_CASE("drill: targets are judged over all sources, the age of the data only for the newest snapshots") {
    Drilled d;
    d.options.now = d.manifest.started + 26h;
    const ops::DrillReport newest = d.drill();
    REQUIRE(newest.missed.size() == 1);
    CHECK(newest.missed[0].what == "data loss");
    CHECK(newest.exit_code() == 10);
    CHECK(std::string(newest.result()) == "missed");
    d.options.pick = Pick::oldest;
    CHECK(d.drill().exit_code() == 0);

    ops::DrillReport slow;
    slow.sources.resize(1);
    slow.config.target[2] = 60s;
    slow.config.total = 100s;
    slow.seconds = {30, 0, 61, 20, 0};
    ops::judge_targets(slow);
    REQUIRE(slow.missed.size() == 2);
    CHECK(slow.missed[0].what == "restore");
    CHECK(slow.missed[1].what == "total");
    CHECK(slow.exit_code() == 10);
    slow.sources[0].failure = ops::DrillFailure{DrillPhase::restore, Kind::io, "disk full", ""};
    CHECK(slow.exit_code() == 8);
    slow.sources.resize(2);
    slow.sources[1].failure = ops::DrillFailure{DrillPhase::retrieve, Kind::corrupt, "damaged", ""};
    CHECK(slow.exit_code() == 5);
}

TEST_CASE("drill: the oldest, a random or a named snapshot is restored as it was then") {
    Drilled d;
    run_sql(d.dir / "t.db", "INSERT INTO t VALUES(3)");
    const std::string second = d.snap(d.options.configured).manifest.id;
    const auto rows = [&] { return d.drill().sources.at(0).checks.at(2).detail; };
    CHECK(rows() == "3 rows in 1 tables");
    d.options.pick = Pick::oldest;
    CHECK(rows() == "2 rows in 1 tables");
    d.options.pick = Pick::named;
    d.options.name = second;
    CHECK(rows() == "3 rows in 1 tables");
    d.options.pick = Pick::random;
    std::set<std::string> seen;
    for (int i = 0; i < 40 && seen.size() < 2; ++i) seen.insert(rows());  // both, but for one in 2^39
    CHECK(seen.size() == 2);
}

TEST_CASE("drill: an unreadable newer snapshot is not passed over silently") {
    Drilled d;
    std::string second;
    do second = d.snap(d.options.configured).manifest.id;
    while (second < d.manifest.id);  // ids of one second are in no order, and this is about a later one
    fs::remove(d.repository.snapshot(second) / "manifest.json");
    const ops::DrillReport report = d.drill();
    CHECK(report.exit_code() == 5);
    CHECK(contains(report.sources[0].failure->what, "a newer snapshot cannot be read"));
}

TEST_CASE("drill: the start hook sees all that was restored, is timed, and its failure fails the drill") {
    Drilled d;
    d.options.config.shell = true;
    d.options.config.start = {
        "test -f \"$HOLDFAST_RESTORED/trades\" && test -f \"$HOLDFAST_RESTORED/conf/a.yaml\""};
    const ops::DrillReport good = d.drill();
    CHECK(good.exit_code() == 0);
    CHECK(good.seconds[4] > 0);
    d.options.config.start = {"echo no service >&2; exit 1"};
    const ops::DrillReport bad = d.drill();
    CHECK_FALSE(bad.has_passed());
    CHECK(contains(bad.start_failure->what, "no service"));
    CHECK(bad.exit_code() == 8);
    CHECK(d.left().empty());
}

TEST_CASE("drill: kept data stays, and the next drill says where it lies") {
    Drilled d;
    d.options.keep = true;
    const ops::DrillReport kept = d.drill();
    CHECK(fs::exists(fs::path(kept.kept) / "trades"));
    d.options.keep = false;
    const ops::DrillReport next = d.drill();
    REQUIRE(next.notes.size() == 1);
    CHECK(contains(next.notes[0], kept.kept));
    CHECK(d.left().size() == 1);
}

TEST_CASE("drill: compared with originals, a single changed byte is found") {
    Drilled d;
    d.options.originals = d.dir / "originals";
    fs::create_directories(d.dir / "originals");
    fs::copy(d.dir / "conf", d.dir / "originals/conf", fs::copy_options::recursive);
    d.options.sources = {"conf"};
    const auto result = [&] { return d.drill().sources.at(0).checks.back(); };
    CHECK(contains(result().detail, "'a.yaml' differs"));  // its time: fs::copy does not keep it
    const fs::path copy = d.dir / "originals/conf/a.yaml";
    const auto like = [&](const fs::path& to) {
        fs::permissions(
            to, fs::status(d.dir / "conf" / fs::relative(to, d.dir / "originals/conf")).permissions());
    };
    like(copy);
    fs::last_write_time(copy, fs::last_write_time(d.dir / "conf/a.yaml"));
    CHECK(result().state == ops::CheckResult::State::passed);
    d.dir.write("originals/conf/a.yaml", "a: 2\n");
    fs::last_write_time(copy, fs::last_write_time(d.dir / "conf/a.yaml"));
    CHECK(contains(result().detail, "'a.yaml' differs"));
    d.dir.write("originals/conf/b.yaml", "");
    CHECK(contains(result().detail, "'b.yaml' is missing"));
}

TEST_CASE("drill: each drill is one in the history, oldest first") {
    Drilled d;
    d.drill();
    d.options.now += 24h;
    const ops::DrillReport second = d.drill();
    REQUIRE(second.history.size() == 2);
    CHECK(second.history[0].time_utc < second.history[1].time_utc);
    CHECK(second.history[0].total_s > 0);
    CHECK(second.history[0].has_passed);
}

TEST_CASE("drill: a recover.sh that somebody changed does not run; ours does, and the record says so") {
    Drilled d;
    d.options.with_stock_tools = true;
    d.dir.write("repo/recover.sh", "touch '" + (d.dir / "evil").string() + "'\n");
    const ops::DrillReport report = d.drill();
    CHECK_FALSE(fs::exists(d.dir / "evil"));
    CHECK(report.sources[0].has_passed());
    REQUIRE(report.sources[0].warnings.size() == 1);
    CHECK(contains(report.sources[0].warnings[0], "recover.sh"));
}

TEST_CASE("drill: of a sealed repository nothing plain is put beside it") {
    SealedRepository t;
    t.dir.write("conf/a.yaml", "a: 1\n");
    t.snap({t.source("conf", SourceKind::tree)});
    ops::DrillOptions options;
    options.keep = true;
    options.now = now_utc();
    const ops::DrillReport report = ops::drill(t.with_key(), options);
    CHECK(report.kept.starts_with(cache_folder(t.repository).string()));
    CHECK(fs::exists(fs::path(report.kept) / "conf/a.yaml"));
}

TEST_CASE("drill: a plan names snapshots and sizes and writes nothing") {
    Drilled d;
    d.options.sources = {"conf", "nowhere"};
    const auto plan = ops::plan_drill(d.repository, d.options);
    REQUIRE(plan.size() == 2);
    CHECK(plan[0].snapshot == d.manifest.id);
    CHECK(plan[0].bytes == 5);
    CHECK(contains(plan[1].trouble, "nowhere"));
    CHECK_FALSE(fs::exists(d.dir / "scratch"));
    CHECK(d.trust(d.manifest.id) == "captured");
}
