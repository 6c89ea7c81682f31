#include "holdfast/cli/status_page.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");

StatusFacts example() {
    StatusFacts f;
    f.host = "web1";
    f.repository = "/backups";
    f.now = kNow;
    f.created = kNow - std::chrono::days{30};
    f.newest = kNow - 2h;
    f.snapshots = 1;
    f.results = {{"backup_age", "", Health::healthy, "fine", ""}};
    f.sources = {{"trades", "sqlite", true, 1, {{kNow - 2h, 1024, 512}}}};
    f.days = status_days({}, {}, kNow);
    return f;
}

}  // namespace

TEST_CASE("status_page: the level is in the title, in the heading and in words") {
    StatusFacts f = example();
    CHECK(contains(cli::status_page(f), "<title>web1: healthy - backups</title>"));
    CHECK(contains(cli::status_page(f), "<h1>web1 is healthy</h1>"));
    f.results.push_back({"disk", "/", Health::degraded, "low", "make room"});
    CHECK(contains(cli::status_page(f), "<h1>web1 is degraded</h1>"));
    f.results.push_back({"endpoint", "api", Health::unhealthy, "no answer", "start it"});
    const std::string page = cli::status_page(f);
    CHECK(contains(page, "Look at it now: 1 unhealthy, 1 degraded."));
    CHECK(page.find("start it") < page.find("make room"));  // the worst comes first
    f.results.clear();
    CHECK(contains(cli::status_page(f), "<h1>web1 is unknown</h1>"));
}

TEST_CASE("status_page: what comes out of a repository stays text, wherever it is shown") {
    const std::string evil = "\"><script>alert(1)</script>";
    StatusFacts f = example();
    f.host = f.repository = evil;
    f.results.push_back({evil, evil, Health::unhealthy, evil, evil});
    f.sources.push_back({evil, evil, false, 1, {{kNow, 1, 1}}});
    f.gaps = {evil};
    f.trust[evil] = 1;
    f.retention.is_set = true;
    f.retention.verdicts = {{evil, true, evil}, {"gone", false, evil}};
    f.retention.taken = {{evil, {kNow, evil}}, {"gone", {kNow, evil}}};
    std::string page = cli::status_page(f);
    CHECK_FALSE(contains(page, "<script"));
    f.retention.refused = evil;
    CHECK_FALSE(contains(cli::status_page(f), "<script"));
}

TEST_CASE("status_page: a repository that cannot be read has no figures, which would be zeros") {
    StatusFacts f;
    f.now = kNow;
    f.results = {{"repository", "", Health::unhealthy, "it does not exist", "mount it"}};
    f.gaps = {"snapshots: it does not exist"};
    const std::string page = cli::status_page(f);
    CHECK_FALSE(contains(page, "Newest backup"));
    CHECK_FALSE(contains(page, "What prune would do"));
    CHECK(contains(page, "Not shown on this page: snapshots: it does not exist"));
}

TEST_CASE(
    "status_page: one with damage shows it in its day, in the table and by a mark, not by colour alone") {
    StatusFacts f = example();
    f.days.back().snapshots = 2;
    f.days.back().state = DayState::damaged;
    const std::string page = cli::status_page(f);
    CHECK(contains(page, "Fri 2026-11-20: 2 snapshots, damage found</title>"));
    CHECK(contains(page, "class=\"red\"/><line class=\"mark\""));
    CHECK(contains(page, "data-label=\"Days with damage\"><span>1</span>"));
}

TEST_CASE(
    "retention_strip: an age has its place, older ones further to the right, and nothing leaves the strip") {
    double last = -1;
    for (const auto age : {0h, 24h, 24h * 7, 24h * 20, 24h * 100, 24h * 400, 24h * 3000}) {
        const double place = cli::detail::place_of(age);
        CHECK(place > last);
        last = place;
    }
    CHECK(cli::detail::place_of(-5h) == 0);
    CHECK(cli::detail::place_of(24h * 99999) == 1);
    CHECK(cli::detail::place_of(24h * 30) == doctest::Approx(0.4));
}
