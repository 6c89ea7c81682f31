#include "holdfast/base/progress.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace holdfast;
using namespace std::chrono_literals;

TEST_CASE("progress: a line tells bytes, rate, elapsed time and what is left") {
    CHECK(format_progress("trades", 1_GiB, 4_GiB, 2s, 200) ==
          "trades: 1.0 GiB of 4.0 GiB, 512.0 MiB/s, 2 s, 7 s left");
    CHECK(format_progress("x", 1_MiB, std::nullopt, 1s, 200) == "x: 1.0 MiB, 1.0 MiB/s, 1 s");
    CHECK(format_progress("x", 0, 5, 0ms, 200) == "x: 0 B of 5 B, 0 s");
    CHECK(format_progress("x", 9, 5, 3s, 200) == "x: 9 B of 5 B, 3 B/s, 3 s");
}

TEST_CASE("progress: a line never exceeds the width and never ends inside a character") {
    for (std::size_t width = 0; width < 60; ++width) {
        const std::string line = format_progress("äöü-Quelle", 1_GiB, 2_GiB, 90s, width);
        CHECK(display_width(line) <= width);
        CHECK(is_utf8(line));
    }
}

TEST_CASE("progress: control bytes in a name do not reach the terminal") {
    CHECK(format_progress("a\033[2Jb", 1, std::nullopt, 1s, 99).find('\033') == std::string::npos);
}

TEST_CASE("progress: any number of threads may add, and nothing is drawn without a terminal") {
    Progress progress;
    progress.start("many", 1000);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 10000; ++i) progress.add(1);
        });
    for (std::thread& thread : threads) thread.join();
    progress.finish();
}
