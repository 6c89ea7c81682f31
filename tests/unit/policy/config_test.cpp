#include "holdfast/policy/config.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using namespace std::chrono_literals;

namespace {

Config parse(const std::string& text, const std::string& folder = "/etc/hf") {
    return parse_config(text, "holdfast.toml", folder);
}
Error failure(const std::string& text) {
    return catch_error([&] { parse(text); });
}
const std::string kTree = "[[source]]\nname = \"lake\"\nkind = \"tree\"\npath = \"data/lake\"\n";

}  // namespace

TEST_CASE("config: an empty file means the defaults") {
    const Config config = parse("");
    CHECK(config == default_config("/etc/hf"));
    CHECK(config.repository.path.empty());
    CHECK(config.repository.level == 3);
    CHECK(config.repository.lock_wait == 10min);
    CHECK(config.backup.verify_after == VerifyAfter::deep);
    CHECK(config.backup.log_dir == "/etc/hf/logs/backups");
    CHECK(config.backup.time_limit == 6h);
    CHECK(config.sources.empty());
}

TEST_CASE("config: every key is read") {
    const Config config = parse(R"(
[repository]
path = "backups"
level = 19
lock_wait = "90s"
[backup]
verify_after = "plain"
log_dir = "/var/log/hf"
time_limit = "forever"
[[source]]
name = "trades"
kind = "sqlite"
class = "cache"
path = ["data/*.db", "/abs/x.db"]
busy_timeout = "0s"
[[source]]
name = "lake"
kind = "tree"
path = "./data/lake/"
exclude = ["*.tmp"]
allow_empty = true
max_shrink = "80%"
[[source]]
name = "pg"
kind = "command"
class = "database"
command = ["pg_dump", "-Fc", "x"]
timeout = "2h"
expect_end = "complete"
[[source]]
name = "line"
kind = "command"
command = "pg_dump x | cat"
)");
    CHECK(config.repository == RepositoryConfig{"/etc/hf/backups", 19, 90s});
    CHECK(config.backup == BackupConfig{VerifyAfter::plain, "/var/log/hf", kForever});
    REQUIRE(config.sources.size() == 4);
    const SourceConfig& trades = config.sources[0];
    CHECK(trades.source_class == SourceClass::cache);
    CHECK(trades.paths == std::vector<std::string>{"/etc/hf/data/*.db", "/abs/x.db"});
    CHECK(trades.busy_timeout == 0s);
    CHECK(trades.max_shrink == 0.5);
    const SourceConfig& lake = config.sources[1];
    CHECK(lake.paths == std::vector<std::string>{"/etc/hf/data/lake"});
    CHECK(lake.exclude == std::vector<std::string>{"*.tmp"});
    CHECK(lake.source_class == SourceClass::data);
    CHECK(lake.allow_empty);
    CHECK(lake.max_shrink == 0.8);
    const SourceConfig& pg = config.sources[2];
    CHECK(pg.command == std::vector<std::string>{"pg_dump", "-Fc", "x"});
    CHECK_FALSE(pg.shell);
    CHECK(pg.timeout == 2h);
    CHECK(pg.expect_end == "complete");
    CHECK(config.sources[3].shell);
    CHECK(config.names_commands());
    CHECK(config.find_source("pg") == &config.sources[2]);
    CHECK(config.find_source("nope") == nullptr);
}

TEST_CASE("config: the class of a source follows its kind unless it is named") {
    const Config config = parse("[[source]]\nname=\"a\"\nkind=\"sqlite\"\npath=\"a\"\n" + kTree);
    CHECK(config.sources[0].source_class == SourceClass::database);
    CHECK(config.sources[1].source_class == SourceClass::data);
    CHECK_FALSE(config.names_commands());
}

TEST_CASE("config: an unknown key is an error with its place and a suggestion, at every level") {
    const Error e = failure("[repository]\npathh = \"x\"\n");
    CHECK(e.kind() == Kind::config);
    CHECK(e.what() == std::string("holdfast.toml:2:1: unknown key 'pathh'"));
    CHECK(e.hint() == "did you mean 'path'?");
    CHECK(failure("[backup]\nx = 1\n").what() == std::string("holdfast.toml:2:1: unknown key 'x'"));
    CHECK(failure(kTree + "paths = \"x\"\n").hint() == "did you mean 'path'?");
    CHECK(testing::contains(failure("[retentions]\nkeep = 1\n").what(), "unknown key 'retentions'"));
}

