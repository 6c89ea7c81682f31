#include "holdfast/source/file_reading.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("file_reading: a file without holes has no map, one with holes has its data") {
    const TempDir dir;
    dir.write("dense", std::string(100'000, 'x'));
    const UniqueFd dense = open_fd((dir / "dense").string(), O_RDONLY);
    CHECK_FALSE(find_holes(dense.get(), stat_fd(dense.get(), "stat")));
    const UniqueFd sparse = open_fd((dir / "sparse").string(), O_RDWR | O_CREAT);
    REQUIRE(::ftruncate(sparse.get(), 10 << 20) == 0);
    CHECK(find_holes(sparse.get(), stat_fd(sparse.get(), "stat")).value().empty());
    REQUIRE(::pwrite(sparse.get(), "x", 1, 5 << 20) == 1);
    const auto runs = find_holes(sparse.get(), stat_fd(sparse.get(), "stat"));
    REQUIRE(runs.value().size() == 1);
    CHECK(runs->front().offset <= 5 << 20);
    CHECK(runs->front().bytes <= 65536);
}

TEST_CASE("file_reading: a file with endless holes keeps a bounded map that covers it") {
    const TempDir dir;
    const UniqueFd fd = open_fd((dir / "f").string(), O_RDWR | O_CREAT);
    const off_t count = static_cast<off_t>(kMaxRuns) + 100;
    for (off_t i = 0; i < count; ++i) REQUIRE(::pwrite(fd.get(), "x", 1, i * 8192) == 1);
    const struct stat st = stat_fd(fd.get(), "stat");
    const auto runs = find_holes(fd.get(), st);
    if (!runs) return;  // a file system with larger blocks
    CHECK(runs->size() == kMaxRuns);
    CHECK(runs->back().offset + runs->back().bytes == static_cast<std::uint64_t>(st.st_size));
}

TEST_CASE("file_reading: renames and chmod are no change of content, writes are") {
    struct stat a {};
    struct stat b = a;
    CHECK_FALSE(content_changed(a, b));
    b.st_ctim.tv_nsec = 1;
    CHECK(content_changed(a, b));  // unexplained
    b.st_nlink = 1;
    CHECK_FALSE(content_changed(a, b));
    b.st_mtim.tv_nsec = 1;
    CHECK(content_changed(a, b));
    b = a;
    b.st_size = 1;
    CHECK(content_changed(a, b));
}

TEST_CASE("file_reading: attributes of a link are its own, and too many bytes are an error") {
    const TempDir dir;
    dir.write("f", "1");
    std::filesystem::create_symlink("f", dir / "l");
    if (::setxattr((dir / "f").c_str(), "user.a", "1", 1, 0) != 0) return;
    XattrReader reader;
    const UniqueFd top = open_fd(dir.path().string(), O_PATH | O_DIRECTORY);
    CHECK(reader.of_name(top.get(), "f") == std::vector<Xattr>{{"user.a", "1"}});
    CHECK(reader.of_name(top.get(), "l").empty());
    CHECK(reader.of_name(top.get(), ".").empty());
    CHECK(catch_error([&] { reader.of_name(top.get(), "none"); }).kind() == Kind::io);
}

TEST_CASE("file_reading: a read that ends early says how far it came") {
    const TempDir dir;
    dir.write("f", "0123456789");
    const UniqueFd fd = open_for_backup(AT_FDCWD, (dir / "f").string());
    std::array<std::byte, 8> out{};
    CHECK(read_at(fd.get(), out, 4).bytes == 6);
    CHECK(read_at(fd.get(), out, 4).error == 0);
    CHECK(read_at(-1, out, 0).error == EBADF);
    CHECK_FALSE(open_for_backup(AT_FDCWD, (dir / "none").string()));
}
