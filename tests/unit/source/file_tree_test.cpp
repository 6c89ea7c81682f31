#include "holdfast/source/file_tree.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

bool is_root() { return ::geteuid() == 0; }

void check_round_trip(const std::filesystem::path& tree, const TempDir& dir) {
    const Captured c = capture(tree);
    CHECK(c.report.problem_count == 0);
    for (const TreeProblem& p : c.report.problems) MESSAGE(p.path << ": " << p.reason);
    const TreeVerifyReport verified = verify_tree(pull_text(c.sink->tar), want_all(c.sink->entries()));
    CHECK(verified.finding_count == 0);
    for (const TreeFinding& f : verified.findings) MESSAGE(f.path << ": " << f.what);
    ExtractOptions options;
    options.with_devices = true;
    const ExtractReport extracted = extract_all(*c.sink, dir / "out", options);
    for (const TreeFinding& f : extracted.warnings) MESSAGE(f.path << ": " << f.what);
    CHECK(difference(describe(tree), describe(dir / "out")) == "");
    CHECK(extracted.files == c.report.files);
    CHECK(verified.bytes == extracted.bytes);
}

}  // namespace

TEST_CASE("file_tree: an empty directory is a tree of one entry") {
    const TempDir dir;
    std::filesystem::create_directory(dir / "in");
    const Captured c = capture(dir / "in");
    CHECK(c.report.directories == 1);
    CHECK(c.report.files == 0);
    CHECK(c.sink->by_path().size() == 1);
    check_round_trip(dir / "in", dir);
}

