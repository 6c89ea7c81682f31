#include "holdfast/cli/drill_files.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using holdfast::testing::TempDir;
using State = ops::CheckResult::State;
using namespace std::chrono_literals;

namespace {

ops::DrillReport example() {
    ops::DrillReport r;
    r.began = *parse_utc("2026-11-21T08:00:00Z");
    r.repository = "/backups";
    r.pick = "newest";
    ops::DrilledSource s;
    s.source = "trades";
    s.snapshot = "20261121T020000Z-7f3a9c";
    s.state = "complete";
    s.started = *parse_utc("2026-11-21T02:00:00Z");
    s.seconds = {1, 2, 3, 4, 0};
    s.bytes = 1000;
    s.components = s.files = s.objects = 1;
    s.checks = {{"trades", "fresh", State::passed, "fine", parse_utc("2026-11-20T22:00:00Z")}};
    r.sources = {s};
    r.seconds = s.seconds;
    r.data_loss = s.age(r.began);
    r.history = {{"2026-08-21T08:00:00Z", 5, true}, {"2026-11-21T08:00:00Z", 10, true}};
    return r;
}

}  // namespace

TEST_CASE("drill_files: a second drill of the day gets a number, and the first stays as it was") {
    const TempDir dir;
    ops::DrillReport r = example();
    CHECK(cli::write_drill_files(r, dir.path()) == dir / "recovery_test_20261121.md");
    const std::string first = dir.read("recovery_test_20261121.md");
    r.sources[0].failure = ops::DrillFailure{DrillPhase::restore, Kind::io, "disk full", ""};
    CHECK(cli::write_drill_files(r, dir.path()) == dir / "recovery_test_20261121_2.md");
    CHECK(cli::write_drill_files(r, dir.path()) == dir / "recovery_test_20261121_3.md");
    CHECK(dir.read("recovery_test_20261121.md") == first);
    CHECK(contains(dir.read("recovery_test_20261121_2.md"), "disk full"));
    CHECK(list_directory(dir.path()).size() == 10);  // three times three, and the metrics
}

TEST_CASE("drill_files: the metrics are for everybody to read, the records are not") {
    const TempDir dir;
    cli::write_drill_files(example(), dir.path());
    struct stat st {};
    REQUIRE(::stat((dir / "holdfast_drill.prom").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0644);
    REQUIRE(::stat((dir / "recovery_test_20261121.md").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0600);
}

TEST_CASE("drill_files: a rehearsal on a copy leaves the metrics of the backups alone") {
    const TempDir dir;
    ops::DrillReport r = example();
    r.is_rehearsal = true;
    cli::write_drill_files(r, dir.path());
    CHECK_FALSE(fs::exists(dir / "holdfast_drill.prom"));
}

TEST_CASE("drill_files: a folder that cannot be made is known before the work begins") {
    const TempDir dir;
    dir.write("file", "");
    CHECK(catch_error([&] { cli::check_report_folder(dir / "file/reports"); }).kind() == Kind::io);
}

TEST_CASE("drill_json: metrics name the sources and remember the last success through failures") {
    ops::DrillReport r = example();
    const std::string good = cli::drill_metrics(r);
    CHECK(contains(good, "holdfast_drill_last_success_timestamp_seconds 1795248000\n"));
    CHECK(contains(good, "holdfast_drill_phase_seconds{source=\"trades\",phase=\"restore\"} 3\n"));
    CHECK(contains(good, "holdfast_drill_rpo_seconds{source=\"trades\"} 21600\n"));
    CHECK(contains(good, "holdfast_drill_newest_row_age_seconds{source=\"trades\"} 36000\n"));
    r.history.back().has_passed = false;
    CHECK(contains(cli::drill_metrics(r), "holdfast_drill_last_success_timestamp_seconds 1787299200\n"));
    r.history.clear();
    CHECK_FALSE(contains(cli::drill_metrics(r), "last_success"));
    r.sources[0].source = "a\"b\\c\n";
    CHECK(contains(cli::drill_metrics(r), "{source=\"a\\\"b\\\\c\\\\x0a\"}"));
}

TEST_CASE("drill_text: the record says what was met, missed and not judged, and names what failed") {
    ops::DrillReport r = example();
    r.config.target[2] = 2s;
    ops::judge_targets(r);
    const std::string text = cli::drill_markdown(r);
    CHECK(contains(text, "# Recovery test of 2026-11-21"));
    CHECK(contains(text, "**MISSED"));
    CHECK(contains(text, "| restore | 3.0 s | 2.0 s | **missed** |"));
    CHECK(contains(text, "| total (RTO) | 10.0 s | 2 h | met |"));
    CHECK(contains(text, "| data loss (RPO) | 6 h | 25 h | met |"));
    CHECK(contains(text, "The newest row in it is of 2026-11-20T22:00:00Z"));
    r.data_loss.reset();
    CHECK(contains(cli::drill_markdown(r), "not judged"));
}

TEST_CASE("drill_text: times are short where they are short, and round where they are round") {
    CHECK(cli::format_seconds(0.0123) == "0.012 s");
    CHECK(cli::format_seconds(0) == "0.0 s");
    CHECK(cli::format_seconds(59.94) == "59.9 s");
    CHECK(cli::format_seconds(125) == "2 min 5 s");
    CHECK(cli::format_seconds(300) == "5 min");
    CHECK(cli::format_seconds(7260) == "2 h 1 min");
}

TEST_CASE("drill_page: what comes out of a repository stays text in Markdown and HTML") {
    ops::DrillReport r = example();
    r.sources[0].checks.push_back({"trades", "<script>alert(1)</script>", State::failed, "a|b & 'c'"});
    const std::string page = cli::drill_page(r), text = cli::drill_markdown(r);
    CHECK_FALSE(contains(page, "<script>"));
    CHECK(contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    CHECK(contains(page, "a|b &amp; &#39;c&#39;"));
    CHECK_FALSE(contains(text, "<script>"));
    CHECK(contains(text, "a\\|b"));
}
