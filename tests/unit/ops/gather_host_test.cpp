#include "holdfast/ops/gather_host.hpp"

#include <doctest/doctest.h>

#include "holdfast/ops/init.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;

TEST_CASE("gather_host: a crontab line is a backup if it runs one, by whatever path, and is no comment") {
    using ops::detail::backup_line;
    CHECK(backup_line("0 2 * * * /opt/hf/scripts/backup.sh --quiet") == "cron: backup.sh");
    CHECK(backup_line("0 2 * * * bash run_job.sh --config /c full # holdfast: nightly") == "cron: nightly");
    CHECK(backup_line("5 * * * * run_job.sh hourly # holdfast: hourly") == "cron: hourly");
    CHECK_FALSE(backup_line("0 3 * * * run_job.sh verify # holdfast: verify"));
    CHECK_FALSE(backup_line("  # 0 2 * * * backup.sh"));
    CHECK_FALSE(backup_line(""));
    CHECK_FALSE(backup_line("MAILTO=root"));
}

TEST_CASE("gather_host: a timer is found if it starts backups, and disabled if nothing wants it") {
    const TempDir dir;
    dir.write("holdfast-daily.timer", "[Timer]\nUnit=holdfast-backup@full.service\n");
    dir.write("holdfast-hourly.timer", "[Timer]\nUnit=holdfast-backup@hourly.service\n");
    dir.write("holdfast-verify.timer", "[Timer]\nUnit=holdfast-verify.service\n");
    dir.write("other.timer", "[Timer]\nUnit=holdfast-backup@full.service\n");
    fs::create_directories(dir / "timers.target.wants");
    fs::create_symlink("../holdfast-daily.timer", dir.path() / "timers.target.wants/holdfast-daily.timer");
    ScheduleFacts facts;
    ops::detail::note_timers(dir.path(), facts);
    CHECK(facts.found == std::vector<std::string>{"holdfast-daily.timer"});
    CHECK(facts.disabled == std::vector<std::string>{"holdfast-hourly.timer"});
}

TEST_CASE("gather_host: the newest log of a run is found by its name; what only looks like one is none") {
    const TempDir dir;
    CHECK_FALSE(ops::newest_run_log(dir / "nowhere"));
    dir.write("backup_20261119_020000.log", "");
    dir.write("backup_20261120_020000_4711.log", "");
    dir.write("backup_20271341_990000.log", "");
    dir.write("backup_latest.log", "");
    dir.write("verify_20261121_020000.log", "");
    dir.write("backup_20261121_020000.txt", "");
    CHECK(ops::newest_run_log(dir.path()) == parse_utc("2026-11-20T02:00"));
}

TEST_CASE(
    "gather_host: a file system is told once, by its first path, and must be writable if any of them must") {
    const TempDir dir;
    dir.write("a/x", "");
    dir.write("b/x", "");
    const std::vector<DiskFacts> disks = ops::gather_disks({{(dir / "a").string(), "source"},
                                                            {(dir / "b").string(), "repository"},
                                                            {"/proc", "source"},
                                                            {(dir / "nowhere").string(), "state"}});
    REQUIRE(disks.size() == 2);
    CHECK(disks[0].path == (dir / "a").string());
    CHECK(disks[0].must_write);
    CHECK(disks[0].used_bytes > 0);
    CHECK_FALSE(disks[1].must_write);
}

TEST_CASE(
    "gather_host: a file system that cannot be looked at is unknown, with the reason, and not left out") {
    const TempDir dir;
    fs::create_symlink("loop", dir.path() / "loop");
    const std::vector<DiskFacts> disks = ops::gather_disks({{(dir / "loop").string(), "source"}});
    REQUIRE(disks.size() == 1);
    const HealthResult result = judge_disk(disks[0], {});
    CHECK(result.level == Health::unknown);
    CHECK(result.message.find("loop") != std::string::npos);
    CHECK(result.samples.empty());
}

TEST_CASE(
    "gather_host: a process is as old as it is, whatever it calls itself, and none that is gone has an age") {
    const auto age = ops::process_age(::getpid());
    REQUIRE(age);
    CHECK(*age < std::chrono::hours{1});
    CHECK(ops::process_age(1).value() >= *age);
    CHECK_FALSE(ops::process_age(0x7FFFFFFF));
}

TEST_CASE("gather_host: whoever holds a lock is named, and a free or missing one has no holder") {
    const TempDir dir;
    const std::string path = dir.write("lock", "").string();
    CHECK(ops::gather_lock(path).holders.empty());
    CHECK(ops::gather_lock((dir / "nowhere").string()).holders.empty());
    const FileLock lock(path, LockMode::exclusive, std::chrono::seconds{1});
    const LockFacts facts = ops::gather_lock(path);
    REQUIRE(facts.holders.size() == 1);
    CHECK(facts.holders[0].pid == ::getpid());
}

TEST_CASE("gather_host: modes of the repository are told as they are") {
    const TempDir dir;
    const Repository repository = ops::init(dir / "repo");
    fs::permissions(repository.root(), fs::perms{0750});
    const AccessFacts facts = ops::gather_access(repository);
    CHECK(facts.mode == 0750);
    CHECK(facts.uid == ::geteuid());
    CHECK(facts.foreign.empty());
    CHECK(facts.may_write);
}

TEST_CASE("gather_host: a folder that a reboot empties is known, also before it is made") {
    const TempDir dir;
    CHECK(ops::is_in_memory("/dev/shm/holdfast-not-there/spool"));
    CHECK_FALSE(ops::is_in_memory("/usr"));
    CHECK(ops::is_in_memory(dir / "not/yet") == ops::is_in_memory(dir.path()));
}
