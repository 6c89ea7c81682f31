#include "holdfast/store/manifest_json.hpp"

#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {

const std::string kId = "20261120T020000Z-7f3a9c";

Manifest sample() {
    Manifest m;
    m.id = kId;
    m.number = 7;
    m.repository = "r";
    m.parent = ParentLink{"20261119T020000Z-000001", sha256("parent")};
    m.type = "full";
    m.host = "db1";
    m.started = m.finished = *parse_utc("2026-11-20T02:00:00Z");
    Component c;
    c.name = "trades";
    c.source = "trades";
    c.kind = "sqlite";
    c.source_class = "database";
    c.path = "/data/trades.db";
    c.bytes = 8192;
    c.digest = sha256("image");
    c.recipe = {75, sha256("recipe"), {{sha256("object"), 0, 75, std::nullopt}}};
    c.file = FileFacts{0640, 1, 2, -1'500'000'001};
    c.sqlite = SqliteFacts{4096, 2, 42, 777, true, {{"trades", 150}}};
    m.components.push_back(c);
    return m;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("manifest: what is written reads back the same") {
    const std::string text = format_manifest(sample());
    CHECK(format_manifest(parse_manifest(text, kId)) == text);
}

TEST_CASE("manifest: what older versions did not write is unknown, not an error") {
    const Manifest old = parse_manifest(format_manifest(sample()), kId);
    CHECK_FALSE(old.components[0].new_stored_bytes);
    CHECK_FALSE(old.components[0].sqlite->table_count);
    CHECK_FALSE(old.components[0].mount);
    Manifest m = sample();
    m.components[0].new_stored_bytes = 0;
    m.components[0].sqlite->table_count = 3;
    m.components[0].mount = MountPlace{"/srv", "ext4 /dev/sdb1", "/trades.db"};
    const Manifest again = parse_manifest(format_manifest(m), kId);
    CHECK(again.components[0].new_stored_bytes == 0);
    CHECK(again.components[0].sqlite->table_count == 3);
    CHECK(again.components[0].mount == m.components[0].mount);
}

TEST_CASE("manifest: a snapshot with a missing source or a warning is partial, with a suspicion suspect") {
    Manifest m = sample();
    CHECK(m.state() == "complete");
    m.components[0].warnings.push_back("x");
    CHECK(m.state() == "partial");
    m.suspect.push_back("y");
    CHECK(m.state() == "suspect");
}

TEST_CASE("manifest: text that is not UTF-8 is escaped, so the manifest stays valid JSON") {
    Manifest m = sample();
    m.components[0].warnings.push_back("bad \xFF byte");
    CHECK(parse_manifest(format_manifest(m), kId).components[0].warnings[0] == "bad \\xff byte");
}

TEST_CASE("manifest: edits that contradict it are corrupt") {
    const std::string text = format_manifest(sample());
    const std::pair<std::string, std::string> edits[] = {
        {"\"id\": \"2026", "\"id\": \"2027"},
        {"\"name\": \"trades\"", "\"name\": \"../trades\""},
        {"\"name\": \"trades\"", "\"name\": \"/trades\""},
        {"\"name\": \"trades\"", "\"name\": \"a/b/c\""},
        {"\"name\": \"trades\"", "\"name\": \"a\\nb\""},
        {"\"bytes\": 8192", "\"bytes\": 8193"},
        {"\"bytes\": 75", "\"bytes\": 76"},
        {"\"bytes\": 8192", "\"bytes\": -1"},
        {"\"bytes\": 8192", "\"bytes\": 1e400"},
        {"\"bytes\": 8192", "\"bytes\": 99999999999999999999999"},
        {"\"kind\": \"sqlite\"", "\"kind\": \"magic\""},
        {"\"mode\": \"0640\"", "\"mode\": \"9999\""},
        {"\"number\": 7", "\"number\": 7, \"number\": 8"},
        {"\"format\": \"holdfast-snapshot\"", "\"format\": \"other\""},
        {"\"root\": \"file\"", "\"root\": \"directory\""}};
    for (const auto& [from, to] : edits) {
        CAPTURE(to);
        CHECK(catch_error([&] { parse_manifest(replaced(text, from, to), kId); }).kind() == Kind::corrupt);
    }
}

TEST_CASE("manifest: a newer version is refused as configuration, not guessed at") {
    const std::string text = replaced(format_manifest(sample()), "\"version\": 1", "\"version\": 2");
    CHECK(catch_error([&] { parse_manifest(text, kId); }).kind() == Kind::config);
}

TEST_CASE("manifest: nesting without end, a BOM and UTF-16 are corrupt") {
    for (const std::string& text :
         {std::string(100'000, '['), "\xEF\xBB\xBF" + std::string("{"), std::string("{\0\"\0", 4)})
        CHECK(catch_error([&] { parse_manifest(text, kId); }).kind() == Kind::corrupt);
}

TEST_CASE("manifest: only ids of the one form are ids") {
    CHECK(is_snapshot_id(kId));
    for (const char* id : {"", "latest", "20261120T020000Z-7f3a9", "20261120T020000Z-7F3A9C",
                           "20261120t020000Z-7f3a9c", "../61120T020000Z-7f3a9c"})
        CHECK_FALSE(is_snapshot_id(id));
}
