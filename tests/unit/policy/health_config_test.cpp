#include "holdfast/policy/health_config.hpp"

#include <doctest/doctest.h>

#include "holdfast/policy/config_text.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const std::string kSource = "[[source]]\nname = \"trades.db\"\nkind = \"sqlite\"\npath = \"a.db\"\n";
const std::string kAll = kSource + R"(
[health]
max_age = "26h"
min_free = "5GiB"
max_used = "92.5%"
min_left = "3d"
max_verify_age = "30d"
max_drill_age = "forever"
max_lock = "90m"
max_open_restore = "2d"
remind_after = "12h"
min_key_left = "45d"
min_recipients = 3
max_wal = "64MiB"
quick_check = "1500ms"
schedule = true
metrics = "textfile/holdfast.prom"
page = "web/index.html"
[health.max_age_of]
hourly = "2h"
"trades.db" = "50h"
[[health.endpoint]]
name = "api"
url = "https://127.0.0.1:8443/health?token=s3cret"
ca_file = "ca.pem"
status = 204
max_latency = "250ms"
timeout = "5s"
[[health.stream]]
name = "quotes \u001b"
url = "http://127.0.0.1/sse"
within = "1m"
)";

Config parse(const std::string& text) { return parse_config(text, "h.toml", "/etc/hf"); }
Error refuse(const std::string& text) {
    return catch_error([&] { parse(kSource + text); });
}

}  // namespace

TEST_CASE("health_config: every key is read") {
    const HealthConfig h = parse(kAll).health;
    CHECK(h.max_age == 26h);
    CHECK(h.max_age_for("hourly") == 2h);
    CHECK(h.max_age_for("trades.db") == 50h);
    CHECK(h.max_age_for("full") == 26h);
    CHECK(h.min_free == 5_GiB);
    CHECK(h.max_used == doctest::Approx(0.925));
    CHECK(h.min_left == 72h);
    CHECK(h.max_verify_age == 720h);
    CHECK(h.max_drill_age == kForever);
    CHECK(h.max_lock == 90min);
    CHECK(h.max_open_restore == 48h);
    CHECK(h.remind_after == 12h);
    CHECK(h.min_key_left == 1080h);
    CHECK(h.min_recipients == 3);
    CHECK(h.max_wal == 64_MiB);
    CHECK(h.quick_check == 1500ms);
    CHECK(h.schedule);
    CHECK(h.metrics == "/etc/hf/textfile/holdfast.prom");
    CHECK(h.page == "/etc/hf/web/index.html");
    REQUIRE(h.endpoints.size() == 1);
    CHECK(h.endpoints[0].status == 204);
    CHECK(h.endpoints[0].max_latency == 250ms);
    CHECK(h.endpoints[0].timeout == 5s);
    CHECK(h.endpoints[0].ca_file == "/etc/hf/ca.pem");
    REQUIRE(h.streams.size() == 1);
    CHECK(h.streams[0].within == 60s);
}

TEST_CASE("health_config: without a section the limits of the documents hold") {
    const HealthConfig h = parse("").health;
    CHECK(h.max_age == 25h);
    CHECK(h.min_free == 10'000'000'000);
    CHECK(h.max_used == doctest::Approx(0.8));
    CHECK_FALSE(h.schedule);
}

TEST_CASE("health_config: what is printed parses to the same, with a hostile name and all") {
    const Config config = parse(kAll);
    CHECK(parse(config_to_toml(config)) == config);
    const Config plain = parse(kSource);
    CHECK(parse(config_to_toml(plain)) == plain);
}

TEST_CASE("health_config: the JSON that scripts read holds no addresses") {
    const std::string json = dump_json(config_to_json(parse(kAll), ""));
    CHECK_FALSE(contains(json, "s3cret"));
    CHECK(contains(json, R"("endpoints":["api"])"));
}

TEST_CASE("health_config: an unknown key is an error at its place, at every level") {
    CHECK(contains(refuse("[health]\nmax_aeg = \"2h\"\n").what(), "h.toml:6:1: unknown key 'max_aeg'"));
    CHECK(contains(refuse("[health]\nmax_aeg = \"2h\"\n").hint(), "max_age"));
    CHECK(contains(refuse("[health.max_age_of]\nhuorly = \"2h\"\n").what(), "unknown key 'huorly'"));
    const std::string endpoint = "[[health.endpoint]]\nname = \"a\"\nurl = \"http://h/\"\n";
    CHECK(contains(refuse(endpoint + "within = \"1s\"\n").what(), "unknown key 'within'"));
    const std::string stream = "[[health.stream]]\nname = \"a\"\nurl = \"http://h/\"\n";
    CHECK(contains(refuse(stream + "status = 200\n").what(), "unknown key 'status'"));
}

TEST_CASE("health_config: values that make no sense are refused") {
    const auto key = [](const std::string& line) { return std::string(refuse("[health]\n" + line).what()); };
    CHECK(contains(key("max_age = \"25\""), "is not a duration"));
    CHECK(contains(key("max_age = \"0s\""), "is shorter than"));
    CHECK(contains(key("min_free = \"ten\""), "is not a size"));
    CHECK(contains(key("max_used = \"101%\""), "is not a share"));
    CHECK(contains(key("max_used = 80"), "must be text"));
    CHECK(contains(key("quick_check = \"2h\""), "is not a time of at most an hour"));
    CHECK(contains(key("quick_check = \"-1ms\""), "is not a time of at most an hour"));
    CHECK(contains(key("metrics = \"a.txt\""), "does not end with .prom"));
    CHECK(contains(key("page = \"a.txt\""), "does not end with .html"));
    CHECK(contains(key("schedule = \"yes\""), "must be true or false"));
    const std::string endpoint = "[[health.endpoint]]\nname = \"a\"\n";
    CHECK(contains(refuse(endpoint).what(), "'url' is missing"));
    CHECK(contains(refuse(endpoint + "url = \"file:///etc/passwd\"\n").what(), "is not an http"));
    CHECK(contains(refuse(endpoint + "url = \"http://h/\"\nstatus = 42\n").what(), "is not between"));
    CHECK(contains(refuse("[[health.stream]]\nurl = \"http://h/\"\n").what(), "'name' is missing"));
    const std::string whole = endpoint + "url = \"http://h/\"\n";
    CHECK(contains(refuse(whole + whole).what(), "'a' is used twice"));
}

TEST_CASE("health_config: a source that is called like a type cannot have an age of its own") {
    const std::string source = "[[source]]\nname = \"full\"\nkind = \"tree\"\npath = \"x\"\n";
    CHECK(contains(refuse(source + "[health.max_age_of]\nfull = \"2h\"\n").what(),
                   "a type of snapshots and a source"));
    CHECK_NOTHROW(parse(kSource + source + "[health]\nmax_age = \"2h\"\n"));
}