TEST_CASE("file_tree: modes, times, links, FIFOs and odd names come back as they were") {
    const TempDir dir;
    const std::filesystem::path in = dir / "in";
    dir.write("in/plain", "hello");
    dir.write("in/-rf", "dash");
    dir.write("in/line\nbreak", "newline");
    dir.write("in/bad\xff\xfeutf8", "bytes");
    dir.write("in/" + std::string(255, 'n'), "long name");
    dir.write("in/quote\"back\\slash", "json");
    dir.write("in/sub/deep/er/file", std::string(100'000, 'x'));
    dir.write("in/empty", "");
    std::filesystem::create_directory(in / "empty dir");
    std::filesystem::create_symlink("../outside", in / "dangling");
    std::filesystem::create_symlink("sub", in / "link to \xff");
    std::filesystem::create_symlink("nowhere\xff\n", in / "odd target");
    std::filesystem::create_hard_link(in / "plain", in / "sub/zz other name");
    std::filesystem::create_hard_link(in / "plain", in / "zz third name");
    REQUIRE(::mkfifo((in / "fifo").c_str(), 0620) == 0);
    ::chmod((in / "plain").c_str(), 0640);
    ::chmod((in / "empty").c_str(), is_root() ? 0000 : 0400);
    ::chmod((in / "sub/deep").c_str(), 01755);
    if (is_root()) {
        REQUIRE(::lchown((in / "-rf").c_str(), 12345, 3'000'000'000U) == 0);
        REQUIRE(::lchown((in / "dangling").c_str(), 77, 88) == 0);
        ::chmod((in / "-rf").c_str(), 06755);
        REQUIRE(::mknod((in / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
    }
    set_time(in / "plain", -2, 500'000'000);
    set_time(in / "empty", -1, 250'000'000);  // the last second of 1969
    set_time(in / "dangling", 1'000'000'000, 1);
    set_time(in / "fifo", 5, 7);
    set_time(in / "sub/deep/er", -86'400, 999'999'999);
    set_time(in / "sub", 4'000'000'000, 3);
    check_round_trip(in, dir);
}

TEST_CASE("file_tree: extended attributes and ACLs come back") {
    const TempDir dir;
    const std::filesystem::path in = dir / "in";
    dir.write("in/f", "x");
    std::filesystem::create_directory(in / "d");
    const std::string value("bin\0ary\n=%\xff", 11);
    if (::setxattr((in / "f").c_str(), "user.odd=%name and \xc3\xa9", value.data(), value.size(), 0) != 0) {
        MESSAGE("this file system has no extended attributes");
        return;
    }
    REQUIRE(::setxattr((in / "d").c_str(), "user.empty", "", 0, 0) == 0);
    REQUIRE(::setxattr((in / "f").c_str(), "user.large", std::string(2000, 'v').data(), 2000, 0) == 0);
    REQUIRE(shell("cd '" + in.string() +
                  "' && setfacl -m u:1234:rx,g:77:-,m::rx f && setfacl -m d:u:1234:rwx d"));
    if (is_root()) {
        REQUIRE(::lsetxattr((in / "f").c_str(), "trusted.t", "1", 1, 0) == 0);
        std::filesystem::create_symlink("f", in / "l");
        REQUIRE(::lsetxattr((in / "l").c_str(), "trusted.link", "2", 1, 0) == 0);
    }
    check_round_trip(in, dir);
}

TEST_CASE("file_tree: a path far beyond PATH_MAX and 300 levels need no more than some descriptors") {
    const TempDir dir;
    std::filesystem::create_directory(dir / "in");
    {
        DirectoryChain chain(open_fd((dir / "in").string(), O_PATH | O_DIRECTORY));
        for (int level = 0; level < 300; ++level) {
            const std::string name =
                std::string(static_cast<std::size_t>(level % 50 + 1), 'd') + std::to_string(level);
            REQUIRE(::mkdirat(chain.fd(), name.c_str(), 0755) == 0);
            chain.enter(name);
            const UniqueFd fd{::openat(chain.fd(), "file", O_WRONLY | O_CREAT, 0644)};
            write_full(fd.get(), as_bytes(name), "write");
        }
        CHECK(chain.path().size() > 2 * 4096);
    }
    check_round_trip(dir / "in", dir);
    REQUIRE(shell("rm -rf '" + (dir / "in").string() + "' '" + (dir / "out").string() + "'"));
}

TEST_CASE("file_tree: a sparse file of 1 GiB costs its data only") {
    const TempDir dir;
    std::filesystem::create_directory(dir / "in");
    for (const char* name : {"sparse", "all hole", "ends in data"}) {
        const UniqueFd fd = open_fd((dir / "in" / name).string(), O_RDWR | O_CREAT);
        REQUIRE(::ftruncate(fd.get(), 1 << 30) == 0);
        if (name[0] == 's') {
            REQUIRE(::pwrite(fd.get(), "data", 4, 123'456'789) == 4);
            REQUIRE(::pwrite(fd.get(), "more", 4, 500'000'000) == 4);
        }
        if (name[0] == 'e') REQUIRE(::pwrite(fd.get(), "end", 3, (1 << 30) - 3) == 3);
    }
    const UniqueFd small = open_fd((dir / "in/small").string(), O_RDWR | O_CREAT);
    REQUIRE(::ftruncate(small.get(), 1 << 20) == 0);
    REQUIRE(::pwrite(small.get(), "x", 1, 600'000) == 1);
    const Captured c = capture(dir / "in");
    CHECK(c.sink->tar.size() < 100'000);
    CHECK(c.sink->by_path().at("sparse").size == 1 << 30);
    check_round_trip(dir / "in", dir);
    struct stat st {};
    REQUIRE(::stat((dir / "out/sparse").c_str(), &st) == 0);
    CHECK(st.st_blocks * 512 < 1 << 20);
}

TEST_CASE("file_tree: one file as the top is one entry under the name that was asked for") {
    const TempDir dir;
    dir.write("conf.toml", "a = 1");
    MemorySink sink;
    TreeOptions options;
    options.path = (dir / "conf.toml").string();
    options.file_name = "settings";
    const TreeReport report = capture_tree(options, sink);
    CHECK_FALSE(report.is_directory);
    CHECK(report.files == 1);
    CHECK(sink.by_path().at("settings").size == 5);
    extract_all(sink, dir / "out");
    CHECK(dir.read("out/settings") == "a = 1");
}

TEST_CASE("file_tree: a top that is missing, a FIFO or a device is refused at once") {
    const TempDir dir;
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    std::filesystem::create_symlink("/dev/zero", dir / "zero");
    CHECK(catch_error([&] { capture(dir / "none"); }).kind() == Kind::not_found);
    CHECK(catch_error([&] { capture(dir / "fifo"); }).kind() == Kind::io);
    CHECK(catch_error([&] { capture(dir / "zero"); }).kind() == Kind::io);
}

TEST_CASE("file_tree: sockets and what was excluded or kept out are left out") {
    const TempDir dir;
    dir.write("in/keep.txt", "1");
    dir.write("in/drop.tmp", "2");
    dir.write("in/cache/a/b", "3");
    dir.write("in/repo/objects/x", "4");
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", (dir / "in/sock").c_str());
    const UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM, 0)};
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    MemorySink sink;
    TreeOptions options;
    options.path = (dir / "in").string();
    options.exclude = {"*.tmp", "cache/a"};
    options.keep_out = {(dir / "in/repo").string()};
    const TreeReport report = capture_tree(options, sink);
    CHECK(report.problem_count == 0);
    REQUIRE(report.note_count == 2);
    CHECK(report.notes[0].path == "repo");
    CHECK(report.notes[1].issue == TreeIssue::socket);
    std::string paths;
    for (const auto& [path, entry] : sink.by_path()) paths += path + " ";
    CHECK(paths == ". cache keep.txt ");
}

TEST_CASE("file_tree: the log of a Delta table comes before its data") {
    const TempDir dir;
    dir.write("in/A/part-0.parquet", "1");
    dir.write("in/A/_delta_log/00000000000000000000.json", "{}");
    dir.write("in/A/A.parquet", "1");
    const Captured c = capture(dir / "in");
    const auto entries = c.sink->by_path();
    CHECK(entries.at("A/_delta_log/00000000000000000000.json").offset < entries.at("A/A.parquet").offset);
}
