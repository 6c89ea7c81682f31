#include "holdfast/source/tree_capture.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Run {
    TreeReport report;
    MemorySink sink;
};
/// Captures dir/in; `between` runs before the files of the first segment are opened, `reading` at each write.
void run(
    Run& r, const TempDir& dir, const std::function<void()>& between,
    const std::function<void()>& reading = [] {}) {
    bool is_first = true;
    r.sink.on_segment = [&] {
        if (std::exchange(is_first, false)) between();
    };
    r.sink.on_write = reading;
    TreeOptions options;
    options.path = (dir / "in").string();
    r.report = capture_tree(options, r.sink);
    const TreeVerifyReport verified = verify_tree(pull_text(r.sink.tar), want_all(r.sink.entries()));
    CHECK(verified.finding_count == 0);
    for (const TreeFinding& f : verified.findings) MESSAGE(f.path << ": " << f.what);
}
void only_problem(const Run& r, TreeIssue issue, const std::string& path) {
    REQUIRE(r.report.problem_count == 1);
    CHECK(r.report.problems[0].issue == issue);
    CHECK(r.report.problems[0].path == path);
}

}  // namespace

TEST_CASE("tree_capture: a file that vanishes is named and the rest is saved") {
    const TempDir dir;
    dir.write("in/a", "1");
    dir.write("in/b", "2");
    dir.write("in/c/d", "3");
    Run r;
    run(r, dir, [&] { std::filesystem::remove(dir / "in/b"); });
    only_problem(r, TreeIssue::vanished, "b");
    CHECK(r.sink.by_path().contains("c/d"));
    CHECK_FALSE(r.sink.by_path().contains("b"));
    CHECK(r.sink.known.empty());
}

TEST_CASE("tree_capture: a directory that became a link leads nowhere") {
    const TempDir dir;
    dir.write("in/c/d", "3");
    dir.write("secret/d", "not ours");
    Run r;
    run(r, dir, [&] {
        std::filesystem::rename(dir / "in/c", dir / "moved");
        std::filesystem::create_symlink(dir / "secret", dir / "in/c");
    });
    only_problem(r, TreeIssue::unreadable, "c/d");
    CHECK_FALSE(r.sink.by_path().contains("c/d"));
}

TEST_CASE("tree_capture: a file replaced by a FIFO is not opened for good") {
    const TempDir dir;
    dir.write("in/f", "3");
    Run r;
    run(r, dir, [&] {
        std::filesystem::remove(dir / "in/f");
        REQUIRE(::mkfifo((dir / "in/f").c_str(), 0600) == 0);
    });
    only_problem(r, TreeIssue::changed, "f");
}

TEST_CASE("tree_capture: a file rotated by rename is saved as the new one, but never taken over later") {
    const TempDir dir;
    dir.write("in/log", "old");
    Run r;
    run(r, dir, [&] {
        std::filesystem::rename(dir / "in/log", dir / "log.1");
        dir.write("in/log", "the new one");
    });
    CHECK(r.report.problem_count == 0);
    CHECK(r.sink.by_path().at("log").sha256 == sha256("the new one"));
    CHECK(r.sink.known.empty());
}

TEST_CASE("tree_capture: hard links survive the loss of their first name") {
    const TempDir dir;
    dir.write("in/a", "shared");
    std::filesystem::create_hard_link(dir / "in/a", dir / "in/b");
    std::filesystem::create_hard_link(dir / "in/a", dir / "in/c");
    Run r;
    run(r, dir, [&] { std::filesystem::remove(dir / "in/a"); });
    only_problem(r, TreeIssue::vanished, "a");
    const auto entries = r.sink.by_path();
    CHECK(entries.at("b").type == EntryType::file);
    CHECK(entries.at("b").sha256 == sha256("shared"));
    CHECK(entries.at("c").type == EntryType::hardlink);
    CHECK(entries.at("c").link == "b");
    extract_all(r.sink, dir / "out");
    CHECK(dir.read("out/c") == "shared");
}

