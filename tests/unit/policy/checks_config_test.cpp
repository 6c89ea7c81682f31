#include "holdfast/policy/checks_config.hpp"

#include <doctest/doctest.h>

#include "holdfast/policy/config_text.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const std::string kDatabase = "[[source]]\nname = \"trades\"\nkind = \"sqlite\"\npath = \"a.db\"\n";
const std::string kTree = "[[source]]\nname = \"lake\"\nkind = \"tree\"\npath = \"lake\"\n";
const std::string kCheck = "[[source.check]]\n";

Config parse(const std::string& text) { return parse_config(text, "h.toml", "/etc/hf"); }

const std::string kAll = kDatabase + R"(
[[source.check]]
name = "no orphans"
sql = "SELECT count(*) FROM \"x\"\nWHERE y IS NULL"
expect = "0"
timeout = "5m"
[[source.check]]
sql = "SELECT max(at) FROM trades"
max_age = "26h"
[[source.check]]
command = ["psql", "-c", "a b"]
)" + kTree + R"(
[[source.check]]
command = "ls \"$HOLDFAST_RESTORED\" | grep -q ."
)";

}  // namespace

TEST_CASE("checks_config: queries and commands are read, in the order of the file, each with its source") {
    const Config config = parse(kAll);
    const auto& checks = config.sources[0].checks;
    REQUIRE(checks.size() == 3);
    CHECK(checks[0] ==
          CheckConfig{"no orphans", "SELECT count(*) FROM \"x\"\nWHERE y IS NULL", "0", {}, {}, false, 5min});
    CHECK(checks[1] ==
          CheckConfig{"SELECT max(at) FROM trades", "SELECT max(at) FROM trades", {}, 26h, {}, false, 60s});
    CHECK(checks[2] == CheckConfig{"psql -c a b", "", {}, {}, {"psql", "-c", "a b"}, false, 60s});
    REQUIRE(config.sources[1].checks.size() == 1);
    CHECK(config.sources[1].checks[0].shell);
    CHECK(config.sources[1].checks[0].name == "ls \"$HOLDFAST_RESTORED\" | grep -q .");
}

TEST_CASE("checks_config: a check that runs a command makes the configuration one that names commands") {
    CHECK_FALSE(parse(kDatabase + kCheck + "sql = \"SELECT 1\"\nexpect = \"1\"\n").names_commands());
    CHECK(parse(kDatabase + kCheck + "command = \"true\"\n").names_commands());
}

TEST_CASE("checks_config: the effective configuration shows the checks and reads back") {
    const Config config = parse(kAll);
    CHECK(parse_config(config_to_toml(config), "b.toml", "/else/where") == config);
    const Json checks = config_to_json(config, "")["source"][0]["check"];
    REQUIRE(checks.size() == 3);
    CHECK(checks[0]["expect"] == "0");
    CHECK(checks[0]["timeout_s"] == 300);
    CHECK(checks[1]["max_age_s"] == 93600);
    CHECK(checks[2]["command"] == Json::parse(R"(["psql", "-c", "a b"])"));
}

TEST_CASE("checks_config: mistakes are errors at their place") {
    struct Case {
        std::string text;
        const char* message;
    };
    const std::string query = kDatabase + kCheck + "sql = \"SELECT 1\"\n";
    const Case cases[] = {
        {kDatabase + kCheck, "h.toml:5:1: 'sql' is missing"},
        {query, "h.toml:6:7: 'sql' has no answer to expect"},
        {query + "expect = \"1\"\nmax_age = \"1h\"\n",
         "h.toml:8:11: 'max_age' and 'expect' exclude each other"},
        {query + "expect = 1\n", "h.toml:7:10: 'expect' must be text in quotes"},
        {query + "max_age = \"soon\"\n", "is not a duration: 'soon'"},
        {query + "expect = \"1\"\ncommand = \"true\"\n",
         "h.toml:8:11: 'command' and 'sql' exclude each other"},
        {query + "expect = \"1\"\ntimeout = \"0s\"\n", "'timeout' is shorter than 1 s"},
        {query + "expect = \"1\"\nexpects = \"1\"\n", "h.toml:8:1: unknown key 'expects'"},
        {query + "expect = \"1\"\nname = \"\"\n", "'name' is empty"},
        {kDatabase + kCheck + "sql = \"\"\nexpect = \"\"\n", "'sql' is empty"},
        {kTree + kCheck + "sql = \"SELECT 1\"\nexpect = \"1\"\n",
         "'sql' is for sources of kind = \"sqlite\" or \"postgres\" only"},
        {kTree + kCheck + "command = \"true\"\nexpect = \"1\"\n", "'expect' is for checks with 'sql' only"},
        {kTree + kCheck + "command = []\n", "'command' is empty"},
        {kTree + kCheck + "command = \"a\"\n" + kCheck + "command = \"a\"\n",
         "h.toml:7:1: 'name' 'a' is used twice"},
        {kTree + "check = 1\n", "must be a list of sections: [[check]]"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        const Error e = catch_error([&] { parse(c.text); });
        CHECK(e.kind() == Kind::config);
        CHECK_MESSAGE(contains(e.what(), c.message), e.what());
    }
}
