#include "holdfast/cli/output.hpp"

#include <doctest/doctest.h>

#include "support/captured_run.hpp"

using namespace holdfast;
using holdfast::testing::captured_run;

TEST_CASE("output: everything arrives once and in order, also beyond one piece") {
    const auto run = captured_run([] {
        for (int i = 0; i < 30000; ++i) cli::print_line(std::to_string(i));
        cli::output().flush();
        cli::output().flush();
        return 0;
    });
    std::string expected;
    for (int i = 0; i < 30000; ++i) expected += std::to_string(i) + "\n";
    CHECK(run.code == 0);
    CHECK(run.out == expected);
}

TEST_CASE("output: a full device is an error at once for large output, at flush for small") {
    const auto to_full = [] { ::dup2(::open("/dev/full", O_WRONLY), 1); };
    CHECK(captured_run(to_full, [] {
              try {
                  cli::print(std::string(100000, 'x'));
              } catch (const Error& e) {
                  return static_cast<int>(e.kind());
              }
              return 0;
          }).code == 8);
    CHECK(captured_run(to_full, [] {
              cli::print("x");
              try {
                  cli::output().flush();
              } catch (const Error& e) {
                  return static_cast<int>(e.kind());
              }
              return 0;
          }).code == 8);
}

TEST_CASE("output: JSON is indented and ends in a line break") {
    const auto run = captured_run([] {
        cli::print_json(Json{{"a", 1}});
        cli::output().flush();
        return 0;
    });
    CHECK(run.out == "{\n  \"a\": 1\n}\n");
}
