#include "holdfast/policy/drill_config.hpp"

#include <doctest/doctest.h>

#include "holdfast/policy/config_text.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

Config parse(const std::string& text) { return parse_config(text, "h.toml", "/etc/hf"); }

const char* const kAll = R"(
[drill]
scratch = "scratch"
report_dir = "/srv/reports"
start = ["bin/start", "--dry"]
start_timeout = "5m"
max_data_loss = "2h"
[drill.target]
identify = "1m"
retrieve = "90s"
restore = "2m"
verify = "1m"
start = "1m"
total = "15m"
)";

}  // namespace

TEST_CASE("drill_config: every key is read, and relative folders begin where the file lies") {
    const Config config = parse(kAll);
    const DrillConfig& drill = config.drill;
    CHECK(drill.scratch == "/etc/hf/scratch");
    CHECK(drill.report_dir == "/srv/reports");
    CHECK(drill.start == std::vector<std::string>{"bin/start", "--dry"});
    CHECK_FALSE(drill.shell);
    CHECK(drill.start_timeout == 5min);
    CHECK(drill.max_data_loss == 2h);
    CHECK(drill.target == decltype(drill.target){60s, 90s, 120s, 60s, 60s});
    CHECK(drill.total == 15min);
    CHECK(config.names_commands());
}

TEST_CASE("drill_config: without a section only the total and the loss of data have limits") {
    const Config config = parse("");
    CHECK(config.drill == DrillConfig{});
    CHECK(config.drill.total == 2h);
    CHECK(config.drill.max_data_loss == 25h);
    for (const auto& target : config.drill.target) CHECK_FALSE(target);
    CHECK_FALSE(config.names_commands());
}

TEST_CASE("drill_config: records lie beside the logs of backups unless a folder is named") {
    CHECK(report_folder(parse("").drill, "/etc/hf/logs/backups") == "/etc/hf/logs");
    CHECK(report_folder(parse("").drill, "/var/log/holdfast") == "/var/log/holdfast");
    CHECK(report_folder(parse("").drill, "/backups") == "/backups");
    CHECK(report_folder(parse(kAll).drill, "/var/log/holdfast") == "/srv/reports");
}

TEST_CASE("drill_config: the effective configuration shows the drill and reads back") {
    const Config config = parse(kAll);
    CHECK(parse_config(config_to_toml(config), "b.toml", "/else/where") == config);
    const Config shell = parse("[drill]\nstart = \"a | b\"\n");
    CHECK(shell.drill.shell);
    CHECK(parse_config(config_to_toml(shell), "b.toml", "/else/where") == shell);
    const Json json = config_to_json(config, "")["drill"];
    CHECK(json["target"]["restore_s"] == 120);
    CHECK(json["target"]["total_s"] == 900);
    CHECK(json["max_data_loss_s"] == 7200);
    CHECK(json["report_dir"] == "/srv/reports");
}

TEST_CASE("drill_config: mistakes are errors at their place") {
    struct Case {
        const char *text, *message;
    };
    const Case cases[] = {
        {"[drill]\nstart = []\n", "h.toml:2:9: 'start' is empty"},
        {"[drill]\nscratch = \"~/x\"\n", "begins with '~'"},
        {"[drill]\nmax_data_loss = \"0s\"\n", "'max_data_loss' is shorter than 1 s"},
        {"[drill]\ntarget = \"1h\"\n", "must be a section"},
        {"[drill.target]\nrestore = \"soon\"\n", "h.toml:2:11: 'restore' is not a duration: 'soon'"},
        {"[drill.target]\nrestores = \"1m\"\n", "h.toml:2:1: unknown key 'restores'"},
        {"[drill.target]\nrestore = \"3h\"\n", "'restore' is longer than the total of 2 h"},
        {"[drill]\nstrat = \"x\"\n", "unknown key 'strat'"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        const Error e = catch_error([&] { parse(c.text); });
        CHECK(e.kind() == Kind::config);
        CHECK_MESSAGE(contains(e.what(), c.message), e.what());
    }
}
