#include "holdfast/policy/anomaly.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::contains;

namespace {

Component component(const std::string& name, const std::string& kind, std::uint64_t bytes) {
    Component c;
    c.name = c.source = name;
    c.kind = kind;
    c.path = "/data/" + name;
    c.bytes = bytes;
    return c;
}
Component tree(std::uint64_t files, std::uint64_t bytes) {
    Component c = component("lake", "tree", bytes);
    c.tree = TreeFacts{files, 1, 0, bytes};
    return c;
}
Component database(std::map<std::string, std::int64_t> rows, std::uint64_t pages = 10) {
    Component c = component("trades", "sqlite", pages * 4096);
    c.sqlite = SqliteFacts{4096, pages, 0, 0, false, rows, rows.size()};
    return c;
}
Component blob(std::uint64_t bytes, std::uint64_t new_bytes, std::optional<std::uint64_t> new_stored_bytes) {
    Component c = component("dump", "command", bytes);
    c.path.clear();
    c.new_bytes = new_bytes;
    c.new_stored_bytes = new_stored_bytes;
    return c;
}
Manifest manifest(std::vector<Component> components, const char* suspicion = nullptr) {
    Manifest m;
    m.id = "20261120T020000Z-7f3a9c";
    m.components = std::move(components);
    if (suspicion != nullptr) m.suspect = {suspicion};
    return m;
}
SourceConfig source(const std::string& name, double max_shrink = 0.5) {
    SourceConfig s;
    s.name = name;
    s.max_shrink = max_shrink;
    return s;
}

/// The reasons against `now`, whose source has its name, after `before`.
std::vector<std::string> judge(const Component& before, const Component& now, double max_shrink = 0.5) {
    return find_anomalies(manifest({now}), {manifest({before})}, {source(now.source, max_shrink)}, {});
}

}  // namespace