TEST_CASE("tree_capture: another file under the first name is not shared by the other names") {
    const TempDir dir;
    dir.write("in/a", "shared");
    std::filesystem::create_hard_link(dir / "in/a", dir / "in/b");
    Run r;
    run(r, dir, [&] {
        std::filesystem::remove(dir / "in/a");
        dir.write("in/a", "another");
    });
    extract_all(r.sink, dir / "out");
    CHECK(dir.read("out/a") == "another");
    CHECK(dir.read("out/b") == "shared");
}

TEST_CASE("tree_capture: a large file that shrinks is cut to what was read, never padded") {
    const TempDir dir;
    const std::string content(12 << 20, 'x');
    dir.write("in/big", content);
    Run r;
    bool done = false;
    run(
        r, dir, [] {},
        [&] {
            if (r.sink.tar.size() > 1 << 20 && !std::exchange(done, true))
                std::filesystem::resize_file(dir / "in/big", 5'000'001);
        });
    only_problem(r, TreeIssue::changed, "big");
    const IndexEntry entry = r.sink.by_path().at("big");
    CHECK(entry.size == content.size());
    REQUIRE(entry.truncated);
    CHECK(*entry.truncated == 5'000'001);
    CHECK(entry.is_changed);
    CHECK(entry.sha256 == sha256(content.substr(0, 5'000'001)));
    const ExtractReport report = extract_all(r.sink, dir / "out");
    CHECK(report.warning_count == 1);
    CHECK(dir.read("out/big") == content.substr(0, 5'000'001));
}

TEST_CASE("tree_capture: a large file that grows is saved up to the size first seen") {
    const TempDir dir;
    dir.write("in/big", std::string(6 << 20, 'x'));
    Run r;
    run(
        r, dir, [] {},
        [&] {
            if (r.sink.tar.size() > 1 << 20) std::ofstream(dir / "in/big", std::ios::app) << "more";
        });
    only_problem(r, TreeIssue::changed, "big");
    CHECK(r.sink.by_path().at("big").size == 6 << 20);
    CHECK_FALSE(r.sink.by_path().at("big").truncated);
    CHECK(r.sink.by_path().at("big").is_changed);
}

TEST_CASE("tree_capture: a small file that changes all the time is read again, then saved with a problem") {
    const TempDir dir;
    dir.write("in/log", std::string(3 << 20, 'x'));
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        std::ofstream log(dir / "in/log", std::ios::app);
        while (!stop) log << "line" << std::flush;
    });
    Run r;
    run(r, dir, [] {});
    stop = true;
    writer.join();
    const IndexEntry entry = r.sink.by_path().at("log");
    CHECK(entry.sha256 == sha256(dir.read("in/log").substr(0, entry.size)));
    CHECK(entry.is_changed == (r.report.problem_count == 1));
}

TEST_CASE("tree_capture: an unreadable file and directory are named, the rest is saved") {
    const TempDir dir;
    dir.write("in/a", "1");
    dir.write("in/secret", "2");
    dir.write("in/closed/x", "3");
    ::chmod((dir / "in/secret").c_str(), 0);
    ::chmod((dir / "in/closed").c_str(), 0);
    ::chmod(dir.path().c_str(), 0755);
    ::chmod((dir / "in").c_str(), 0755);
    ::chmod((dir / "in/a").c_str(), 0644);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(9);
        const Captured c = capture(dir / "in");
        const bool named = c.report.problem_count == 2 && c.report.problems[0].path == "closed" &&
                           c.report.problems[1].path == "secret" &&
                           c.report.problems[1].issue == TreeIssue::unreadable;
        ::_exit(named && c.sink->by_path().contains("a") && c.sink->by_path().contains("closed") ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
    ::chmod((dir / "in/closed").c_str(), 0700);
}

TEST_CASE("tree_capture: an error of the sink is not taken for one of the file") {
    const TempDir dir;
    dir.write("in/a", std::string(6 << 20, 'x'));
    class FullSink final : public TreeSink {
        bool reuse(const Digest&) override { return false; }
        void write(ByteSpan) override { throw OsError(ENOSPC, "write the repository"); }
        void end_segment(const std::optional<Digest>&, std::string_view) override {}
    } sink;
    TreeOptions options;
    options.path = (dir / "in").string();
    CHECK(contains(catch_error([&] { capture_tree(options, sink); }).what(), "write the repository"));
}
