#include "holdfast/base/signals.hpp"

#include <doctest/doctest.h>

#include "support/captured_run.hpp"

using namespace holdfast;
using holdfast::testing::captured_run;

TEST_CASE("signals: the first TERM is a polite request, the second one kills") {
    CHECK(captured_run([] {
              install_signal_handlers();
              if (is_interrupted()) return 1;
              ::raise(SIGTERM);
              if (!is_interrupted()) return 2;
              try {
                  check_interrupted();
              } catch (const Interrupted& e) {
                  return e.signal() == SIGTERM ? 42 : 3;
              }
              return 4;
          }).code == 42);
    CHECK(captured_run([] {
              install_signal_handlers();
              ::raise(SIGTERM);
              holdfast::detail::caught_at_ms -= holdfast::detail::kSameRequestMs;  // a second has passed
              ::raise(SIGTERM);
              return 0;
          }).code == 128 + SIGTERM);
}

TEST_CASE("signals: one request that arrives several times is one request") {
    CHECK(captured_run([] {
              install_signal_handlers();
              for (const int s : {SIGTERM, SIGTERM, SIGHUP, SIGINT}) ::raise(s);
              return holdfast::detail::caught_signal == SIGTERM ? 42 : 1;
          }).code == 42);
}

TEST_CASE("signals: what nohup ignores stays ignored") {
    CHECK(captured_run([] {
              ::signal(SIGHUP, SIG_IGN);
              install_signal_handlers();
              ::raise(SIGHUP);
              return is_interrupted() ? 1 : 0;
          }).code == 0);
}

TEST_CASE("signals: a closed pipe does not kill, and the ends of children are seen") {
    CHECK(captured_run([] {
              ::signal(SIGCHLD, SIG_IGN);
              install_signal_handlers();
              ::raise(SIGPIPE);
              const pid_t pid = ::fork();
              if (pid == 0) ::_exit(7);
              int status = 0;
              return ::waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 0;
          }).code == 7);
}
