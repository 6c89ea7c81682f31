#include "holdfast/store/ledger.hpp"

#include <doctest/doctest.h>

#include "support/repository.hpp"

using namespace holdfast;
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
