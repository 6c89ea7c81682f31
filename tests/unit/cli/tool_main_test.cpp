#include "holdfast/cli/tool_main.hpp"

#include <doctest/doctest.h>

#include <iostream>

#include "holdfast/cli/flags.hpp"
#include "support/captured_run.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::captured_run;
using holdfast::testing::CapturedRun;
using holdfast::testing::contains;

namespace {

template <class Body>
int run_tool(std::vector<std::string> args, Body body) {
    CLI::App app{"Do a thing.", "demo"};
    cli::CommonFlags flags;
    cli::add_common_flags(app, flags, "  demo --json");
    args.insert(args.begin(), "demo");
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    return cli::tool_main(app, static_cast<int>(argv.size()), argv.data(), body);
}

template <class Body>
CapturedRun run_demo(std::vector<std::string> args, Body body) {
    return captured_run([&] { return run_tool(std::move(args), body); });
}

}  // namespace

TEST_CASE("tool_main: a body without a result ends in 0, its output arrives") {
    const CapturedRun run = run_demo({}, [] { cli::print_line("data"); });
    CHECK(run.code == 0);
    CHECK(run.out == "data\n");
    CHECK(run.err.empty());
}

TEST_CASE("tool_main: a body may return an outcome such as partial") {
    CHECK(run_demo({}, [] { return 4; }).code == 4);
    CHECK(run_demo({}, [] { return Kind::partial; }).code == 4);
}

TEST_CASE(
    "tool_main: an error becomes message, hint and the code of its kind; earlier output stays unprinted") {
    const CapturedRun run = run_demo({}, []() -> void {
        throw Error(Kind::busy, "snapshot of 'a\033[2J' not taken: locked", "try later");
    });
    CHECK(run.code == 7);
    CHECK(run.out.empty());
    CHECK(run.err == "demo: error: snapshot of 'a\\x1b[2J' not taken: locked\ndemo: hint: try later\n");
}

TEST_CASE("tool_main: no kind of exception escapes") {
    CHECK(run_demo({}, []() -> void { throw std::runtime_error("odd"); }).code == 1);
    CHECK(run_demo({}, []() -> void { throw 5; }).code == 1);
    const CapturedRun run = run_demo({}, []() -> void { throw std::bad_alloc(); });
    CHECK(run.code == 1);
    CHECK(contains(run.err, "demo: error: out of memory\n"));
}

TEST_CASE("tool_main: --help and --version go to standard output and end in 0") {
    const CapturedRun help = run_demo({"--help"}, [] {});
    CHECK(help.code == 0);
    CHECK(help.out.starts_with("Do a thing.\n"));
    for (const char* part :
         {"EXAMPLES\n  demo --json\n", "EXIT STATUS", "7 busy", "10 refused", "--lock-wait"})
        CHECK_MESSAGE(contains(help.out, part), part);
    CHECK(help.err.empty());
    const CapturedRun version = run_demo({"--version"}, [] {});
    CHECK(version.code == 0);
    CHECK(version.out == std::string("demo (holdfast ") + kVersion + ", SQLite " + sqlite_version() + ")\n");
}

TEST_CASE("tool_main: wrong usage is exit 2 with a hint, and the body does not run") {
    for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
             {"--nope"}, {"extra"}, {"--repo"}, {"--repo", ""}, {"--config", ""}, {"--lock-wait", "5x"}}) {
        const CapturedRun run = run_demo(args, [] { cli::print("ran"); });
        CAPTURE(run.err);
        CHECK(run.code == 2);
        CHECK(run.out.empty());
        CHECK(run.err.starts_with("demo: error: "));
        CHECK(run.err.ends_with("\ndemo: hint: see demo --help\n"));
    }
}

TEST_CASE("tool_main: output that cannot be delivered is exit 8") {
    const auto print = [] { return run_tool({}, [] { cli::print("id"); }); };
    const CapturedRun full = captured_run([] { ::dup2(::open("/dev/full", O_WRONLY), 1); }, print);
    CHECK(full.code == 8);
    CHECK(contains(full.err, "write standard output: No space left on device"));
    const CapturedRun closed = captured_run([] { ::close(1); }, print);
    CHECK(closed.code == 8);
    CHECK(contains(closed.err, "write standard output: Bad file descriptor"));
    const auto break_pipe = [] {
        int ends[2];
        if (::pipe(ends) != 0) std::_Exit(99);
        ::dup2(ends[1], 1);
        ::close(ends[0]);
    };
    CHECK(captured_run(break_pipe, print).code == 8);
    const CapturedRun stream = captured_run([] { ::dup2(::open("/dev/full", O_WRONLY), 1); },
                                            [] { return run_tool({}, [] { std::cout << "x"; }); });
    CHECK(stream.code == 8);
}

TEST_CASE("tool_main: nothing to print needs no standard output") {
    CHECK(captured_run([] { ::close(1); }, [] { return run_tool({}, [] {}); }).code == 0);
}

TEST_CASE("tool_main: with descriptors 0 to 2 closed no file gets one of their numbers") {
    const auto close_all = [] {
        for (const int fd : {0, 1, 2}) ::close(fd);
    };
    const auto body = [] {
        return run_tool({}, [] {
            const int fd = ::open("/dev/null", O_RDONLY);
            char byte = 0;
            const bool is_stdin_dead =
                ::read(0, &byte, 1) == -1;  // not an empty file: it must not look like data
            return fd >= 3 && is_stdin_dead ? 42 : 1;
        });
    };
    CHECK(captured_run(close_all, body).code == 42);
}

TEST_CASE("tool_main: an interrupt is explained and ends the process by its signal") {
    const CapturedRun run = run_demo({}, [] {
        ::raise(SIGTERM);
        check_interrupted();
    });
    CHECK(run.code == 128 + SIGTERM);
    CHECK(run.err == "demo: error: stopped by SIGTERM; what was temporary is removed\n");
}

TEST_CASE("tool_main: files of ours are private whatever the umask was") {
    const CapturedRun run =
        captured_run([] { ::umask(0); },
                     [] { return run_tool({}, [] { return static_cast<int>(::umask(0)) == 077 ? 0 : 1; }); });
    CHECK(run.code == 0);
}
