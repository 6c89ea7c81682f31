#include "holdfast/wrap/tar.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

std::string tar_of(const std::vector<std::pair<TarEntry, std::string>>& entries) {
    std::string tar;
    TarWriter writer([&](ByteSpan bytes) { tar += as_text(bytes); });
    for (const auto& [entry, content] : entries) {
        writer.begin(entry);
        writer.data(as_bytes(content));
        writer.end();
    }
    writer.finish();
    CHECK(writer.position() == tar.size());
    return tar;
}
TarEntry file(const std::string& path, const std::string& content) {
    TarEntry entry;
    entry.path = path;
    entry.mode = 0644;
    entry.size = content.size();
    return entry;
}

}  // namespace

TEST_CASE("tar: equal entries give equal bytes, without blocking and with two blocks at the end") {
    const std::string tar = tar_of({{file("a", "abc"), "abc"}});
    CHECK(tar == tar_of({{file("a", "abc"), "abc"}}));
    CHECK(tar.size() == 512 + 512 + 512 + 512 + 1024);  // pax header and body, header, data, end
    CHECK(tar.substr(tar.size() - 1024) == std::string(1024, '\0'));
}

TEST_CASE("tar: without finish() there is no end of the archive") {
    std::string tar;
    {
        TarWriter writer([&](ByteSpan bytes) { tar += as_text(bytes); });
        writer.begin(file("a", ""));
        writer.end();
        writer.flush();
    }
    CHECK(tar.size() == 1536);
}

TEST_CASE("tar: an exception of the output comes through as it is") {
    TarWriter writer([](ByteSpan) { throw Error(Kind::refused, "no more"); });
    const auto fill = [&] {
        writer.begin(file("a", std::string(1 << 20, 'x')));
        writer.data(as_bytes(std::string(1 << 20, 'x')));
    };
    CHECK(catch_error(fill).kind() == Kind::refused);
}

TEST_CASE("tar: more or less data than the header says is our bug") {
    TarWriter writer([](ByteSpan) {});
    writer.begin(file("a", "abc"));
    CHECK(catch_error([&] { writer.end(); }).kind() == Kind::internal);
    CHECK(catch_error([&] { writer.data(as_bytes("abcd")); }).kind() == Kind::internal);
}

TEST_CASE("tar: GNU tar extracts a captured tree to the same files, attributes and times") {
    if (::geteuid() != 0) return;  // owners and trusted attributes
    const TempDir dir;
    const std::filesystem::path in = dir / "in";
    dir.write("in/plain", "hello");
    dir.write("in/-rf", "dash");
    dir.write("in/line\nbreak \"q\" \\", "odd");
    dir.write("in/bad\xff\xfe", "bytes");
    dir.write("in/d/" + std::string(255, 'n'), "long name");
    std::string deep = "in/deep";
    while (deep.size() < 3800) deep += "/" + std::string(200, 'd');
    dir.write(deep + "/f", "long path");
    dir.write("in/" + std::string(90, 'a') + "/" + std::string(20, 'b'), "over 100");
    std::filesystem::create_hard_link(in / "plain", in / "zz");
    std::filesystem::create_hard_link(dir / (deep + "/f"), in / "zz deep");
    std::filesystem::create_symlink(std::string(300, 't') + "/\xff", in / "link");
    REQUIRE(::mkfifo((in / "fifo").c_str(), 0620) == 0);
    const UniqueFd fd = open_fd((in / "sparse").string(), O_RDWR | O_CREAT);
    REQUIRE(::pwrite(fd.get(), "data", 4, 77'777'777) == 4);
    REQUIRE(::ftruncate(fd.get(), 100'000'001) == 0);
    REQUIRE(::chown((in / "-rf").c_str(), 12345, 3'000'000'000U) == 0);
    ::chmod((in / "-rf").c_str(), 06755);
    REQUIRE(::setxattr((in / "plain").c_str(), "user.x=%", "a\0b\n", 4, 0) == 0);
    REQUIRE(::setxattr((in / "d").c_str(), "trusted.d", "1", 1, 0) == 0);
    REQUIRE(shell("cd '" + in.string() +
                  "' && setfacl -m u:1234:rx,g:77:-,m::r plain && setfacl -m d:u:1234:rwx d"));
    set_time(in / "plain", -2, 500'000'000);
    set_time(in / "link", 1, 2);
    set_time(in / "d", 1'000'000'000, 123'456'789);
    const Captured c = capture(in);
    dir.write("t.tar", c.sink->tar);
    std::filesystem::create_directory(dir / "out");
    REQUIRE(shell("cd '" + (dir / "out").string() +
                  "' && tar --extract --file ../t.tar --xattrs --xattrs-include='*' "
                  "--acls --warning=no-unknown-keyword --warning=no-timestamp"));
    CHECK(difference(describe(in), describe(dir / "out")) == "");
    REQUIRE(shell("mkdir '" + (dir / "out2").string() + "' && cd '" + (dir / "out2").string() +
                  "' && bsdtar --extract --file ../t.tar --xattrs --acls -p --same-owner --numeric-owner"));
}
