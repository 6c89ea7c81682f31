#include "holdfast/policy/command_trust.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;

namespace {
constexpr uid_t kRoot = 0, kUs = 1000, kOther = 1001;
std::optional<Distrust> judge(uid_t file_owner, mode_t file_mode, uid_t folder_owner, mode_t folder_mode,
                              uid_t ours) {
    return distrust_commands({"/f/h.toml", file_owner, file_mode}, {"/f", folder_owner, folder_mode}, ours);
}
}  // namespace

TEST_CASE("command_trust: files of root or of us that only the owner may write are fine") {
    CHECK_FALSE(judge(kRoot, 0644, kRoot, 0755, kUs));
    CHECK_FALSE(judge(kUs, 0600, kUs, 0700, kUs));
    CHECK_FALSE(judge(kRoot, 0640, kRoot, 0755, kRoot));
    CHECK_FALSE(judge(kUs, 0400, kRoot, 0755, kUs));
}

TEST_CASE("command_trust: a file that others may write is refused, and the hint repairs it") {
    const auto group = judge(kRoot, 0664, kRoot, 0755, kUs);
    REQUIRE(group);
    CHECK(group->reason == "its group may write '/f/h.toml'");
    CHECK(group->fix == "chmod go-w '/f/h.toml'");
    const auto all = judge(kUs, 0666, kRoot, 0755, kUs);
    REQUIRE(all);
    CHECK(all->reason == "anybody may write '/f/h.toml'");
}

TEST_CASE("command_trust: a file of somebody else is refused, also for root") {
    const auto ours = judge(kOther, 0600, kRoot, 0755, kUs);
    REQUIRE(ours);
    CHECK(ours->fix == "chown 1000 '/f/h.toml'");
    CHECK(judge(kUs, 0600, kRoot, 0755, kRoot));
}

TEST_CASE("command_trust: a folder that others may write is refused unless it is sticky") {
    const auto folder = judge(kUs, 0600, kUs, 0775, kUs);
    REQUIRE(folder);
    CHECK(folder->fix == "chmod go-w '/f'");
    CHECK(judge(kUs, 0600, kUs, 0707, kUs));
    CHECK_FALSE(judge(kUs, 0600, kRoot, 01777, kUs));
    CHECK(judge(kUs, 0600, kOther, 01777, kUs));  // its owner may replace our file all the same
    CHECK(judge(kUs, 0622, kRoot, 01777, kUs));
    CHECK(judge(kUs, 01666, kRoot, 0755, kUs));  // a sticky bit on a file means nothing
}

TEST_CASE("command_trust: distrust is Kind::refused and says that the commands do not run") {
    const Error e = testing::catch_error([] {
        require_trusted_commands({"/f/h.toml", kUs, 0666}, {"/f", kUs, 0700}, kUs);
    });
    CHECK(e.kind() == Kind::refused);
    CHECK(e.what() ==
          std::string("'/f/h.toml' names commands, and they do not run: anybody may write '/f/h.toml'"));
    CHECK(e.hint() == "chmod go-w '/f/h.toml'");
    CHECK_NOTHROW(require_trusted_commands({"/f/h.toml", kUs, 0600}, {"/f", kUs, 0700}, kUs));
}
