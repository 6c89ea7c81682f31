#include "holdfast/policy/health_probes.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {
const EndpointConfig kEndpoint{"api", "http://h/", "", 200, 100ms, 1s};
const StreamConfig kStream{"quotes", "http://h/", "", 500ms};
}  // namespace

TEST_CASE("health_probes: an endpoint is up by its status, and slow beyond its latency") {
    CHECK(judge_endpoint(kEndpoint, {"", 200, 100ms}).level == Health::healthy);
    CHECK(judge_endpoint(kEndpoint, {"", 200, 101ms}).level == Health::degraded);
    CHECK(judge_endpoint(kEndpoint, {"", 204, 1ms}).level == Health::unhealthy);
    const HealthResult none = judge_endpoint(kEndpoint, {"no answer from http://h", 0, 1s});
    CHECK(none.level == Health::unhealthy);
    CHECK(none.samples.at(0).value == 0);
    CHECK(judge_endpoint(kEndpoint, {"", 200, 101ms}).samples.at(0).value == 1);
}

TEST_CASE("health_probes: a stream needs status, type and an event") {
    CHECK(judge_stream(kStream, {"", 200, 3ms, "text/event-stream; charset=utf-8", true}).level ==
          Health::healthy);
    CHECK(contains(judge_stream(kStream, {"", 200, 500ms, "text/event-stream", false}).message,
                   "no event within 500 ms"));
    CHECK(contains(judge_stream(kStream, {"", 200, 3ms, "text/html", true}).message,
                   "no event stream but 'text/html'"));
    CHECK(contains(judge_stream(kStream, {"", 500, 3ms, "text/event-stream", true}).message, "answered 500"));
    CHECK(contains(judge_stream(kStream, {"no answer from http://h: refused", 0, 3ms, "", false}).message,
                   "refused"));
}

TEST_CASE("health_probes: only an event with data ends the wait; comments and fields alone do not") {
    const auto sees = [](std::vector<std::string> pieces) {
        EventFinder finder;
        bool seen = false;
        for (const std::string& piece : pieces) seen = finder.feed(piece);
        return seen;
    };
    CHECK(sees({"data: 1\n\n"}));
    CHECK(sees({"event: t\r\nda", "ta:1\r", "\n\r\n"}));
    CHECK(sees({"data\r\r"}));
    CHECK(sees({"\xEF\xBB",
                "\xBF"
                "data: 1\n\n"}));  // a byte order mark, once
    CHECK_FALSE(
        sees({"\n\xEF\xBB\xBF"
              "data: 1\n\n"}));
    CHECK_FALSE(sees({": comment\n\n", ":\n\n\n\n"}));
    CHECK_FALSE(sees({"event: tick\n\n"}));
    CHECK_FALSE(sees({"data: 1\n"}));
    CHECK_FALSE(sees({"data: 1\r\n"}));
    CHECK_FALSE(sees({"database: 1\n\n"}));
    CHECK_FALSE(sees({std::string(1 << 20, 'x')}));
    CHECK(sees({": c\n", "\n", "data: x\n", "\n"}));
}

TEST_CASE(
    "health_probes: the type of a stream is compared as types are: in any case, without its parameters") {
    StreamConfig config;
    ProbeFacts facts;
    facts.status = 200;
    facts.has_event = true;
    for (const char* type :
         {"text/event-stream", "Text/Event-Stream; charset=utf-8", "text/event-stream;x"}) {
        facts.content_type = type;
        CHECK(judge_stream(config, facts).level == Health::healthy);
    }
    for (const char* type : {"text/event-streams", "text/html", ""}) {
        facts.content_type = type;
        CHECK(judge_stream(config, facts).level == Health::unhealthy);
    }
}
