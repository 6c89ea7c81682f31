#include "holdfast/source/delta_log.hpp"

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {

void commit(DeltaLog& log, std::uint64_t version, std::string_view text) {
    log.begin_commit(version);
    while (!text.empty()) {  // in odd pieces
        log.feed(as_bytes(text.substr(0, 7)));
        text.remove_prefix(std::min<std::size_t>(7, text.size()));
    }
    log.end_commit();
}
std::string live(const DeltaLog& log) {
    std::string all;
    for (const DeltaFile& f : log.live_files()) all += f.path + ":" + std::to_string(f.bytes) + " ";
    return all;
}

}  // namespace

TEST_CASE("delta_log: adds and removes leave the live files, names decoded") {
    DeltaLog log;
    commit(log, 0,
           "{\"protocol\":{}}\n{\"add\":{\"path\":\"a.parquet\",\"size\":1}}\n"
           "{\"add\":{\"path\":\"d=2026-11-20%2010%3A00/b%25.parquet\",\"size\":2}}\n");
    commit(log, 1,
           "{\"remove\":{\"path\":\"a.parquet\"}}\n{\"add\":{\"path\":\"c.parquet\",\"size\":3,\"stats\":"
           "null}}");
    CHECK(live(log) == "c.parquet:3 d=2026-11-20 10:00/b%.parquet:2 ");
    CHECK(log.notes().empty());
}

TEST_CASE("delta_log: a file added and removed in one commit, as deletion vectors do, is live") {
    DeltaLog log;
    commit(log, 0, "{\"add\":{\"path\":\"a\",\"size\":1}}\n");
    commit(log, 1,
           "{\"add\":{\"path\":\"a\",\"size\":1,\"deletionVector\":{}}}\n{\"remove\":{\"path\":\"a\"}}\n");
    CHECK(live(log) == "a:1 ");
}

TEST_CASE("delta_log: missing files and other sizes are warnings") {
    DeltaLog log;
    commit(log, 0,
           "{\"add\":{\"path\":\"a\",\"size\":1}}\n{\"add\":{\"path\":\"b\",\"size\":2}}\n{\"add\":{\"path\":"
           "\"c\",\"size\":3}}\n");
    log.captured("a", 1);
    log.captured("b", 20);
    log.captured("orphan", 9);
    CHECK(log.warnings() == std::vector<std::string>{"'b' has 20 bytes, the log says 2",
                                                     "'c' is named by the log and missing"});
}

TEST_CASE("delta_log: a log that starts late is a note, a gap is a warning") {
    DeltaLog log;
    commit(log, 10, "{\"remove\":{\"path\":\"old\"}}\n");
    CHECK(log.notes().size() == 1);
    CHECK(log.warnings().empty());
    commit(log, 12, "");
    CHECK(log.warnings() == std::vector<std::string>{"version 11 is missing from the log"});
}

TEST_CASE("delta_log: broken text is a warning, files elsewhere and endless lines are notes") {
    DeltaLog log;
    commit(log, 0, "{\"add\":\n{\"add\":{\"path\":\"a\"}}\n{\"add\":{\"path\":\"%zz\",\"size\":1}}\n[]\n");
    CHECK(log.warnings().size() == 4);
    DeltaLog clone;
    commit(clone, 0,
           "{\"add\":{\"path\":\"s3://bucket/x\",\"size\":1}}\n{\"add\":{\"path\":\"/abs\",\"size\":1}}\n");
    CHECK(clone.notes().size() == 1);
    CHECK(clone.warnings().empty());
    DeltaLog endless;
    endless.begin_commit(0);
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 20; ++i) endless.feed(as_bytes(piece));
    endless.end_commit();
    CHECK(endless.notes().size() == 1);
    CHECK(endless.warnings().empty());
}

TEST_CASE("delta_log: starts from a checkpoint, and commits go on from its version") {
    DeltaLog log;
    log.begin_checkpoint(10);
    log.add_file("a", 1);
    log.add_file("b%20c", 2);
    log.add_file("s3://bucket/x", 3);
    commit(log, 11, "{\"remove\":{\"path\":\"a\"}}\n{\"add\":{\"path\":\"d\",\"size\":4}}\n");
    CHECK(live(log) == "b c:2 d:4 ");
    CHECK(log.notes().size() == 1);
    commit(log, 13, "");
    CHECK(log.warnings().front() == "version 12 is missing from the log");
}

TEST_CASE("delta_log: a JSON checkpoint names files and sidecars; one that is broken is thrown") {
    DeltaLog log;
    log.begin_checkpoint(10);
    log.feed(
        as_bytes("{\"checkpointMetadata\":{\"version\":10}}\n{\"add\":{\"path\":\"a\",\"size\":1}}\n"
                 "{\"sidecar\":{\"path\":\"x.parquet\",\"sizeInBytes\":1}}\n"
                 "{\"sidecar\":{\"path\":\"s3://b/t/_delta_log/_sidecars/y.parquet\",\"sizeInBytes\":1}}"));
    log.end_commit();
    CHECK(live(log) == "a:1 ");
    CHECK(log.sidecars() == std::set<std::string>{"x.parquet", "y.parquet"});
    log.begin_checkpoint(10);
    CHECK(catch_error([&] { log.feed(as_bytes("{\"add\":\n")); }).kind() == Kind::corrupt);
    CHECK(catch_error([&] { log.add_file("%zz", 1); }).kind() == Kind::corrupt);
    CHECK(catch_error([&] { log.add_sidecar("t/"); }).kind() == Kind::corrupt);
}
