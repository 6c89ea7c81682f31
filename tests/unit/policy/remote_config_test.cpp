#include "holdfast/policy/remote_config.hpp"

#include <doctest/doctest.h>

#include "holdfast/policy/config_text.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using namespace std::chrono_literals;

namespace {

Config parse(const std::string& text) { return parse_config(text, "h.toml", "/etc/hf"); }
RemoteConfig remote(const std::string& url, const std::string& more = "") {
    return parse("[[remote]]\nname = \"a\"\nurl = \"" + url + "\"\n" + more).remotes.at(0);
}

}  // namespace

TEST_CASE("remote_config: the form of the address says what it is") {
    CHECK(remote("/mnt/usb/").place == RemotePlace{RemoteKind::directory, "", "", 22, "", "/mnt/usb"});
    CHECK(remote("./usb").url == "/etc/hf/usb");
    CHECK(remote("sftp://me@nas:2222/srv/b").place ==
          RemotePlace{RemoteKind::sftp, "me", "nas", 2222, "", "/srv/b"});
    CHECK(remote("me@nas.example.com:/srv/b").place ==
          RemotePlace{RemoteKind::sftp, "me", "nas.example.com", 22, "", "/srv/b"});
    CHECK(remote("ssh://nas/b").place == RemotePlace{RemoteKind::sftp, "", "nas", 22, "", "/b"});
    CHECK(remote("cloud:bucket/x/").place ==
          RemotePlace{RemoteKind::rclone, "", "", 22, "cloud", "bucket/x"});
}

TEST_CASE("remote_config: what is no address, or holds a password, is an error at its place") {
    for (const char* url :
         {"usb", "rsync://nas/b", "s3://bucket", "https://h/b", "me:secret@nas:/b", "sftp://me:secret@nas/b",
          "me@nas:b", "-x:/b", "sftp://nas:0/b", "sftp://-o/b", "/", "/a/../b", "a b:c", ""}) {
        CAPTURE(std::string(url));
        const auto error = catch_error([&] { remote(url); });
        CHECK(error.kind() == Kind::config);
        CHECK(contains(error.what(), "h.toml:3:7: 'url'"));
    }
}

TEST_CASE("remote_config: a folder is not off-site unless somebody says so") {
    CHECK_FALSE(remote("/mnt/usb").off_site);
    CHECK(remote("/mnt/usb", "off_site = true\n").off_site);
    CHECK(remote("cloud:b").off_site);
}

TEST_CASE("remote_config: keys that the kind has no use for, loose names and names used twice are errors") {
    const auto says = [](const std::string& url, const std::string& more) {
        return std::string(catch_error([&] { remote(url, more); }).what());
    };
    CHECK(contains(says("/mnt", "key_file = \"k\"\n"), "'key_file' is not for a directory remote"));
    CHECK(contains(says("n:b", "known_hosts = \"k\"\n"), "is not for a rclone remote"));
    CHECK(contains(says("n:b", "host = \"../x\"\n"), "'host' cannot be"));
    CHECK(contains(says("n:b", "environment = [\"A=1\"]\n"), "'environment' cannot hold"));
    CHECK(contains(says("n:b", "bandwidth = \"3\"\n"), "'bandwidth' is not a size"));
    CHECK(contains(says("n:b", "password = \"x\"\n"), "unknown key 'password'"));
    CHECK(contains(says("n:b", "[[remote]]\nname = \"a\"\nurl = \"/b\"\n"), "'a' is used twice"));
}

TEST_CASE("remote_config: a remote has a policy of its own, and TOML reads back to the same") {
    const Config config = parse(R"(
[retention]
keep_last = 3
[[remote]]
name = "cloud"
url = "cloud:b"
credentials = "cloud.env"
environment = "GOOGLE_APPLICATION_CREDENTIALS"
max_age = "3d"
bandwidth = "10MB"
medium = "object \"store\""
[remote.retention]
keep_daily = "90d"
grace = "1d"
[remote.retention.types]
hourly = 4
[[remote]]
name = "nas"
url = "me@nas:/b"
key_file = "nas.key"
host = "trader1"
)");
    CHECK(config.remotes[0].retention.grace == 24h);
    CHECK(config.remotes[0].credentials == "/etc/hf/cloud.env");
    CHECK(config.remotes[0].bandwidth == 10'000'000);
    CHECK_FALSE(config.remotes[1].retention.is_set());
    CHECK(config.retention.keep[0]->count == 3);
    CHECK(parse_config(config_to_toml(config), "b.toml", "/else/where") == config);
    CHECK(config_to_json(config, "x")["remote"][0]["retention"]["types"]["hourly"]["count"] == 4);
    CHECK(config.find_remote("nas") == &config.remotes[1]);
    CHECK(config.find_remote("cloud2") == nullptr);
}