TEST_CASE("anomaly: a component that was not there before is fine, and so is one that grew") {
    CHECK(find_anomalies(manifest({tree(0, 0)}), {}, {source("lake")}, {}).empty());
    CHECK(judge(tree(1, 1000), tree(100, 100'000)).empty());
}

TEST_CASE("anomaly: empty where it was not, whatever max_shrink says, unless it may be empty") {
    for (const double limit : {0.5, 1.0}) {
        CHECK(contains(judge(tree(7, 9000), tree(0, 3000), limit).at(0), "mounted?"));
        CHECK(judge(database({{"t", 1}}), database({}, 0), limit).at(0) ==
              "trades: empty, where the last good snapshot had 40.0 KiB");
        CHECK(judge(blob(9, 9, 9), blob(0, 0, 0), limit).size() == 1);
    }
    SourceConfig may = source("lake");
    may.allow_empty = true;
    CHECK(find_anomalies(manifest({tree(0, 0)}), {manifest({tree(7, 9000)})}, {may}, {}).empty());
    CHECK(find_anomalies(manifest({tree(1, 10)}), {manifest({tree(7, 9000)})}, {may}, {}).size() == 2);
    CHECK(judge(tree(0, 3000), tree(0, 3000)).empty());
}

TEST_CASE("anomaly: a loss of exactly max_shrink is fine, one byte or file more is not") {
    CHECK(judge(tree(10, 10'000), tree(5, 5'000)).empty());
    CHECK(judge(tree(10, 10'000), tree(5, 4'999)).size() == 1);
    CHECK(judge(tree(10, 10'000), tree(4, 5'000)) ==
          std::vector<std::string>{"lake: 4 files, 10 before (60% less, max_shrink is 50%)"});
    CHECK(judge(tree(1000, 1000), tree(667, 667), 0.333).empty());
    CHECK(judge(tree(1000, 1000), tree(666, 667), 0.333).size() == 1);
    CHECK(judge(tree(1000, 1000), tree(999, 999), 0).size() == 2);
    CHECK(judge(tree(1000, 1000), tree(1, 1), 1).empty());
    CHECK(judge(blob(1000, 0, 0), blob(499, 0, 0)).size() == 1);
    CHECK(judge(database({}, 10), database({}, 4)).size() == 1);
}

TEST_CASE("anomaly: rows that are gone count in total, and for each table that had a hundred") {
    CHECK(judge(database({{"t", 200}}), database({{"t", 100}})).empty());
    CHECK(judge(database({{"t", 200}, {"u", 1000}}), database({{"t", 99}, {"u", 1000}})) ==
          std::vector<std::string>{"trades: table 't' has 99 rows, had 200 (50.5% less, max_shrink is 50%)"});
    CHECK(judge(database({{"t", 99}, {"u", 1000}}), database({{"t", 0}, {"u", 1000}})).empty());
    CHECK(judge(database({{"t", 100}, {"u", 1000}}), database({{"t", 0}, {"u", 1000}})).size() == 1);
    CHECK(judge(database({{"a", 60}, {"b", 60}}), database({{"a", 30}, {"b", 30}})).empty());
    CHECK(contains(judge(database({{"a", 60}, {"b", 60}}), database({{"a", 30}, {"b", 29}})).at(0),
                   "59 rows in all tables, 120 before"));
    CHECK(judge(database({{"t", 200}}), database({{"t", 0}}), 1).empty());
}

TEST_CASE("anomaly: a table that was not counted is gone only if all others were") {
    Component now = database({{"u", 1000}});
    CHECK(contains(judge(database({{"t", 100}, {"u", 1000}}), now).at(0), "table 't' has 0 rows"));
    now.sqlite->table_count = 2;
    CHECK(judge(database({{"t", 5000}, {"u", 1000}}), now).empty());
    now.sqlite->table_count.reset();
    CHECK(judge(database({{"t", 5000}, {"u", 1000}}), now).empty());
}

TEST_CASE("anomaly: rows that moved to a new table are not lost in total") {
    CHECK(judge(database({{"a", 90}}), database({{"b", 90}})).empty());
}

TEST_CASE("anomaly: three bad days are three suspect ones, and a recovered source is fine again") {
    std::vector<Manifest> newest_first = {manifest({tree(10, 10'000)})};
    for (int day = 0; day < 3; ++day) {
        Manifest now = manifest({tree(2, 2000)});
        now.suspect = find_anomalies(now, newest_first, {source("lake")}, {});
        CHECK(now.suspect.size() == 2);
        newest_first.insert(newest_first.begin(), now);
    }
    CHECK(find_anomalies(manifest({tree(9, 9000)}), newest_first, {source("lake")}, {}).empty());
    // A person who wants it so says it once; from then on it is the measure.
    const Manifest agreed = manifest({tree(2, 2000)});
    CHECK(find_anomalies(agreed, newest_first, {source("lake", 1)}, {}).empty());
    newest_first.insert(newest_first.begin(), agreed);
    CHECK(find_anomalies(manifest({tree(2, 2000)}), newest_first, {source("lake")}, {}).empty());
}

namespace {

/// A file of the source "logs".
Component part(const std::string& name, const std::string& path) {
    Component c = component(name, "tree", 5000);
    c.source = "logs";
    c.path = path;
    c.tree = TreeFacts{1, 0, 0, 5000};
    return c;
}
std::vector<std::string> vanished(const Manifest& now, const std::vector<Manifest>& newest_first,
                                  AnomalyFacts facts = {}, double max_shrink = 0.5) {
    return find_anomalies(now, newest_first, {source("logs", max_shrink)}, facts);
}

}  // namespace

TEST_CASE("anomaly: a component that its source had and has no more is named") {
    const Manifest both = manifest({part("logs/a", "/l/a"), part("logs/b", "/l/b")});
    CHECK(vanished(both, {both}).empty());
    CHECK(vanished(manifest({part("logs", "/l/a")}), {both}) ==  // one file alone is named after its source
          std::vector<std::string>{"logs/b: not there any more, the last good snapshot has it from '/l/b'"});
    CHECK(vanished(manifest({part("logs", "/l/a")}), {both}, {}, 1).empty());
    CHECK(find_anomalies(manifest({}), {both}, {source("other")}, {}).empty());  // not part of the run
    CHECK(vanished(manifest({}), {both}).size() == 2);
}

TEST_CASE("anomaly: what could not be read did not vanish, and is not forgotten when it does later") {
    const Manifest both = manifest({part("logs/a", "/l/a"), part("logs/b", "/l/b")});
    Manifest busy = manifest({part("logs/a", "/l/a")});
    busy.missing = {{"logs", "/l/b", "busy"}};
    CHECK(vanished(busy, {both}, {{"/l/b"}, {}}).empty());
    const Manifest now = manifest({part("logs/a", "/l/a")});
    CHECK(vanished(now, {busy, both}).size() == 1);
    CHECK(vanished(now, {now, busy, both}).empty());  // somebody agreed
    const Manifest bad = manifest({part("logs/a", "/l/a")}, "logs/b is gone");
    CHECK(vanished(now, {bad, bad, both}).size() == 1);
}

TEST_CASE("anomaly: new data that does not compress is suspect if data before did") {
    const auto after = [](const Component& before, const Component& now) {
        return find_anomalies(manifest({now}), {manifest({before})}, {source("dump")}, {});
    };
    const Component text = blob(100_MiB, 100_MiB, 70_MiB);
    CHECK(contains(after(text, blob(100_MiB, 50_MiB, 45_MiB)).at(0), "encrypted"));
    CHECK(after(text, blob(100_MiB, 50_MiB, 45_MiB - 1)).empty());
    CHECK(after(text, blob(100_MiB, 25_MiB, 25_MiB)).size() == 1);
    CHECK(after(text, blob(100_MiB, 25_MiB - 1, 25_MiB - 1)).empty());
    CHECK(after(text, blob(100_MiB, 50_MiB, std::nullopt)).empty());
    CHECK(after(blob(100_MiB, 100_MiB, 70_MiB + 1), blob(100_MiB, 50_MiB, 50_MiB)).empty());
    CHECK(after(blob(100_MiB, 100_MiB, std::nullopt), blob(100_MiB, 50_MiB, 50_MiB)).empty());
    CHECK(after(blob(100_MiB, 0, 0), blob(100_MiB, 50_MiB, 50_MiB)).empty());
    const Component small = blob(1_MiB, 1_MiB, 1000);
    CHECK(after(small, blob(1_MiB, 1_MiB, 1_MiB)).size() == 1);
    CHECK(after(small, blob(1_MiB, 1_MiB - 1, 1_MiB)).empty());
}

TEST_CASE("anomaly: a source may say that its data need not compress, which allows nothing else") {
    SourceConfig may = source("dump");
    may.allow_incompressible = true;
    const std::vector<Manifest> before = {manifest({blob(100_MiB, 100_MiB, 30_MiB)})};
    CHECK(find_anomalies(manifest({blob(100_MiB, 100_MiB, 100_MiB)}), before, {may}, {}).empty());
    CHECK(find_anomalies(manifest({blob(40_MiB, 40_MiB, 40_MiB)}), before, {may}, {}).size() == 1);
    CHECK(find_anomalies(manifest({blob(0, 0, 0)}), before, {may}, {}).size() == 1);
}

namespace {
Component on(const MountPlace& place, std::uint64_t files = 10) {
    Component c = tree(files, files * 1000);
    c.mount = place;
    return c;
}
}  // namespace

TEST_CASE(
    "anomaly: a source that lies on another file system than before is suspect, however much there is") {
    const Component disk = on({"/srv", "ext4 /dev/sdb1", "/lake"});
    const Component below = on({"/", "ext4 /dev/sda2", "/srv/lake"});
    CHECK(judge(disk, below) ==
          std::vector<std::string>{"lake: lies on what is mounted at '/' (ext4 /dev/sda2), in the last good "
                                   "snapshot at '/srv' (ext4 /dev/sdb1): is its disk mounted?"});
    CHECK(judge(below, disk).size() == 1);
    CHECK(judge(disk, on({"/", "ext4 /dev/sda2", "/srv/lake"}, 0)).size() == 2);
    CHECK(judge(on({"/srv", "btrfs /dev/sda2", "/@srv/lake"}), on({"/", "btrfs /dev/sda2", "/@/srv/lake"}))
              .size() == 1);
    CHECK(judge(disk, below, 1).empty());
}

TEST_CASE("anomaly: other names of devices, bind mounts, and what is not known are no reason") {
    const Component disk = on({"/srv", "ext4 /dev/sdb1", "/lake"});
    CHECK(judge(disk, disk).empty());
    CHECK(judge(disk, on({"/srv", "ext4 /dev/sdc1", "/lake"})).empty());  // after a reboot
    CHECK(judge(disk, on({"/srv/lake", "ext4 /dev/sdb1", "/lake"})).empty());
    CHECK(judge(tree(10, 10'000), disk).empty());
    CHECK(judge(disk, tree(10, 10'000)).empty());
    Component elsewhere = on({"/", "ext4 /dev/sda2", "/home/lake"});
    elsewhere.path = "/home/lake";  // by configuration
    CHECK(judge(disk, elsewhere).empty());
}

TEST_CASE("anomaly: mounts of another host with the same source are not compared") {
    const Component disk = on({"/srv", "ext4 /dev/sdb1", "/lake"});
    Manifest primary = manifest({disk});
    primary.host = "primary";
    Manifest standby = manifest({on({"/", "ext4 /dev/sda2", "/srv/lake"})});
    standby.host = "standby";
    CHECK(find_anomalies(standby, {primary}, {source("lake")}, {}).empty());
    standby.host = "primary";
    CHECK(find_anomalies(standby, {primary}, {source("lake")}, {}).size() == 1);
}

TEST_CASE("anomaly: encrypted data stays suspect while it is there, although it is new only once") {
    const Manifest good = manifest({blob(100_MiB, 100_MiB, 30_MiB)});
    const Manifest bad = manifest({blob(100_MiB, 100_MiB, 100_MiB)}, "encrypted");
    const Manifest next = manifest({blob(100_MiB, 0, 0)});
    const auto reasons = [&](const std::vector<Manifest>& newest_first, std::uint64_t doubtful) {
        return find_anomalies(next, newest_first, {source("dump")}, {{}, {{"dump", doubtful}}});
    };
    CHECK(contains(reasons({bad, good}, 100_MiB).at(0), "still"));
    CHECK(reasons({bad, bad, good}, 25_MiB).size() == 1);
    CHECK(reasons({bad, good}, 25_MiB - 1).empty());
    CHECK(reasons({bad, good}, 0).empty());              // recovered: all of it is what the good one had
    CHECK(reasons({good, bad, good}, 100_MiB).empty());  // somebody agreed
    const Manifest shrunk = manifest({blob(100_MiB, 100_MiB, 30_MiB)}, "rows are gone");
    CHECK(reasons({shrunk, good}, 100_MiB).empty());
}