TEST_CASE("config: a source name used twice is an error that names the first line") {
    const Error e = failure(kTree + kTree);
    CHECK(e.what() == std::string("holdfast.toml:6:8: 'name' 'lake' is used twice"));
    CHECK(e.hint() == "the first one is in line 2");
}

TEST_CASE("config: values out of range are errors at their place") {
    struct Case {
        std::string text;
        const char* message;
    };
    const Case cases[] = {
        {"[repository]\nlevel = 20\n", "holdfast.toml:2:9: 'level' is not between 1 and 19"},
        {"[repository]\nlevel = 0\n", "is not between"},
        {"[repository]\nlevel = \"3\"\n", "must be a whole number"},
        {"[repository]\npath = \"\"\n", "'path' is empty"},
        {"[repository]\npath = \"~/x\"\n", "begins with '~'"},
        {"[repository]\nlock_wait = \"soon\"\n", "is not a duration: 'soon'"},
        {"[repository]\nlock_wait = 10\n", "must be text in quotes"},
        {"[backup]\nverify_after = \"deeep\"\n", "cannot be 'deeep'"},
        {kTree + "max_shrink = \"half\"\n", "is not a share: 'half'"},
        {kTree + "max_shrink = 0.5\n", "must be text in quotes"},
        {"[backup]\ntime_limit = \"0s\"\n", "is shorter than 1 s"},
        {"repository = 5\n", "must be a section"},
        {"[source]\nname = \"x\"\n", "must be a list of sections: [[source]]"},
        {"[[source]]\nkind = \"tree\"\n", "'name' is missing"},
        {"[[source]]\nname = \"a b\"\n", "'name' cannot be 'a b'"},
        {"[[source]]\nname = \"../x\"\n", "cannot be"},
        {"[[source]]\nname = \"x\"\n", "'kind' is missing for source 'x'"},
        {"[[source]]\nname = \"x\"\nkind = \"mysql\"\n", "'kind' cannot be 'mysql'"},
        {"[[source]]\nname = \"x\"\nkind = \"tree\"\n", "'path' is missing for source 'x'"},
        {"[[source]]\nname = \"x\"\nkind = \"tree\"\npath = []\n", "'path' is empty"},
        {"[[source]]\nname = \"x\"\nkind = \"tree\"\npath = [\"a\", \"\"]\n", "'path' is empty"},
        {"[[source]]\nname = \"x\"\nkind = \"tree\"\npath = \"a\\u0000b\"\n", "NUL"},
        {"[[source]]\nname = \"x\"\nkind = \"command\"\n", "'command' is missing"},
        {"[[source]]\nname = \"x\"\nkind = \"command\"\ncommand = []\n", "'command' is empty"},
        {"[[source]]\nname = \"x\"\nkind = \"command\"\ncommand = [\"\"]\n", "'command' is empty"},
        {"[[source]]\nname = \"x\"\nkind = \"command\"\ncommand = [\"a\", \"\\u0000\"]\n", "NUL"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        const Error e = failure(c.text);
        CHECK(e.kind() == Kind::config);
        CHECK_MESSAGE(testing::contains(e.what(), c.message), e.what());
    }
}

TEST_CASE("config: a key that its kind would ignore is an error") {
    CHECK(testing::contains(failure(kTree + "busy_timeout = \"1s\"\n").what(), "kind = \"sqlite\" only"));
    CHECK(testing::contains(failure(kTree + "command = \"x\"\n").what(), "kind = \"command\" only"));
    const std::string sqlite = "[[source]]\nname = \"d\"\nkind = \"sqlite\"\npath = \"d\"\n";
    CHECK(testing::contains(failure(sqlite + "exclude = [\"x\"]\n").what(), "kind = \"tree\" only"));
    const std::string command = "[[source]]\nname = \"c\"\nkind = \"command\"\ncommand = \"true\"\n";
    CHECK(testing::contains(failure(command + "path = \"x\"\n").what(), "is not for kind"));
}

TEST_CASE("config: a folder whose name looks like a pattern stays that folder") {
    const Config config = parse(kTree, "/srv/a[1]*");
    CHECK(config.sources[0].paths[0] == "/srv/a\\[1]\\*/data/lake");
    CHECK(glob_match(config.sources[0].paths[0], "/srv/a[1]*/data/lake"));
    CHECK_FALSE(glob_match(config.sources[0].paths[0], "/srv/a1x/data/lake"));
    CHECK(config.backup.log_dir == "/srv/a[1]*/logs/backups");
}

TEST_CASE("config: a path of '.' is the folder of the file") {
    CHECK(parse("[[source]]\nname = \"x\"\nkind = \"tree\"\npath = \".\"\n").sources[0].paths[0] ==
          "/etc/hf");
}

TEST_CASE("config: HOLDFAST_REPO wins over BACKUP_ROOT, which wins over the file") {
    const auto with = [](std::map<std::string, std::string> variables) {
        Config config = parse("[repository]\npath = \"/from/file\"\n");
        apply_environment(
            config,
            [&](const std::string& name) -> std::optional<std::string> {
                const auto at = variables.find(name);
                if (at == variables.end()) return std::nullopt;
                return at->second;
            },
            "/here");
        return config.repository.path;
    };
    CHECK(with({}) == "/from/file");
    CHECK(with({{"BACKUP_ROOT", ""}}) == "/from/file");
    CHECK(with({{"BACKUP_ROOT", "/root"}}) == "/root");
    CHECK(with({{"BACKUP_ROOT", "root/"}}) == "/here/root");
    CHECK(with({{"BACKUP_ROOT", "/root"}, {"HOLDFAST_REPO", "/repo"}}) == "/repo");
}

TEST_CASE("config: source names are safe as file names") {
    for (const char* good : {"a", "trades", "0-x_y.z", "A.b"}) CHECK(is_source_name(good));
    for (const char* bad : {"", ".", "..", "-x", "_x", "a/b", "a b", "a\n", "ä"})
        CHECK_FALSE(is_source_name(bad));
    CHECK(is_source_name(std::string(64, 'a')));
    CHECK_FALSE(is_source_name(std::string(65, 'a')));
}

namespace {
std::string retention_error(const std::string& lines) {
    const Error error = failure("[retention]\n" + lines);
    CHECK(error.kind() == Kind::config);
    return error.what();
}
}  // namespace

TEST_CASE("config: retention takes counts, ages and forever, and types of their own") {
    const Config config = parse(
        "[retention]\nkeep_last = 5\nkeep_daily = \"30d\"\nkeep_monthly = \"forever\"\nmin_keep = 2\n"
        "zone = \"Europe/Berlin\"\ngrace = \"12h\"\n[retention.types]\nhourly = \"24h\"\npre-deployment = "
        "4\n");
    const RetentionConfig& r = config.retention;
    CHECK(rule_for(r, Period::last) == KeepRule{5, {}});
    CHECK(rule_for(r, Period::day) == KeepRule{0, std::chrono::days{30}});
    CHECK(rule_for(r, Period::month) == KeepRule{0, kForever});
    CHECK_FALSE(rule_for(r, Period::week));
    CHECK(r.types == std::map<std::string, KeepRule>{{"hourly", {0, std::chrono::hours{24}}},
                                                     {"pre-deployment", {4, {}}}});
    CHECK(r.min_keep == 2);
    CHECK(r.grace == std::chrono::hours{12});
    CHECK_FALSE(parse("").retention.is_set());
}

TEST_CASE("config: a retention policy that keeps nothing or contradicts itself is an error with its place") {
    CHECK(retention_error("").find("holdfast.toml:1:1: [retention] keeps nothing") != std::string::npos);
    CHECK(retention_error("min_keep = 3").find("keeps nothing") != std::string::npos);
    CHECK(retention_error("keep_daily = 0").find("holdfast.toml:2:14: 'keep_daily' keeps nothing") !=
          std::string::npos);
    CHECK(retention_error("keep_daily = \"0d\"").find("keeps nothing") != std::string::npos);
    CHECK(retention_error("keep_daily = -1").find("keeps nothing") != std::string::npos);
    CHECK(retention_error("keep_daily = 7\nmin_keep = 0").find("'min_keep'") != std::string::npos);
    CHECK(retention_error("keep_daily = \"30d\"\nkeep_weekly = \"7d\"")
              .find("'keep_weekly' does not reach further back than keep_daily") != std::string::npos);
    CHECK(retention_error("keep_daily = \"soon\"").find("neither a number nor a duration") !=
          std::string::npos);
    CHECK(retention_error("keep_daily = 7\nzone = \"Mars/Base\"").find("not a time zone") !=
          std::string::npos);
    CHECK(retention_error("keep_daily = 7\n[retention.types]\nhourli = 3").find("unknown key 'hourli'") !=
          std::string::npos);
    CHECK(retention_error("keep_dayly = 7").find("unknown key 'keep_dayly'") != std::string::npos);
}

TEST_CASE("config: counts that reach no further than those of a finer rule are errors, and no others") {
    const auto reaches = [](const std::string& lines) {
        return parse("[retention]\n" + lines).retention.is_set();
    };
    const auto refused = [](const std::string& lines, const std::string& coarse, const std::string& fine) {
        CAPTURE(lines);
        CHECK(retention_error(lines).find("'" + coarse + "' does not reach further back than " + fine) !=
              std::string::npos);
    };
    CHECK(retention_error("keep_daily = 400\nkeep_weekly = 2").find("holdfast.toml:3:15: 'keep_weekly'") !=
          std::string::npos);
    refused("keep_daily = 8\nkeep_weekly = 2", "keep_weekly", "keep_daily");
    CHECK(reaches("keep_daily = 7\nkeep_weekly = 2"));  // on a Sunday, last week's is the eighth day
    refused("keep_daily = 32\nkeep_monthly = 2", "keep_monthly", "keep_daily");
    CHECK(reaches("keep_daily = 31\nkeep_monthly = 2"));
    refused("keep_monthly = 25\nkeep_yearly = 3", "keep_yearly", "keep_monthly");
    CHECK(reaches("keep_monthly = 24\nkeep_yearly = 3"));
    refused("keep_weekly = 52\nkeep_monthly = 3", "keep_monthly", "keep_weekly");
    refused("keep_hourly = 48\nkeep_daily = 1", "keep_daily", "keep_hourly");
    refused("keep_last = 3\nkeep_yearly = 1", "keep_yearly", "keep_last");
    CHECK(reaches("keep_last = 1000\nkeep_hourly = 2"));  // a thousand may be one hour's
    CHECK(reaches("keep_hourly = 24\nkeep_daily = 7\nkeep_weekly = 4\nkeep_monthly = 12\nkeep_yearly = 3"));
}

TEST_CASE("config: a count and an age are compared only where there is no doubt") {
    const auto reaches = [](const std::string& lines) {
        return parse("[retention]\n" + lines).retention.is_set();
    };
    CHECK(reaches("keep_daily = 400\nkeep_weekly = \"1w\""));
    CHECK(reaches("keep_daily = \"1y\"\nkeep_weekly = 2"));
    CHECK(reaches("keep_weekly = 4\nkeep_monthly = \"forever\""));
    CHECK(retention_error("keep_daily = \"forever\"\nkeep_weekly = 2").find("'keep_weekly' does not reach") !=
          std::string::npos);
    CHECK(
        retention_error("keep_last = \"forever\"\nkeep_daily = \"1y\"").find("'keep_daily' does not reach") !=
        std::string::npos);
}

TEST_CASE("config: a calendar that no type follows is an error; one type left is enough") {
    const std::string types =
        "[retention.types]\nfull = 3\nhourly = \"24h\"\nmanual = 2\nemergency = \"30d\"\n";
    CHECK(parse("[retention]\nkeep_last = \"forever\"\n" + types).retention.types.size() == 4);
    CHECK(retention_error("keep_daily = 7\n" + types + "pre-deployment = 5")
              .find("holdfast.toml:2:14: 'keep_daily' never applies") != std::string::npos);
}

TEST_CASE("config: old logs are looked for in named folders, never in the whole file system") {
    const Config config = parse("[cleanup]\nlog_dirs = [\"logs\", \"/var/log/app/\"]\nolder_than = \"3d\"\n");
    CHECK(config.cleanup.log_dirs == std::vector<std::string>{"/etc/hf/logs", "/var/log/app"});
    CHECK(config.cleanup.older_than == std::chrono::days{3});
    CHECK(failure("[cleanup]\nlog_dirs = \"/..\"\n").kind() == Kind::config);
    CHECK(failure("[cleanup]\nolder_than = \"0s\"\n").kind() == Kind::config);
}
