#include "holdfast/ops/newest_row.hpp"

#include <doctest/doctest.h>

#include "holdfast/ops/verify.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using namespace holdfast::testing;
using namespace std::chrono_literals;

namespace {

SystemSeconds utc(const char* text) { return parse_utc(text).value(); }

/// A database whose newest row has a time, and the query that finds it.
struct Dated : TestRepository {
    SourceConfig trades = source("trades", SourceKind::sqlite, (dir / "t.db").string());
    std::string id;

    Dated() {
        run_sql(dir / "t.db",
                "CREATE TABLE t(at); INSERT INTO t VALUES('2026-03-01 10:00'),('2026-03-02 11:30')");
        ask("SELECT max(at) FROM t");
        id = snap({trades}).manifest.id;
    }
    void ask(const std::string& sql) {
        CheckConfig check;
        check.name = check.sql = sql;
        check.max_age = kForever;
        check.timeout = 1s;
        trades.checks.push_back(check);
    }
    ops::VerifyReport verify(bool deep) const {
        ops::VerifyOptions options;
        options.ids = {id};
        options.deep = deep;
        options.sources = {trades};
        return ops::verify(repository, options);
    }
    /// Another day, another part of everything.
    ops::VerifyReport roll(std::chrono::hours later, std::uint64_t bytes) const {
        ops::VerifyOptions options;
        options.deep = true;
        options.budget = ops::Budget{bytes, std::nullopt};
        options.sources = {trades};
        options.now = now_utc() + later;
        return ops::verify(repository, options);
    }
    ops::NewestRows known() const { return ops::read_newest_rows(repository)[id]; }
    std::vector<std::string> events() const {
        std::vector<std::string> out;
        read_ledger(repository, [&](const LedgerLine& line) { out.push_back(line.event); });
        return out;
    }
};

}  // namespace

TEST_CASE("newest_row: a deep verification finds it, and the ledger knows it from then on") {
    const Dated d;
    CHECK(d.known().empty());
    d.verify(false);
    CHECK(d.known().empty());
    const ops::VerifyReport report = d.verify(true);
    CHECK(report.exit_code() == 0);
    CHECK(d.known() == ops::NewestRows{{"trades", utc("2026-03-02T11:30")}});
    CHECK(report.newest_rows.at(d.id) == d.known());
    d.verify(false);  // says nothing about it, and takes nothing away
    CHECK(d.known().size() == 1);
}

TEST_CASE(
    "newest_row: of several queries the newest answer counts, and a corrected query corrects the ledger") {
    Dated d;
    d.ask("SELECT min(at) FROM t");
    d.verify(true);
    CHECK(d.known().at("trades") == utc("2026-03-02T11:30"));
    d.trades.checks.clear();
    d.ask("SELECT min(at) FROM t");
    d.verify(true);
    CHECK(d.known().at("trades") == utc("2026-03-01T10:00"));
}

TEST_CASE("newest_row: a query that cannot be answered is a note and never a finding") {
    Dated d;
    d.trades.checks.clear();
    for (const char* sql :
         {"SELECT max(at) FROM gone", "SELECT 'soon'", "SELECT NULL", "SELECT 1 WHERE 0",
          "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
          "SELECT i FROM n)"}) {
        CAPTURE(sql);
        d.trades.checks.clear();
        d.ask(sql);
        const ops::VerifyReport report = d.verify(true);
        CHECK(report.exit_code() == 0);
        REQUIRE(report.notes.size() == 1);
        CHECK(report.notes[0].starts_with("the newest row of 'trades' is not known: "));
        CHECK(d.known().empty());
    }
}

TEST_CASE("newest_row: checks with another answer, and sources that the configuration lost, ask nothing") {
    Dated d;
    d.trades.checks[0].max_age.reset();
    d.trades.checks[0].expect = "2026-03-02 11:30";
    CHECK(d.verify(true).notes.empty());
    CHECK(d.known().empty());
    d.trades.name = "renamed";
    CHECK(d.verify(true).notes.empty());
}

TEST_CASE(
    "newest_row: a rolling run that meets one says so at once and once, although its round is not complete") {
    Dated d;
    std::vector<SourceConfig> sources = {d.trades};
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {  // their order is by chance
        d.dir.write(std::string(name) + "/file", name);
        sources.push_back(d.source(name, SourceKind::tree, (d.dir / name).string()));
    }
    d.id = d.snap(sources).manifest.id;
    for (int day = 1; day <= 20; ++day) {  // one component each, twice around
        const ops::VerifyReport report = d.roll(24h * day, 1);
        const auto rows = report.newest_rows.find(d.id);
        if (rows != report.newest_rows.end()) CHECK(d.known() == rows->second);
    }
    CHECK(d.known().at("trades") == utc("2026-03-02T11:30"));
    const std::vector<std::string> events = d.events();
    CHECK(std::count(events.begin(), events.end(), "sampled") <= 1);
}

TEST_CASE("newest_row: a line of the ledger has room for the newest of very many") {
    ops::NewestRows rows;
    for (int i = 0; i < 5000; ++i)
        rows["component " + std::to_string(i)] = utc("2026-03-02T00:00") + std::chrono::seconds{i};
    const Json json = ops::newest_rows_json(rows);
    CHECK(dump_json(json).size() < kMaxLedgerLine / 2 + 100);
    CHECK(json.size() > 500);
    CHECK(json.contains("component 4999"));
    const Dated d;
    LedgerWriter(d.repository, 1s).append("verified", d.id, {{ops::kNewestRowKey, json}});
    CHECK(d.known().at("component 4999") == rows.at("component 4999"));
}

TEST_CASE("newest_row: what is no time, or no object, in a ledger is passed over") {
    const Dated d;
    for (const Json& json : {Json("2026"), Json{{"trades", 5}}, Json{{"trades", "soon"}}, Json(nullptr)})
        LedgerWriter(d.repository, 1s).append("verified", d.id, {{ops::kNewestRowKey, json}});
    CHECK(d.known().empty());
}
