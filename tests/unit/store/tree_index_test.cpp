#include "holdfast/store/tree_index.hpp"

#include <doctest/doctest.h>

#include "support/catch_error.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

IndexEntry entry_of(EntryType type, const std::string& path) {
    IndexEntry e;
    e.type = type;
    e.path = path;
    e.mode = 0644;
    e.length = 512;
    if (type == EntryType::hardlink || type == EntryType::symlink) e.link = "to";
    return e;
}
std::string line_of(const IndexEntry& e) {
    std::string line;
    append_index_line(line, e);
    return line;
}
IndexEntry back(const IndexEntry& e) {
    std::string text;
    append_segment_line(text, e.length);
    IndexReader reader(pull_text(text + line_of(e)));
    auto entry = reader.next();
    REQUIRE(entry);
    CHECK_FALSE(reader.next());
    CHECK(line_of(*entry) == line_of(e));
    return *entry;
}
void refuse(const std::string& text) {
    CAPTURE(text.substr(0, 300));
    CHECK(catch_error([&] {
              IndexReader reader(pull_text(text));
              while (reader.next()) continue;
          }).kind() == Kind::corrupt);
}
/// The line with one piece replaced.
void refuse_line(std::string line, const std::string& piece, const std::string& by) {
    const std::size_t at = line.find(piece);
    REQUIRE(at != std::string::npos);
    refuse("{\"segment_bytes\":512}\n" + line.replace(at, piece.size(), by));
}

}  // namespace

TEST_CASE("tree_index: a line is as the format says") {
    IndexEntry e = entry_of(EntryType::file, "a/b \"q\"");
    e.mode = 0640;
    e.uid = 1;
    e.gid = 2;
    e.mtime_ns = -5;
    e.size = 3;
    e.sha256 = sha256("abc");
    e.is_sqlite = true;
    CHECK(line_of(e) ==
          "{\"path\":\"a/b "
          "\\\"q\\\"\",\"type\":\"file\",\"mode\":\"0640\",\"uid\":1,\"gid\":2,\"mtime_ns\":-5,\"size\":3,"
          "\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"offset\":0,"
          "\"length\":512,"
          "\"sqlite\":true}\n");
}

TEST_CASE("tree_index: every kind of entry and every name comes back") {
    for (const EntryTypeName& t : kEntryTypeNames)
        for (const std::string& path :
             {std::string("a"), std::string("a\nb\x01\x7f\\\""), std::string("\xff\xfe/x"),
              std::string(kMaxTreePath, '\x01'), std::string("\xc3\xa9")}) {
            IndexEntry e = entry_of(t.type, path);
            e.mode = 07755;
            e.uid = 4'000'000'000U;
            e.device_major = t.type == EntryType::block_device ? 8 : 0;
            if (t.type == EntryType::file) e.size = 7;
            if (t.type == EntryType::file) e.truncated = 3;
            if (t.type == EntryType::hardlink) e.link = path;
            const IndexEntry r = back(e);
            CHECK(r.path == path);
            CHECK(r.link == e.link);
            CHECK(r.content_bytes() == (t.type == EntryType::file ? 3 : 0));
        }
}

TEST_CASE("tree_index: offsets count through the groups, whichever way these came") {
    std::string text;
    IndexEntry e = entry_of(EntryType::fifo, "x");
    append_segment_line(text, 1024);
    append_index_line(text, e);
    e.offset = 512;
    append_index_line(text, e);
    append_segment_line(text, 512);
    e.offset = 0;
    append_index_line(text, e);
    IndexReader reader(pull_text(text));
    CHECK(reader.next()->offset == 0);
    CHECK(reader.next()->offset == 512);
    CHECK(reader.next()->offset == 1024);
    CHECK_FALSE(reader.next());
    CHECK(reader.stream_bytes() == 1536);
}

TEST_CASE("tree_index: records that leave a gap, overlap or overrun their group are corrupt") {
    IndexEntry e = entry_of(EntryType::fifo, "x");
    const std::string group = "{\"segment_bytes\":1024}\n";
    const std::string line = line_of(e);
    refuse(line);                 // before any group
    refuse(group + line);         // not filled
    refuse(group + line + line);  // twice the same place
    refuse("{\"segment_bytes\":100}\n" + line);
    refuse(group);
    e.offset = 512;
    refuse(group + line_of(e));
    refuse("{\"segment_bytes\":18446744073709551615}\n");
    refuse("{\"segment_bytes\":-1}\n");
}

TEST_CASE("tree_index: odd lines are corrupt") {
    IndexEntry e = entry_of(EntryType::file, "path");
    e.size = 5;
    const std::string line = line_of(e);
    const auto with = [&](const std::string& piece, const std::string& by) { refuse_line(line, piece, by); };
    for (const char* path : {"/abs", "", "..", "a/../b", "a//b", "a/", "./a", "a/.", "nul\\u0000"})
        with("\"path\":\"path\"", "\"path\":\"" + std::string(path) + "\"");
    with("\"path\":\"path\"", "\"path\":\"a\",\"path_b64\":\"YQ==\"");
    with("\"path\":\"path\"", "\"path_b64\":\"Y\"");
    with("\"path\":\"path\"", "\"path_b64\":\"Li4=\"");  // ".."
    with("\"path\":\"path\"", "\"path\":\"" + std::string(kMaxTreePath + 1, 'x') + "\"");
    with("\"path\":\"path\"", "\"path\":\".\"");
    with("\"path\":\"path\",", "");
    with("\"type\":\"file\"", "\"type\":\"socket\"");
    with("\"type\":\"file\"", "\"type\":\"hardlink\"");
    with("\"mode\":\"0644\"", "\"mode\":\"0648\"");
    with("\"mode\":\"0644\"", "\"mode\":\"644\"");
    with("\"mode\":\"0644\"", "\"mode\":420");
    with("\"uid\":0", "\"uid\":4294967296");
    with("\"uid\":0", "\"uid\":-1");
    with("\"size\":5", "\"size\":5.5");
    with("\"size\":5", "\"size\":9223372036854775807");
    with("\"size\":5", "\"size\":5,\"truncated\":6");
    with("\"sha256\":\"0", "\"sha256\":\"");
    with("\"length\":512", "\"length\":511");
    with("\"length\":512", "\"length\":0");
    with("\"mtime_ns\":0", "\"mtime_ns\":9223372036854775808");
    with("}", "");
    with("\n", "");
    refuse("[]\n");
    refuse("\n");
    refuse(std::string(kMaxIndexLine + 100'000, 'x'));
    IndexEntry link = entry_of(EntryType::hardlink, "l");
    refuse_line(line_of(link), "\"link\":\"to\"", "\"link\":\"../to\"");
    refuse_line(line_of(link), "\"link\":\"to\"", "\"link\":\"\"");
}
