#include "holdfast/policy/services_config.hpp"

#include <doctest/doctest.h>

#include "holdfast/policy/config_text.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

Config parse(const std::string& text) { return parse_config(text, "h.toml", "/etc/hf"); }
const std::string kServices = "[services]\n";

}  // namespace

TEST_CASE("services_config: names alone mean systemctl") {
    const ServicesConfig services = parse(kServices + "names = [\"trading\", \"feed@nse\"]\n").services;
    CHECK(services.names == std::vector<std::string>{"trading", "feed@nse"});
    CHECK(services.stop == ServiceCommand{{"systemctl", "stop"}, false});
    CHECK(services.start == ServiceCommand{{"systemctl", "start"}, false});
    CHECK(services.status == ServiceCommand{{"systemctl", "is-active"}, false});
    CHECK_FALSE(services.health.is_set());
    CHECK(services.timeout == 120s);
    CHECK(services.reconcile_wait == 60s);
    CHECK(services.health_timeout == 60s);
}

TEST_CASE("services_config: every key is read; a command of its own replaces systemctl for that verb alone") {
    const ServicesConfig services = parse(kServices + R"(names = "app"
stop = ["docker", "compose", "stop"]
status = "pgrep -f \"$1\""
reconcile = "sync --now | tee log"
health = ["curl", "-f", "http://localhost:8080/health"]
timeout = "90s"
reconcile_wait = "0s"
health_timeout = "5m"
)")
                                        .services;
    CHECK(services.stop.argv == std::vector<std::string>{"docker", "compose", "stop"});
    CHECK(services.start.argv == std::vector<std::string>{"systemctl", "start"});
    CHECK(services.status == ServiceCommand{{"pgrep -f \"$1\""}, true});
    CHECK(services.status.executed() ==
          std::vector<std::string>{"bash", "-o", "pipefail", "-c", "pgrep -f \"$1\"", "bash"});
    CHECK(services.reconcile.shell);
    CHECK(services.health.argv.size() == 3);
    CHECK(services.timeout == 90s);
    CHECK(services.reconcile_wait == 0s);
    CHECK(services.health_timeout == 5min);
}

TEST_CASE("services_config: names make the configuration one that names commands, and so does every hook") {
    CHECK_FALSE(parse("").names_commands());
    CHECK_FALSE(parse(kServices + "timeout = \"9s\"\n").names_commands());
    CHECK(parse(kServices + "names = [\"a\"]\n").names_commands());
    CHECK(parse(kServices + "health = \"true\"\n").names_commands());
    CHECK(parse(kServices + "reconcile = [\"true\"]\n").names_commands());
    CHECK(parse(kServices + "stop = \"a\"\nstart = \"b\"\n").names_commands());
}

TEST_CASE("services_config: the effective configuration shows them and reads back") {
    const Config config = parse(kServices + "names = [\"a\"]\nstop = \"x \\\"$1\\\"\"\nhealth = [\"h\"]\n");
    CHECK(parse_config(config_to_toml(config), "b.toml", "/else/where") == config);
    for (const char* text :
         {"", "timeout = \"7s\"\n", "stop = [\"a\"]\nstart = [\"b\"]\nreconcile = \"c\"\n"}) {
        const Config other = parse(kServices + text);
        CHECK(parse_config(config_to_toml(other), "b.toml", "/else/where") == other);
    }
    const Json json = config_to_json(config, "")["services"];
    CHECK(json["names"] == Json::parse(R"(["a"])"));
    CHECK(json["stop"] == Json::parse(R"(["bash", "-o", "pipefail", "-c", "x \"$1\"", "bash"])"));
    CHECK(json["start"] == Json::parse(R"(["systemctl", "start"])"));
    CHECK(json["reconcile"] == Json::array());
    CHECK(json["health_timeout_s"] == 60);
}

TEST_CASE("services_config: mistakes are errors at their place") {
    struct Case {
        std::string text;
        const char* message;
    };
    const Case cases[] = {
        {"names = []\n", "h.toml:2:9: 'names' is empty"},
        {"names = [\"-H\"]\n", "'names' cannot hold '-H'"},
        {"names = [\"a b\"]\n", "'names' cannot hold 'a b'"},
        {"names = [\"a\", \"a\"]\n", "'a' is used twice"},
        {"names = [\"a\"]\nstop = []\n", "h.toml:3:8: 'stop' is empty"},
        {"names = [\"a\"]\nhealth = \"\"\n", "'health' is empty"},
        {"stop = \"x\"\n", "h.toml:2:8: 'stop' is here alone"},
        {"start = \"x\"\n", "'start' is here alone"},
        {"status = \"x\"\n", "'status' is about nothing"},
        {"names = [\"a\"]\ntimeout = \"0s\"\n", "'timeout' is shorter than 1 s"},
        {"names = [\"a\"]\nhealt = \"x\"\n", "h.toml:3:1: unknown key 'healt'"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        const Error e = catch_error([&] { parse(kServices + c.text); });
        CHECK(e.kind() == Kind::config);
        CHECK_MESSAGE(contains(e.what(), c.message), e.what());
    }
}
