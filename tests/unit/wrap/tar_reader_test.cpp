#include "holdfast/wrap/tar_reader.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

std::string one(const TarEntry& entry, const std::string& content = {}) {
    std::string tar;
    TarWriter writer([&](ByteSpan bytes) { tar += as_text(bytes); });
    writer.begin(entry);
    writer.data(as_bytes(content));
    writer.end();
    writer.flush();
    return tar;
}
TarEntry entry_of(EntryType type, const std::string& path, const std::string& link = {}) {
    TarEntry entry;
    entry.type = type;
    entry.path = path;
    entry.link = link;
    entry.mode = 0600;
    return entry;
}
TarEntry read_one(const std::string& tar) {
    TarReader reader(pull_text(tar));
    auto entry = reader.next();
    REQUIRE(entry);
    CHECK_FALSE(reader.next());
    return *entry;
}

}  // namespace

TEST_CASE("tar_reader: gives back what was written") {
    TarEntry entry = entry_of(EntryType::file, "a\xff/b\n", "");
    entry.uid = 4'000'000'000U;
    entry.gid = 7;
    entry.mode = 06751;
    entry.mtime_ns = -1'500'000'001;
    entry.size = 3;
    entry.xattrs = {{"user.a=% b", std::string("x\0\n=", 4)}, {"user.z", ""}};
    const TarEntry back = read_one(one(entry, "abc"));
    CHECK(back.path == entry.path);
    CHECK(back.uid == entry.uid);
    CHECK(back.mode == entry.mode);
    CHECK(back.mtime_ns == entry.mtime_ns);
    CHECK(back.size == 3);
    CHECK(back.xattrs == entry.xattrs);
    CHECK(read_one(one(entry_of(EntryType::directory, "."))).path == ".");
    CHECK(read_one(one(entry_of(EntryType::symlink, "l", "../\xfe"))).link == "../\xfe");
    CHECK(read_one(one(entry_of(EntryType::hardlink, "l", "a/b"))).link == "a/b");
    CHECK(read_one(one(entry_of(EntryType::file, std::string(20'000, 'p')))).path.size() == 20'000);
}

TEST_CASE("tar_reader: an ACL keeps its bytes, users without names included") {
    const char raw[] =
        "\2\0\0\0"
        "\1\0\6\0\xff\xff\xff\xff"
        "\2\0\5\0\xd2\4\0\0"
        "\2\0\4\0\xd3\4\0\0"
        "\4\0\4\0\xff\xff\xff\xff"
        "\10\0\0\0\x4d\0\0\0"
        "\20\0\5\0\xff\xff\xff\xff"
        "\40\0\0\0\xff\xff\xff\xff";
    TarEntry entry = entry_of(EntryType::file, "f");
    entry.xattrs = {{kAccessAcl, std::string(raw, sizeof raw - 1)}};
    CHECK(read_one(one(entry)).xattrs == entry.xattrs);
    entry.type = EntryType::directory;
    entry.xattrs = {{kDefaultAcl, std::string(raw, sizeof raw - 1)}};
    CHECK(read_one(one(entry)).xattrs == entry.xattrs);
}

TEST_CASE("tar_reader: records that were left out of the stream are not missed") {
    const std::string tar = one(entry_of(EntryType::file, "a")) + one(entry_of(EntryType::fifo, "z"));
    TarReader reader(pull_text(tar));
    CHECK(reader.next()->path == "a");
    CHECK(reader.next()->path == "z");
    CHECK_FALSE(reader.next());
    TarReader empty(pull_text(""));
    CHECK_FALSE(empty.next());
}

TEST_CASE("tar_reader: paths that leave the tree are corrupt") {
    for (const char* path : {"/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", ".."})
        for (const EntryType type : {EntryType::file, EntryType::directory, EntryType::symlink}) {
            CAPTURE(std::string{path});
            CHECK(catch_error([&] { read_one(one(entry_of(type, path, "target"))); }).kind() ==
                  Kind::corrupt);
        }
    CHECK(catch_error([] { read_one(one(entry_of(EntryType::hardlink, "a", "../x"))); }).kind() ==
          Kind::corrupt);
    CHECK(catch_error([] { read_one(one(entry_of(EntryType::file, std::string(40'000, 'p')))); }).kind() ==
          Kind::corrupt);
}

TEST_CASE("tar_reader: a cut, a flipped byte and garbage are corrupt") {
    TarEntry entry = entry_of(EntryType::file, "f");
    entry.size = 5000;
    const std::string tar = one(entry, std::string(5000, 'x'));
    const auto read_through = [](const std::string& text) {
        TarReader reader(pull_text(text));
        while (reader.next())
            while (reader.block()) continue;
    };
    for (const std::size_t cut : {100U, 700U, 1200U, 3000U})
        CHECK(catch_error([&] { read_through(tar.substr(0, cut)); }).kind() == Kind::corrupt);
    std::string flipped = tar;
    flipped[1024] ^= 1;
    CHECK(catch_error([&] { read_through(flipped); }).kind() == Kind::corrupt);
    CHECK(catch_error([&] { read_through(std::string(5000, 'g')); }).kind() == Kind::corrupt);
}

TEST_CASE("tar_reader: a header without end is refused before memory is taken") {
    TarEntry entry = entry_of(EntryType::file, "f");
    entry.size = 100'000'000;
    entry.runs.emplace();
    for (std::uint64_t i = 0; i < 1'000'000; ++i) entry.runs->push_back({i * 100, 50});
    const std::string tar = one(entry, std::string(100'000'000, 'x'));
    CHECK(catch_error([&] { read_one(tar); }).kind() == Kind::corrupt);
}

TEST_CASE("tar_reader: what the pull function throws comes through") {
    const auto failing = [](std::span<std::byte>) -> std::size_t { throw Error(Kind::crypto, "no key"); };
    CHECK(catch_error([&] { TarReader(failing).next(); }).kind() == Kind::crypto);
}
