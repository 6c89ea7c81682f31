#include "holdfast/store/tree_extract.hpp"

#include <doctest/doctest.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// A tree made by hand, honest or not: the index says what the tar says unless a test changes it.
struct HandMade {
    std::string tar, index;
    TreeRecorder recorder{[this](ByteSpan bytes) { tar += as_text(bytes); }};

    HandMade& add(EntryType type, const std::string& path, const std::string& content = {},
                  mode_t mode = 0755) {
        TarEntry e;
        e.type = type;
        e.path = path;
        e.mode = mode;
        e.uid = ::geteuid();
        e.gid = ::getegid();
        if (type == EntryType::file) e.size = content.size();
        if (type == EntryType::symlink || type == EntryType::hardlink) e.link = content;
        if (type == EntryType::character_device) e.device_major = 1, e.device_minor = 3;
        recorder.begin(e);
        if (type == EntryType::file) recorder.data(as_bytes(content));
        recorder.end();
        return *this;
    }
    void finish() {
        index = recorder.end_segment();
        recorder.finish();
    }
    WantedSource wanted() const {
        return want_all(
            [reader = std::make_shared<IndexReader>(pull_text(index))] { return reader->next(); });
    }
    ExtractReport extract(const TempDir& dir, const ExtractOptions& options = {}) {
        finish();
        std::filesystem::create_directory(dir / "out");
        return extract_tree(pull_text(tar), wanted(), dir / "out", options);
    }
};
void refuse(HandMade& tree, const TempDir& dir) {
    CHECK(catch_error([&] { tree.extract(dir); }).kind() == Kind::corrupt);
}

}  // namespace

TEST_CASE("tree_extract: a link is never written through, whatever it leads to") {
    for (const EntryType second :
         {EntryType::file, EntryType::directory, EntryType::symlink, EntryType::fifo}) {
        const TempDir dir;
        dir.write("outside/file", "safe");
        HandMade through;
        through.add(EntryType::directory, ".")
            .add(EntryType::symlink, "a", "../outside")
            .add(second, "a/file", "evil");
        refuse(through, dir);
        CHECK(dir.read("outside/file") == "safe");
    }
    for (const EntryType second : {EntryType::file, EntryType::directory, EntryType::symlink}) {
        const TempDir dir;
        dir.write("victim", "safe");
        HandMade over;
        over.add(EntryType::directory, ".")
            .add(EntryType::symlink, "a", "../victim")
            .add(second, "a", "evil");
        refuse(over, dir);
        CHECK(dir.read("victim") == "safe");
    }
}

TEST_CASE("tree_extract: hard links go to files of this restore only") {
    const TempDir dir;
    dir.write("victim", "safe");
    for (const char* target : {"none", "link", "link/x", "d"}) {
        std::filesystem::remove_all(dir / "out");
        HandMade tree;
        tree.add(EntryType::directory, ".")
            .add(EntryType::directory, "d")
            .add(EntryType::symlink, "link", "../victim");
        tree.add(EntryType::hardlink, "mine", target);
        refuse(tree, dir);
    }
    HandMade outside;
    outside.add(EntryType::directory, ".").add(EntryType::hardlink, "mine", "../victim");
    std::filesystem::remove_all(dir / "out");
    refuse(outside, dir);
    struct stat st {};
    CHECK(::stat((dir / "victim").c_str(), &st) == 0);
    CHECK(st.st_nlink == 1);
}

TEST_CASE("tree_extract: paths that leave the tree fail the whole restore") {
    for (const char* path : {"../x", "/tmp/x", "a/../../x", "a//b", "./x"}) {
        const TempDir dir;
        HandMade tree;
        tree.add(EntryType::directory, ".")
            .add(EntryType::file, "good", "1")
            .add(EntryType::file, path, "evil");
        refuse(tree, dir);
        CHECK_FALSE(std::filesystem::exists(dir / "x"));
    }
}

TEST_CASE("tree_extract: a name twice, a directory twice and a directory without a record are corrupt") {
    const TempDir a, b, c;
    HandMade twice, again, none;
    twice.add(EntryType::directory, ".").add(EntryType::file, "x", "1").add(EntryType::file, "x", "2");
    refuse(twice, a);
    again.add(EntryType::directory, ".")
        .add(EntryType::directory, "x")
        .add(EntryType::file, "y", "1")
        .add(EntryType::directory, "x");
    refuse(again, b);
    none.add(EntryType::directory, ".").add(EntryType::file, "x/y", "1");
    refuse(none, c);
}

TEST_CASE("tree_extract: setuid only with the owner, devices only when asked for") {
    const TempDir dir;
    HandMade tree;
    tree.add(EntryType::directory, ".")
        .add(EntryType::file, "su", "1", 04755)
        .add(EntryType::character_device, "null", {}, 0666);
    ExtractOptions options;
    options.with_owners = false;
    const ExtractReport report = tree.extract(dir, options);
    CHECK(report.warning_count == 2);
    struct stat st {};
    REQUIRE(::stat((dir / "out/su").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777U) == 0755);
    CHECK_FALSE(std::filesystem::exists(dir / "out/null"));
    if (::geteuid() != 0) return;
    const TempDir other;
    HandMade again;
    again.add(EntryType::directory, ".")
        .add(EntryType::file, "su", "1", 04755)
        .add(EntryType::character_device, "null", {}, 0666);
    options = {true, true};
    CHECK(again.extract(other, options).warning_count == 0);
    REQUIRE(::stat((other / "out/su").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777U) == 04755);
    REQUIRE(::stat((other / "out/null").c_str(), &st) == 0);
    CHECK(st.st_rdev == makedev(1, 3));
}

