#include "holdfast/base/lock.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;
using namespace std::chrono_literals;

TEST_CASE("lock: any number may share, one alone excludes all") {
    const TempDir dir;
    const std::string path = dir.write("lock", "").string();
    {
        const FileLock one(path, LockMode::shared, 0s);
        const FileLock two(path, LockMode::shared, 0s);
        CHECK_THROWS_AS(FileLock(path, LockMode::exclusive, 0s), Error);
    }
    const FileLock alone(path, LockMode::exclusive, 0s);
    CHECK_THROWS_AS(FileLock(path, LockMode::shared, 0s), Error);
}

TEST_CASE("lock: a wait that is too long is busy and names the holder") {
    const TempDir dir;
    const std::string path = dir.write("lock", "").string();
    const FileLock held(path, LockMode::exclusive, 0s);
    const Error e = testing::catch_error([&] { FileLock(path, LockMode::exclusive, 0s); });
    CHECK(e.kind() == Kind::busy);
    CHECK(testing::contains(e.what(), "stayed locked for 0 s"));
    if (std::ifstream("/proc/locks").peek() != EOF)
        CHECK(testing::contains(e.what(), "by process " + std::to_string(::getpid())));
}

TEST_CASE("lock: an interrupt ends the wait") {
    const TempDir dir;
    const std::string path = dir.write("lock", "").string();
    const FileLock held(path, LockMode::exclusive, 0s);
    holdfast::detail::caught_signal = SIGINT;
    CHECK_THROWS_AS(FileLock(path, LockMode::exclusive, 60s), Interrupted);
    holdfast::detail::caught_signal = 0;
}

TEST_CASE("lock: a lock file that is not there is an error, not a new file") {
    const TempDir dir;
    CHECK_THROWS_AS(FileLock((dir / "lock").string(), LockMode::shared, 0s), OsError);
    CHECK_FALSE(std::filesystem::exists(dir / "lock"));
}
