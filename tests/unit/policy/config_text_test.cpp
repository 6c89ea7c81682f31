#include "holdfast/policy/config_text.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

namespace {
const char* const kText = R"(
[repository]
path = "back\"ups\\ \u0001 ü"
lock_wait = "90s"
[backup]
time_limit = "forever"
verify_after = "none"
[cleanup]
log_dirs = ["logs", "/var/log/x"]
older_than = "36h"
[retention]
keep_last = 3
keep_weekly = "1y"
keep_yearly = "forever"
grace = "90m"
zone = "Europe/Berlin"
[retention.types]
hourly = "24h"
pre-deployment = 2
[[source]]
name = "trades"
kind = "sqlite"
path = "data/*.db"
busy_timeout = "1500s"
[[source]]
name = "lake"
kind = "tree"
path = ["a", "b"]
exclude = ["*.tmp", "x/"]
allow_empty = true
max_shrink = "12.5%"
[[source]]
name = "argv"
kind = "command"
command = ["a", "b c"]
expect_end = "end\n"
[[source]]
name = "line"
kind = "command"
command = "a | b"
)";
}

TEST_CASE("config_text: the effective TOML parses to the same configuration, wherever it is read") {
    const Config config = parse_config(kText, "a.toml", "/b[a]se");
    CHECK(parse_config(config_to_toml(config), "b.toml", "/else/where") == config);
    const Config defaults = default_config("/x");
    CHECK(parse_config(config_to_toml(defaults), "b.toml", "/y") == defaults);
}

TEST_CASE("config_text: durations keep every second") {
    for (const int s : {0, 1, 59, 60, 61, 3600, 3660, 86400, 90000, 172800})
        CHECK(parse_duration(holdfast::detail::duration_text(std::chrono::seconds{s})) ==
              std::chrono::seconds{s});
    CHECK(holdfast::detail::duration_text(kForever) == "forever");
}

TEST_CASE("config_text: JSON has the same words, and units in the names of numbers") {
    const Json json = config_to_json(parse_config(kText, "a.toml", "/base"), "/base/a.toml");
    CHECK(json["file"] == "/base/a.toml");
    CHECK(json["repository"]["lock_wait_s"] == 90);
    CHECK(json["backup"]["verify_after"] == "none");
    CHECK(json["cleanup"]["log_dirs"] == Json::parse(R"(["/base/logs", "/var/log/x"])"));
    CHECK(json["cleanup"]["older_than_s"] == 129600);
    CHECK(json["retention"]["keep_last"]["count"] == 3);
    CHECK(json["retention"]["types"]["hourly"]["age_s"] == 86400);
    CHECK(json["retention"]["grace_s"] == 5400);
    CHECK(json["source"][0]["class"] == "database");
    CHECK(json["source"][0]["path"][0] == "/base/data/*.db");
    CHECK(json["source"][1]["max_shrink"] == 0.125);
    CHECK(json["source"][2]["command"] == Json::parse(R"(["a", "b c"])"));
    CHECK(json["source"][3]["shell"] == true);
    CHECK(config_to_json(default_config("/x"), "")["file"].is_null());
}