TEST_CASE(
    "tree_extract: another content, size, type or owner than the index says is corrupt and found by verify") {
    const auto build = [](HandMade& t) {
        t.add(EntryType::directory, ".")
            .add(EntryType::file, "f", "content")
            .add(EntryType::file, "g", "more");
        t.finish();
    };
    for (const auto& replaced :
         {std::pair<std::string, std::string>{sha256("content").hex(), sha256("other").hex()},
          {"\"size\":7", "\"size\":8"},
          {"\"type\":\"dir\"", "\"type\":\"fifo\""},
          {"\"mode\":\"0755\"", "\"mode\":\"0777\""},
          {"\"mtime_ns\":0", "\"mtime_ns\":1"},
          {"\"path\":\"g\"", "\"path\":\"h\""}}) {
        const TempDir dir;
        HandMade t;
        build(t);
        const auto& [piece, by] = replaced;
        t.index.replace(t.index.find(piece), piece.size(), by);
        CAPTURE(replaced.second);
        CHECK(verify_tree(pull_text(t.tar), t.wanted()).finding_count == 1);
        std::filesystem::create_directory(dir / "out");
        CHECK(catch_error([&] { extract_tree(pull_text(t.tar), t.wanted(), dir / "out"); }).kind() ==
              Kind::corrupt);
    }
}

TEST_CASE("tree_extract: a missing, an additional and a cut record are corrupt") {
    HandMade t;
    t.add(EntryType::directory, ".").add(EntryType::file, "f", std::string(5000, 'x'));
    t.finish();
    CHECK(verify_tree(pull_text(t.tar), t.wanted()).finding_count == 0);
    CHECK(verify_tree(pull_text(t.tar), t.wanted()).files == 1);
    HandMade more;
    more.add(EntryType::directory, ".")
        .add(EntryType::file, "f", std::string(5000, 'x'))
        .add(EntryType::fifo, "z");
    more.finish();
    CHECK(verify_tree(pull_text(more.tar), t.wanted()).finding_count == 1);
    CHECK(verify_tree(pull_text(t.tar), more.wanted()).finding_count == 1);
    for (std::size_t cut = 0; cut < t.tar.size() - 1024; cut += 512)
        CHECK(verify_tree(pull_text(t.tar.substr(0, cut)), t.wanted()).finding_count == 1);
}

TEST_CASE("tree_extract: verify goes on after a bad file") {
    HandMade t;
    t.add(EntryType::directory, ".");
    for (int i = 0; i < 5; ++i)
        t.add(EntryType::file, "f" + std::to_string(i), "content " + std::to_string(i));
    t.finish();
    for (const char* content : {"content 1", "content 3"}) t.tar[t.tar.find(content)] ^= 1;
    const TreeVerifyReport report = verify_tree(pull_text(t.tar), t.wanted());
    REQUIRE(report.finding_count == 2);
    CHECK(report.findings[0].path == "f1");
    CHECK(report.findings[1].path == "f3");
    CHECK(report.files == 5);
}

TEST_CASE("tree_extract: a staging directory that is not empty is refused, its default ACL goes") {
    const TempDir dir;
    dir.write("out/here", "1");
    HandMade t;
    t.add(EntryType::directory, ".").add(EntryType::file, "f", "1", 0640);
    CHECK(catch_error([&] { t.extract(dir); }).kind() == Kind::refused);
    std::filesystem::remove(dir / "out/here");
    if (shell("setfacl -m d:u:1234:rwx '" + (dir / "out").string() + "' 2>/dev/null")) {
        extract_tree(pull_text(t.tar), t.wanted(), dir / "out");
        CHECK(::getxattr((dir / "out/f").c_str(), kAccessAcl, nullptr, 0) == -1);
    }
}

TEST_CASE("tree_extract: closed directories are filled before they close, by a plain user too") {
    const TempDir dir;
    ::chmod(dir.path().c_str(), 0777);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(9);
        HandMade t;
        t.add(EntryType::directory, ".", {}, 0555)
            .add(EntryType::directory, "d", {}, 0000)
            .add(EntryType::file, "d/f", "1", 0400);
        t.add(EntryType::directory, "d/e", {}, 0500)
            .add(EntryType::file, "d/e/g", "1", 0)
            .add(EntryType::file, "z", "2");
        const ExtractReport report = t.extract(dir);
        struct stat st {};
        const bool is_right = report.warning_count == 0 && ::stat((dir / "out/d").c_str(), &st) == 0 &&
                              (st.st_mode & 07777U) == 0;
        ::_exit(is_right && st.st_mtim.tv_sec == 0 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
    for (const char* closed : {"out", "out/d", "out/d/e"})
        ::chmod((dir / closed).c_str(), 0700);  // so it can go
}

TEST_CASE("tree_extract: a plain user gets the files and a warning for each foreign owner") {
    if (::geteuid() != 0) return;
    const TempDir dir;
    ::chmod(dir.path().c_str(), 0777);
    dir.write("in/f", "1");
    REQUIRE(::setxattr((dir / "in/f").c_str(), "trusted.t", "1", 1, 0) == 0);
    const Captured c = capture(dir / "in");
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(9);
        const ExtractReport report = extract_all(*c.sink, dir / "out");
        ::_exit(report.files == 1 && report.warning_count == 3 ? 0 : static_cast<int>(report.warning_count));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
}
