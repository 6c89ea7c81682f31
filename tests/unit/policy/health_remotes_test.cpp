#include "holdfast/policy/health_remotes.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

const SystemSeconds kNow{std::chrono::seconds{1'800'000'000}};

RemoteConfig remote(const std::string& name, bool off_site = true, const std::string& medium = "") {
    RemoteConfig out;
    out.name = name;
    out.off_site = off_site;
    out.medium = medium;
    return out;
}
RemoteFacts fresh(std::chrono::seconds age = 1h) {
    RemoteFacts out;
    out.looked = kNow - age;
    out.newest = kNow - age;
    out.snapshots = 3;
    return out;
}

}  // namespace

TEST_CASE("health_remotes: a young snapshot that was seen lately is healthy, at the limit too") {
    CHECK(judge_remote(remote("nas"), fresh(), kNow).level == Health::healthy);
    CHECK(judge_remote(remote("nas"), fresh(26h), kNow).level == Health::healthy);
    CHECK(judge_remote(remote("nas"), fresh(26h + 1s), kNow).level == Health::degraded);
}

TEST_CASE("health_remotes: what was never seen, or only of another address, is no copy") {
    const HealthResult never = judge_remote(remote("nas"), {}, kNow);
    CHECK(never.level == Health::degraded);
    CHECK(contains(never.message, "no snapshot was ever proven to be there"));
    RemoteFacts other;
    other.trouble = "what is known is of another address";
    CHECK(judge_remote(remote("nas"), other, kNow).level == Health::degraded);
}

TEST_CASE("health_remotes: damage there is unhealthy, a time from the future is told") {
    RemoteFacts damaged = fresh();
    damaged.damaged = 2;
    CHECK(judge_remote(remote("nas"), damaged, kNow).level == Health::unhealthy);
    const HealthResult future = judge_remote(remote("nas"), fresh(-1h), kNow);
    CHECK(future.level == Health::degraded);
    CHECK(contains(future.next, "clock"));
}

TEST_CASE("health_remotes: 3-2-1 counts what was proven") {
    const LocalCopies local{true, true};
    CHECK(judge_copies(local, {}, {}, kNow).level == Health::healthy);  // nobody asked for it
    CHECK(judge_copies(local, {remote("nas")}, {fresh()}, kNow).level == Health::healthy);
    CHECK(judge_copies(local, {remote("nas")}, {fresh(27h)}, kNow).level == Health::degraded);
    CHECK(judge_copies({false, true}, {remote("nas")}, {fresh()}, kNow).level == Health::degraded);
    const HealthResult here = judge_copies(local, {remote("usb", false)}, {fresh()}, kNow);
    CHECK(here.level == Health::degraded);
    CHECK(contains(here.message, "0 off-site of 1"));
}

TEST_CASE("health_remotes: a folder on the same disk is a copy, but no other medium and not off-site") {
    RemoteFacts same = fresh();
    same.is_same_disk = true;
    const HealthResult r = judge_copies({true, true}, {remote("folder")}, {same}, kNow);
    CHECK(contains(r.message, "3 proven copies; 1 media of 2; 0 off-site of 1"));
}

TEST_CASE("health_remotes: two remotes of one medium are one medium") {
    const std::vector<RemoteConfig> two = {remote("a", true, "tape"), remote("b", true, "tape")};
    const HealthResult r = judge_copies({false, false}, two, {fresh(), fresh()}, kNow);
    CHECK(contains(r.message, "3 proven copies; 2 media; 2 off-site"));
    CHECK(r.samples.size() == 3);
}
