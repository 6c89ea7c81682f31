#include "holdfast/base/process.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::TempDir;
using namespace std::chrono_literals;

namespace {

std::string read_all(Child& child) {
    std::string out;
    std::array<std::byte, 700> chunk;
    while (const std::size_t n = child.read(chunk)) out += as_text(ByteSpan(chunk).first(n));
    return out;
}

std::vector<std::string> sh(const std::string& line) { return {"sh", "-c", line}; }

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0; }

}  // namespace

TEST_CASE("process: a child finds our environment, but not what signs our alerts nor where they go") {
    ::setenv("ALERT_WEBHOOK_SECRET", "hidden", 1);
    ::setenv("ALERT_WEBHOOK_URL", "https://example.com/hidden", 1);
    ::setenv("PROCESS_TEST", "seen", 1);
    Child usual(sh("env"), 10s);
    const std::string text = read_all(usual);
    CHECK(text.find("PROCESS_TEST=seen\n") != std::string::npos);
    CHECK(text.find("hidden") == std::string::npos);
    const std::vector<std::string> more = child_environment({"PROCESS_TEST=other"});
    Child own(sh("env"), 10s, &more);
    const std::string changed = read_all(own);
    CHECK(changed.find("PROCESS_TEST=other\n") != std::string::npos);
    CHECK(changed.find("hidden") == std::string::npos);
    for (const char* name : {"ALERT_WEBHOOK_SECRET", "ALERT_WEBHOOK_URL", "PROCESS_TEST"}) ::unsetenv(name);
}

TEST_CASE("process: output arrives whole and the exit code is checked") {
    Child child(sh("printf hello; exit 3"), 10s);
    CHECK(read_all(child) == "hello");
    const ExitStatus status = child.wait();
    CHECK(status.code == 3);
    CHECK(status.text() == "exit code 3");
    CHECK_FALSE(status.is_success());
}

TEST_CASE("process: success is exit code 0") {
    Child child({"true"}, 10s);
    CHECK_NOTHROW(child.finish());
}

TEST_CASE("process: a failure quotes what the command said, made printable") {
    Child child(sh("printf 'first\\nsecond \\033[31m\\n' >&2; exit 4"), 10s);
    const Error e = catch_error([&] { child.finish(); });
    CHECK(e.kind() == Kind::io);
    CHECK(e.what() == std::string("'sh' ended with exit code 4: first | second \\x1b[31m"));
}

TEST_CASE("process: death by a signal is a failure that names it") {
    Child child(sh("kill -SEGV $$"), 10s);
    const ExitStatus status = child.wait();
    CHECK(status.signal == SIGSEGV);
    CHECK(status.text() == "signal SIGSEGV");
    CHECK_FALSE(status.is_success());
}

TEST_CASE("process: a program that does not exist is a configuration error") {
    const Error e = catch_error([] { Child({"no-such-program-here"}, 1s); });
    CHECK(e.kind() == Kind::config);
    CHECK(testing::contains(e.what(), "start 'no-such-program-here': No such file or directory"));
}

TEST_CASE("process: standard error never blocks the child and only its tail is kept") {
    Child child(sh("i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; echo done"), 60s);
    CHECK(read_all(child) == "done\n");
    CHECK(child.wait().is_success());
    CHECK(child.stderr_tail().size() <= Child::kTailBytes);
    CHECK(child.stderr_tail().ends_with("line 19999\n"));
}

TEST_CASE("process: unread output does not block the end") {
    Child child(sh("yes | head -c 1000000"), 60s);
    CHECK(child.wait().is_success());
}

TEST_CASE("process: the child has an empty input and no descriptor of ours") {
    const UniqueFd leak{::open("/dev/null", O_RDONLY)};  // without O_CLOEXEC, on purpose
    REQUIRE(leak);
    Child child(sh("cat; for f in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && echo $f; done; true"), 10s);
    CHECK(read_all(child).empty());
    CHECK(child.wait().is_success());
}

TEST_CASE("process: the child gets default signals although we ignore SIGPIPE") {
    ::signal(SIGPIPE, SIG_IGN);
    Child child(sh("grep SigIgn /proc/self/status"), 10s);
    const std::string line = read_all(child);
    REQUIRE(line.size() >= 17);
    const unsigned long long mask = std::stoull(line.substr(line.size() - 17), nullptr, 16);
    CHECK((mask & (1ULL << (SIGPIPE - 1))) == 0);
    CHECK(child.wait().is_success());
}

TEST_CASE("process: an environment that is passed is the whole environment") {
    const std::vector<std::string> environment = {"ONLY=this", "PATH=/usr/bin:/bin"};
    Child child({"env"}, 10s, &environment);
    CHECK(read_all(child) == "ONLY=this\nPATH=/usr/bin:/bin\n");
    CHECK(child.wait().is_success());
}

TEST_CASE("process: at the time limit the whole group is stopped and it is an error") {
    const TempDir dir;
    const auto start = std::chrono::steady_clock::now();
    Child child(sh("sleep 60 & echo $! >" + (dir / "pid").string() + "; sleep 60"), 1s);
    const Error e = catch_error([&] { read_all(child); });
    CHECK(e.kind() == Kind::io);
    CHECK(testing::contains(e.what(), "'sh' was stopped: it ran longer than 1 s"));
    CHECK(seconds_since(start) < 5);
    const auto background =
        parse_number<pid_t>(std::string_view(dir.read("pid")).substr(0, dir.read("pid").size() - 1));
    REQUIRE(background);
    for (int i = 0; i < 100 && is_alive(*background); ++i) std::this_thread::sleep_for(10ms);
    std::string state = "gone";  // where nobody reaps orphans, a zombie stays
    std::ifstream("/proc/" + std::to_string(*background) + "/stat").ignore(999, ')') >> state;
    CHECK((state == "gone" || state == "Z"));
}

TEST_CASE("process: a child that ignores TERM is killed") {
    const auto start = std::chrono::steady_clock::now();
    {
        Child child(sh("trap '' TERM; echo ready; while :; do sleep 1; done"), 60s);
        std::array<std::byte, 10> chunk;
        CHECK(child.read(chunk) > 0);
    }
    CHECK(seconds_since(start) < 5);
}

TEST_CASE("process: an interrupt of ours ends the wait for a child") {
    const auto start = std::chrono::steady_clock::now();
    {
        Child child({"sleep", "60"}, 60s);
        holdfast::detail::caught_signal = SIGTERM;
        CHECK_THROWS_AS(child.wait(), Interrupted);
        holdfast::detail::caught_signal = 0;
    }
    CHECK(seconds_since(start) < 5);
}

TEST_CASE("process: a background process that keeps the pipe open does not hold us") {
    const auto start = std::chrono::steady_clock::now();
    Child child(sh("sleep 60 & echo out"), 30s);
    CHECK(read_all(child) == "out\n");
    CHECK(child.wait().is_success());
    Child daemon(sh("setsid sleep 5 & echo out"), 30s);
    CHECK(read_all(daemon) == "out\n");
    CHECK(daemon.wait().is_success());
    CHECK(seconds_since(start) < 4);
}

TEST_CASE("process: in a shell line any failing part of a pipe is a failure") {
    Child good(shell_argv("printf a | cat"), 10s);
    CHECK(read_all(good) == "a");
    CHECK_NOTHROW(good.finish());
    Child bad(shell_argv("false | cat"), 10s);
    CHECK_FALSE(bad.wait().is_success());
}
