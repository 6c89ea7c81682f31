#include "holdfast/policy/health_keys.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow = *parse_utc("2026-11-20T12:00:00Z");

KeyFacts known(const std::string& name) { return {"AAAA" + name, name, true}; }

HealthResult judge(const std::vector<KeyFacts>& recipients, const HealthConfig& limits = {}) {
    return judge_recipients({"0123456789abcdef0123", "", recipients}, limits, kNow);
}

}  // namespace

TEST_CASE("health_keys: two keys that can be used and do not end soon are healthy") {
    KeyFacts later = known("escrow");
    later.expires = kNow + 24h * 30;
    const HealthResult two = judge({known("ops"), later});
    CHECK(two.level == Health::healthy);
    CHECK(contains(two.message, "2 keys open certificate 0123456789abcdef"));
    CHECK(two.next.empty());
}

TEST_CASE(
    "health_keys: a key that ends within min_key_left is told with its owner and the days, a second before "
    "is not") {
    KeyFacts soon = known("escrow");
    soon.expires = kNow + 24h * 30 - 1s;
    const HealthResult told = judge({known("ops"), soon});
    CHECK(told.level == Health::degraded);
    CHECK(contains(told.message, "key AAAAescrow (escrow) expires in 29 d"));
    CHECK(contains(told.next, "init --rekey"));
    HealthConfig off;
    off.min_key_left = kForever;
    CHECK(judge({known("ops"), soon}, off).level == Health::healthy);
}

TEST_CASE("health_keys: an expired or revoked key leaves one, which is told as well; none is unhealthy") {
    KeyFacts gone = known("escrow");
    gone.trouble = "was revoked";
    const HealthResult one = judge({known("ops"), gone});
    CHECK(one.level == Health::degraded);
    CHECK(contains(one.message, "(escrow) was revoked"));
    CHECK(contains(one.message, "1 key can open the backups for certain, the least is 2"));
    CHECK(judge({gone}).level == Health::unhealthy);
}

TEST_CASE("health_keys: one recipient alone is degraded unless the configuration says that one is enough") {
    CHECK(judge({known("ops")}).level == Health::degraded);
    HealthConfig one;
    one.min_recipients = 1;
    CHECK(judge({known("ops")}, one).level == Health::healthy);
    CHECK(judge({}, one).level == Health::unhealthy);
}

TEST_CASE("health_keys: what is not in the keyring was not looked at, so it is not healthy") {
    const HealthResult r = judge({known("ops"), {"BBBB", "escrow", false}});
    CHECK(r.level == Health::degraded);
    CHECK(contains(r.message, "key BBBB (escrow) is not in this keyring"));
    CHECK(contains(r.next, "gpg --import"));
}

TEST_CASE("health_keys: a recovery key that is missing is unhealthy, whoever its keys are") {
    const HealthResult r = judge_recipients({"0123", "the recovery key 'k' is missing", {}}, {}, kNow);
    CHECK(r.level == Health::unhealthy);
    CHECK(contains(r.next, "recovery kit"));
}

TEST_CASE("health_keys: a signing key that cannot sign ends backups, one that soon cannot is told before") {
    const auto level = [](const KeyFacts& key) { return judge_signer(key, {}, kNow).level; };
    KeyFacts key = known("");
    CHECK(level(key) == Health::healthy);
    key.expires = kNow + 24h * 7;
    CHECK(level(key) == Health::degraded);
    CHECK(contains(judge_signer(key, {}, kNow).message, "expires in 7 d; then backups stop"));
    key.trouble = "expired on 2026-11-01";
    CHECK(level(key) == Health::unhealthy);
    CHECK(level({"CCCC", "", false}) == Health::unhealthy);
}
