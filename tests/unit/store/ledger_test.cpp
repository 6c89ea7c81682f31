#include "holdfast/store/ledger.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::TestRepository;

namespace {
LedgerReport read(const TestRepository& t, std::vector<std::string>* events = nullptr) {
    return read_ledger(t.repository, [&](const LedgerLine& line) {
        if (events != nullptr) events->push_back(line.event);
    });
}
void append(const TestRepository& t, const std::string& event) {
    LedgerWriter(t.repository, std::chrono::seconds{1}).append(event, "20261120T020000Z-7f3a9c");
}
}  // namespace

TEST_CASE("ledger: lines come back in order and chain") {
    TestRepository t;
    append(t, "one");
    append(t, "two");
    std::vector<std::string> events;
    CHECK(read(t, &events).findings.empty());
    CHECK(events == std::vector<std::string>{"created", "one", "two"});
}

TEST_CASE("ledger: a changed or removed line shows") {
    TestRepository t;
    append(t, "one");
    append(t, "two");
    const std::string text = read_file(t.repository.ledger(), 1_MiB);
    std::string changed = text;
    changed.replace(changed.find("one"), 3, "1ne");
    publish_file(t.repository.ledger(), as_bytes(changed));
    CHECK_FALSE(read(t).findings.empty());
    const std::size_t first = text.find('\n') + 1, second = text.find('\n', first) + 1;
    publish_file(t.repository.ledger(), as_bytes(text.substr(0, first) + text.substr(second)));
    CHECK_FALSE(read(t).findings.empty());
}

TEST_CASE("ledger: a line that a crash tore off is cut away by the next append") {
    TestRepository t;
    append(t, "one");
    const std::string text = read_file(t.repository.ledger(), 1_MiB);
    publish_file(t.repository.ledger(), as_bytes(text + "{\"event\":\"to"));
    CHECK(read(t).findings.empty());
    append(t, "two");
    std::vector<std::string> events;
    CHECK(read(t, &events).findings.empty());
    CHECK(events == std::vector<std::string>{"created", "one", "two"});
}

TEST_CASE("ledger: one that was emptied, or lost its line ends, is noticed and never cut down") {
    TestRepository t;
    append(t, "one");
    std::string text = read_file(t.repository.ledger(), 1_MiB);
    publish_file(t.repository.ledger(), {});
    CHECK_FALSE(read(t).findings.empty());
    std::erase(text, '\n');
    publish_file(t.repository.ledger(), as_bytes(text));
    CHECK_FALSE(read(t).findings.empty());
    CHECK_THROWS_AS(append(t, "two"), Error);
    CHECK(read_file(t.repository.ledger(), 1_MiB) == text);
}

TEST_CASE("ledger: several lines at once chain like single ones") {
    TestRepository t;
    LedgerWriter writer(t.repository, std::chrono::seconds{1});
    writer.append({{"one", ""}, {"two", "20261120T020000Z-7f3a9c", {{"reason", "x"}}}});
    writer.append("three", "");
    std::vector<std::string> events;
    CHECK(read(t, &events).findings.empty());
    CHECK(events == std::vector<std::string>{"created", "one", "two", "three"});
}

TEST_CASE("ledger: a last line longer than any of ours is refused, not chained to by its end") {
    TestRepository t;
    const std::string text = read_file(t.repository.ledger(), 1_MiB);
    publish_file(t.repository.ledger(), as_bytes(text + std::string(kMaxLedgerLine + 1, 'x') + "\n"));
    CHECK_THROWS_AS(append(t, "one"), const Error&);
}

TEST_CASE("ledger: a line longer than a reader accepts is refused, and the next one fits") {
    TestRepository t;
    const Json long_text = {{"reason", std::string(kMaxLedgerLine, 'x')}};
    CHECK(catch_error([&] {
              LedgerWriter(t.repository, std::chrono::seconds{1}).append("pinned", "", long_text);
          }).kind() == Kind::usage);
    const Json fits = {{"reason", std::string(kMaxLedgerLine - 300, 'x')}};
    LedgerWriter(t.repository, std::chrono::seconds{1}).append("pinned", "", fits);
    append(t, "one");
    CHECK(read(t).findings.empty());
}

TEST_CASE("ledger: a remembered line is known again at its place, whatever follows, and nowhere else") {
    TestRepository t;
    append(t, "one");
    const UniqueFd fd = open_fd(t.repository.ledger().string(), O_RDWR);
    const auto mark = LedgerWriter(t.repository, std::chrono::seconds{1}).memory();
    REQUIRE(mark);
    CHECK(holds_mark(fd.get(), *mark));
    append(t, "two");
    CHECK(holds_mark(fd.get(), *mark));
    CHECK_FALSE(holds_mark(fd.get(), {mark->bytes - 1, mark->line}));
    CHECK_FALSE(holds_mark(fd.get(), {mark->bytes, sha256("another")}));
    CHECK_FALSE(holds_mark(fd.get(), {0, mark->line}));
    REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(mark->bytes) - 1) == 0);
    CHECK_FALSE(holds_mark(fd.get(), *mark));
}
