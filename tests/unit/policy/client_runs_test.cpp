#include "holdfast/policy/client_runs.hpp"

#include <doctest/doctest.h>

#include "holdfast/policy/config_text.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using namespace std::chrono_literals;

namespace {

Config parse(const std::string& text) { return parse_config(text, "holdfast.toml", "/etc/hf"); }
std::vector<ClientRun> runs(const std::string& keys) {
    return client_runs(parse("[[source]]\nname = \"s\"\n" + keys).sources.at(0));
}
Error failure(const std::string& keys) {
    return catch_error([&] { parse("[[source]]\nname = \"s\"\n" + keys); });
}
const std::string kPostgres = "kind = \"postgres\"\n";
const std::string kRedis = "kind = \"redis\"\n";

}  // namespace

TEST_CASE("client_runs: a logical source is one uncompressed dump per database, then the globals") {
    const auto list = runs(kPostgres + R"(database = ["a", "b"]
tables = ["trades", "x.*"]
service = "main"
service_file = "pg_service.conf"
password_file = "/etc/pass word"
)");
    REQUIRE(list.size() == 3);
    CHECK(list[0].component == "s/a.dump");
    CHECK(list[1].component == "s/b.dump");
    CHECK(list[2].component == "s/globals.sql");
    CHECK(list[0].argv ==
          std::vector<std::string>{
              "pg_dump", "--format=custom", "--compress=0", "--no-password",
              "--dbname=connect_timeout=10 service='main' passfile='/etc/pass word' dbname='a'",
              "--table=trades", "--table=x.*"});
    CHECK(list[0].environment == std::vector<std::string>{"PGSERVICEFILE=/etc/hf/pg_service.conf"});
    CHECK(list[2].argv[0] == "pg_dumpall");
    CHECK(list[2].output == ClientOutput::pg_globals);
}

TEST_CASE("client_runs: a value in a connection string is quoted") {
    CHECK(runs(kPostgres + "database = \"a'b\\\\c\"\nglobals = \"none\"\n")[0].argv[4] ==
          "--dbname=connect_timeout=10 dbname='a\\'b\\\\c'");
}

TEST_CASE("client_runs: a physical source is one base backup with the WAL that it needs") {
    const auto list =
        runs(kPostgres + "mode = \"physical\"\nhost = \"db\"\nport = 5433\nuser = \"backup\"\n");
    REQUIRE(list.size() == 1);
    CHECK(list[0].component == "s/base.tar");
    CHECK(list[0].argv.back() == "--dbname=connect_timeout=10 host='db' port='5433' user='backup'");
    CHECK(std::count(list[0].argv.begin(), list[0].argv.end(), "--wal-method=fetch") == 1);
}

TEST_CASE("client_runs: redis-cli writes a dump to its output, and a password is in no argument") {
    const auto list =
        runs(kRedis +
             "via = [\"docker\", \"exec\", \"cache\"]\nport = 7000\nuser = \"u\"\npassword_file = \"pw\"\n");
    REQUIRE(list.size() == 2);
    CHECK(list[0].component == "s/dump.rdb");
    CHECK(list[0].argv == std::vector<std::string>{"docker", "exec", "cache", "redis-cli", "-p", "7000",
                                                   "--user", "u", "--rdb", "-"});
    CHECK(list[0].secret_variable == "REDISCLI_AUTH");
    CHECK(list[0].secret_file == "/etc/hf/pw");
    CHECK(list[1].component == "s/info.txt");
    CHECK(runs(kRedis)[0].secret_variable.empty());
}

TEST_CASE("server_config: keys that make no sense together are errors") {
    CHECK(testing::contains(failure(kPostgres).what(), "'database' is missing"));
    CHECK(testing::contains(failure(kPostgres + "mode = \"physical\"\ndatabase = \"a\"\n").what(),
                            "logical\" only"));
    CHECK(testing::contains(failure(kPostgres + "database = \"a/b\"\n").what(), "cannot be 'a/b'"));
    CHECK(testing::contains(failure(kPostgres + "database = [\"a\", \"a\"]\n").what(), "used twice"));
    CHECK(testing::contains(failure(kPostgres + "database = \"-h\"\n").what(), "begins with '-'"));
    CHECK(
        testing::contains(failure(kPostgres + "database = \"a\"\npath = \"x\"\n").what(), "is not for kind"));
    CHECK(
        testing::contains(failure(kPostgres + "database = \"a\"\nport = 0\n").what(), "between 1 and 65535"));
    CHECK(testing::contains(failure(kRedis + "database = \"a\"\n").what(), "for kind = \"postgres\" only"));
    CHECK(testing::contains(failure(kRedis + "socket = \"/s\"\nport = 1\n").what(), "exclude each other"));
    CHECK(testing::contains(failure("kind = \"tree\"\npath = \"x\"\nhost = \"h\"\n").what(),
                            "\"postgres\" or \"redis\" only"));
    CHECK(testing::contains(failure(kRedis + "newer_than = \"7d\"\n").what(), "\"tree\" only"));
}

TEST_CASE("server_config: what is printed reads back to the same, and commands are named") {
    const Config config = parse("[[source]]\nname = \"p\"\n" + kPostgres + R"(database = "a"
tables = "t"
host = "h"
port = 5
user = "u"
password_file = "pw"
service = "s"
service_file = "sf"
globals = "without-passwords"
via = "env"
timeout = "90s"
[[source]]
name = "f"
kind = "postgres"
mode = "physical"
[[source]]
name = "r"
kind = "redis"
socket = "s"
data_dir = "/d"
[[source]]
name = "l"
kind = "tree"
path = "logs"
newer_than = "7d"
)");
    CHECK(config.names_commands());
    CHECK(config.sources[0].source_class == SourceClass::database);
    CHECK(config.sources[2].source_class == SourceClass::cache);
    CHECK(config.sources[3].newer_than == std::chrono::days{7});
    CHECK(parse(config_to_toml(config)) == config);
    const Json json = config_to_json(config, "");
    CHECK(json["source"][0]["database"] == Json::parse(R"(["a"])"));
    CHECK(json["source"][1]["mode"] == "physical");
    CHECK(json["source"][3]["newer_than_s"] == 604800);
}
