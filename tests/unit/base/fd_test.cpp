#include "holdfast/base/fd.hpp"

#include <doctest/doctest.h>

#include <array>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;

TEST_CASE("fd: a descriptor is closed once, by its last owner") {
    UniqueFd a = open_fd("/dev/null", O_RDONLY);
    const int number = a.get();
    UniqueFd b = std::move(a);
    CHECK_FALSE(a);
    CHECK(b.get() == number);
    CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
    b.reset();
    CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("fd: opening what is not there names the path and keeps errno") {
    try {
        open_fd("/no/such/file", O_RDONLY);
        FAIL("opened");
    } catch (const OsError& e) {
        CHECK(e.number() == ENOENT);
        CHECK(e.what() == std::string("open '/no/such/file': No such file or directory"));
    }
}

TEST_CASE("fd: reads and writes finish, and say where the file ends") {
    const TempDir dir;
    const UniqueFd fd = open_fd((dir / "f").string(), O_RDWR | O_CREAT);
    write_full(fd.get(), as_bytes("0123456789"), "write");
    std::array<std::byte, 8> out{};
    CHECK(pread_full(fd.get(), out, 4, "read") == 6);
    CHECK(as_text(ByteSpan(out).first(6)) == "456789");
    CHECK(pread_full(fd.get(), out, 100, "read") == 0);
    REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
    CHECK(read_full(fd.get(), out, "read") == 8);
    CHECK(read_full(fd.get(), out, "read") == 2);
    CHECK(read_some(fd.get(), out, "read") == 0);
}

TEST_CASE("fd: a full device is an error with a hint") {
    const UniqueFd full = open_fd("/dev/full", O_WRONLY);
    const Error e = testing::catch_error([&] { write_full(full.get(), as_bytes("x"), "write 'it'"); });
    CHECK(e.what() == std::string("write 'it': No space left on device"));
    CHECK(testing::contains(e.hint(), "free some space"));
}

TEST_CASE("fd: a failed close is reported") {
    UniqueFd fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    ::close(fd.get());
    CHECK_THROWS_AS(fd.close("close 'it'"), OsError);
    CHECK_FALSE(fd);
}
