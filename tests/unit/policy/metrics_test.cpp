#include "holdfast/policy/metrics.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");

Manifest manifest(const std::string& id, std::chrono::seconds age, const std::string& type = "full") {
    Manifest m;
    m.id = id;
    m.type = type;
    m.started = m.finished = kNow - age;
    for (const auto& [source, bytes] : {std::pair{"trades", 70U}, {"orders", 30U}}) {
        Component c;
        c.name = c.source = source;
        c.source_class = "database";
        c.bytes = bytes;
        m.components.push_back(c);
    }
    return m;
}
std::string text(const BackupFacts* facts, const std::optional<RunHistory>& runs) {
    return format_metrics(backup_samples(facts, runs));
}
std::string line(const std::string& name, SystemSeconds at) {
    return "\n" + name + " " + std::to_string(at.time_since_epoch().count()) + "\n";
}
RunHistory history(int code, const std::string& snapshot) {
    RunHistory h;
    h.add({kNow - 2h, "full", 0, 245s, "good"});
    h.add({kNow - 1h, "full", code, 9s, snapshot});
    return h;
}

}  // namespace

TEST_CASE("metrics: names and labels are those of the documents") {
    BackupFacts facts;
    facts.newest_first = {manifest("good", 2h)};
    const std::string out = text(&facts, history(0, "good"));
    CHECK(contains(out, "# TYPE backup_success_total counter\nbackup_success_total 2\n"));
    CHECK(contains(out, "backup_duration_seconds{type=\"full\"} 9\n"));
    CHECK(contains(out, "backup_size_bytes{component=\"database\"} 100\n"));
    CHECK(contains(out, line("backup_last_success_timestamp", kNow - 1h)));
}

TEST_CASE("metrics: a failed run changes no success, and shows as the last run") {
    BackupFacts facts;
    facts.newest_first = {manifest("good", 2h)};
    const std::string out = text(&facts, history(8, ""));
    CHECK(contains(out, line("backup_last_success_timestamp", kNow - 2h)));
    CHECK(contains(out, line("backup_last_run_timestamp", kNow - 1h)));
    CHECK(contains(out, "\nbackup_last_run_exit_code 8\n"));
    CHECK(contains(out, "\nbackup_failure_total 1\n"));
    CHECK(contains(out, "backup_duration_seconds{type=\"full\"} 245\n"));
    const std::string partial = text(&facts, history(4, "p"));
    CHECK(contains(partial, "\nbackup_partial_total 1\n"));
    CHECK(contains(partial, line("backup_last_success_timestamp", kNow - 2h)));
}

TEST_CASE("metrics: counters stand at zero before the first run, so that the first failure is an increase") {
    BackupFacts facts;
    const std::string out = text(&facts, std::nullopt);
    CHECK(contains(out, "\nbackup_failure_total 0\n"));
    CHECK_FALSE(contains(out, "\nbackup_last_success_timestamp "));
}

TEST_CASE("metrics: the success of a snapshot that is gone is not on show, of a pruned one it is") {
    BackupFacts facts;
    CHECK_FALSE(contains(text(&facts, history(8, "")), "\nbackup_last_success_timestamp "));
    facts.pruned = {"good"};
    CHECK(contains(text(&facts, history(8, "")), line("backup_last_success_timestamp", kNow - 2h)));
    facts.pruned.clear();
    facts.newest_first = {manifest("older", 50h)};
    CHECK(contains(text(&facts, history(8, "")), line("backup_last_success_timestamp", kNow - 50h)));
}

TEST_CASE(
    "metrics: without a history the newest complete snapshot counts, unless it is damaged or an emergency") {
    BackupFacts facts;
    Manifest partial = manifest("b", 1h), suspect = manifest("c", 2h);
    partial.missing.push_back({"x", "/x", "gone"});
    suspect.suspect = {"empty"};
    facts.newest_first = {manifest("a", 0s, "emergency"), partial, suspect, manifest("d", 3h),
                          manifest("e", 4h)};
    CHECK(contains(text(&facts, std::nullopt), line("backup_last_success_timestamp", kNow - 3h)));
    facts.damaged = {"d"};
    CHECK(contains(text(&facts, std::nullopt), line("backup_last_success_timestamp", kNow - 4h)));
    RunHistory failed;  // its snapshot looks complete, but did not pass verification
    failed.add({kNow - 4h, "full", 5, 9s, "e"});
    CHECK_FALSE(contains(text(&facts, failed), "\nbackup_last_success_timestamp "));
}

TEST_CASE(
    "metrics: a snapshot that was found damaged is no success any more, also that of the last good run") {
    BackupFacts facts;
    facts.newest_first = {manifest("good", 2h), manifest("older", 50h)};
    facts.damaged = {"good"};
    CHECK(contains(text(&facts, history(8, "")), line("backup_last_success_timestamp", kNow - 50h)));
    facts.damaged = {"good", "older"};
    CHECK_FALSE(contains(text(&facts, history(8, "")), "\nbackup_last_success_timestamp "));
}

TEST_CASE("metrics: of two samples of one series the worse counts, whichever came first") {
    const auto both_ways = [](const std::string& name, double a, double b) {
        const std::string one = format_metrics({{name, a, {{"name", "x"}}}, {name, b, {{"name", "x"}}}});
        CHECK(one == format_metrics({{name, b, {{"name", "x"}}}, {name, a, {{"name", "x"}}}}));
        return one;
    };
    CHECK(contains(both_ways("holdfast_check", 0, 2), "} 2\n"));
    CHECK(contains(both_ways("holdfast_check", 3, 2), "} 2\n"));  // unhealthy is worse than unknown
    CHECK(contains(both_ways("holdfast_check", 1, 3), "} 3\n"));
    CHECK(contains(both_ways("endpoint_up", 1, 0), "} 0\n"));
    CHECK(contains(both_ways("alert_buffered", 0, 7), "} 7\n"));
}

TEST_CASE("metrics: hostile labels stay one line, a series appears once, an unknown name is a bug") {
    const std::vector<HealthResult> results = {{"database", "a\"b\\c\nd\xff", Health::unhealthy, "", ""},
                                               {"database", "a\"b\\c\nd\xff", Health::healthy, "", ""}};
    const std::string out = format_metrics(health_samples(results, kNow));
    CHECK(contains(out, "holdfast_check{check=\"database\",subject=\"a\\\"b\\\\c\\\\x0ad\\\\xff\"} 2\n"));
    CHECK_FALSE(contains(out, "\"} 0\n"));
    CHECK(contains(out, "\nholdfast_health 2\n"));
    CHECK(catch_error([] { format_metrics({{"nobody_knows", 1}}); }).kind() == Kind::internal);
}

TEST_CASE("metrics: large and broken numbers are written as numbers") {
    CHECK(contains(format_metrics({{"backup_disk_free_bytes", 9.5e12}}), " 9500000000000\n"));
    CHECK(contains(format_metrics({{"backup_disk_used_ratio", 0.8125}}), " 0.8125\n"));
}
