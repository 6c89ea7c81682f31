#include "holdfast/source/segment.hpp"

#include <doctest/doctest.h>
#include <sys/inotify.h>

#include "support/temp_dir.hpp"
#include "support/tree_tools.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

std::vector<WalkEntry> entries_of(int count, off_t bytes) {
    std::vector<WalkEntry> entries;
    for (int i = 0; i < count; ++i) {
        WalkEntry e;
        e.path = "dir/file-" + std::to_string(1'000'000 + i);
        e.st.st_mode = S_IFREG | 0644;
        e.st.st_size = bytes;
        entries.push_back(std::move(e));
    }
    return entries;
}
std::vector<std::string> last_paths(const std::vector<WalkEntry>& entries) {
    std::vector<std::string> ends;
    std::uint64_t weight = 0;
    for (const WalkEntry& e : entries) {
        weight += segment_weight(e);
        if (!ends_segment(e, weight)) continue;
        ends.push_back(e.path);
        weight = 0;
    }
    return ends;
}
/// Makes all times of the tree old enough to be trusted.
std::chrono::system_clock::time_point later() {
    return std::chrono::system_clock::now() + std::chrono::seconds{10};
}

TreeReport capture_later(const TempDir& dir, MemorySink& sink) {
    sink.tar.clear();
    sink.index.clear();
    sink.reused.clear();
    TreeOptions options;
    options.path = (dir / "in").string();
    options.start = later();
    return capture_tree(options, sink);
}

/// The key under which the segment with `path` is known.
Digest segment_key_of(const MemorySink& sink, const std::string& path) {
    for (const auto& [key, segment] : sink.known)
        if (segment.index.find("\"path\":\"" + path + "\"") != std::string::npos) return key;
    return {};
}

}  // namespace

TEST_CASE("segment: weighs 4 MiB or 1000 small entries on average, and an insertion moves one boundary") {
    for (const off_t bytes : {off_t{0}, off_t{20'000}, off_t{500'000}}) {
        std::vector<WalkEntry> entries = entries_of(200'000, bytes);
        const auto ends = last_paths(entries);
        const double average = static_cast<double>(entries.size() * segment_weight(entries[0])) /
                               static_cast<double>(ends.size());
        CHECK(average > 0.75 * static_cast<double>(kSegmentTarget));
        CHECK(average < 1.25 * static_cast<double>(kSegmentTarget));
        WalkEntry more = entries[0];
        more.path = "dir/file-1050000-inserted";
        entries.insert(entries.begin() + 50'001, more);
        const auto again = last_paths(entries);
        std::vector<std::string> differ;
        std::set_symmetric_difference(ends.begin(), ends.end(), again.begin(), again.end(),
                                      std::back_inserter(differ));
        CHECK(differ.size() <= 4);
    }
}

TEST_CASE("segment: the key follows every field of every entry") {
    std::vector<WalkEntry> entries = entries_of(3, 5);
    const Digest key = segment_key(entries, "v");
    CHECK(segment_key(entries, "v") == key);
    CHECK(segment_key(entries, "w") != key);
    const auto differs = [&](const std::function<void(WalkEntry&)>& change) {
        std::vector<WalkEntry> other = entries;
        change(other[1]);
        return segment_key(other, "v") != key;
    };
    CHECK(differs([](WalkEntry& e) { e.path += "x"; }));
    CHECK(differs([](WalkEntry& e) { e.type = EntryType::hardlink; }));
    CHECK(differs([](WalkEntry& e) { e.st.st_size = 6; }));
    CHECK(differs([](WalkEntry& e) { e.st.st_mtim.tv_nsec = 1; }));
    CHECK(differs([](WalkEntry& e) { e.st.st_ctim.tv_nsec = 1; }));
    CHECK(differs([](WalkEntry& e) { e.st.st_ino = 1; }));
    CHECK(differs([](WalkEntry& e) { e.st.st_dev = 1; }));
    CHECK(differs([](WalkEntry& e) { e.st.st_mode ^= 1; }));
    CHECK(differs([](WalkEntry& e) { e.st.st_uid = 1; }));
    CHECK(differs([](WalkEntry& e) { e.st.st_gid = 1; }));
    CHECK(differs([](WalkEntry& e) { e.link = "x"; }));
    CHECK(differs([](WalkEntry& e) { e.sidecars.emplace_back(); }));
}

TEST_CASE("segment: what was written within two seconds of the start is not trusted") {
    std::vector<WalkEntry> entries = entries_of(2, 5);
    CHECK(is_settled(entries, kRacyNs + 1));
    CHECK_FALSE(is_settled(entries, kRacyNs));
    entries[1].st.st_ctim.tv_sec = 100;
    CHECK_FALSE(is_settled(entries, 102'000'000'000));
    CHECK(is_settled(entries, 102'000'000'001));
    const TempDir dir;
    dir.write("in/f", "fresh");
    CHECK(capture(dir / "in").sink->known.empty());
}

TEST_CASE("segment: an unchanged tree is taken over without opening a file") {
    const TempDir dir;
    for (int i = 0; i < 50; ++i)
        dir.write("in/d" + std::to_string(i % 7) + "/f" + std::to_string(i), std::string(200'000, 'x'));
    dir.write("in/big", std::string(3 << 20, 'b'));
    std::filesystem::create_hard_link(dir / "in/big", dir / "in/d1/link");
    MemorySink sink;
    const TreeReport first = capture_later(dir, sink);
    CHECK(first.segments > 2);
    CHECK(first.reused_segments == 0);
    const std::string tar = sink.tar, index = sink.index;
    const UniqueFd watch{::inotify_init1(IN_NONBLOCK)};
    REQUIRE(::inotify_add_watch(watch.get(), (dir / "in").c_str(), IN_OPEN) >= 0);
    for (int i = 0; i < 7; ++i)
        REQUIRE(::inotify_add_watch(watch.get(), (dir / ("in/d" + std::to_string(i))).c_str(), IN_OPEN) >= 0);
    const TreeReport second = capture_later(dir, sink);
    CHECK(second.reused_segments == second.segments);
    CHECK(second.files == first.files);
    CHECK(second.file_bytes == first.file_bytes);
    CHECK(sink.tar == tar);
    CHECK(sink.index == index);
    alignas(struct inotify_event) std::array<char, 65536> events{};
    const ssize_t n = ::read(watch.get(), events.data(), events.size());
    for (ssize_t at = 0; at < n;) {
        struct inotify_event event {};
        std::memcpy(&event, events.data() + at, sizeof event);
        // Of a file of several names the header is read: it may be a database.
        const char* const name = events.data() + at + sizeof event;
        CHECK(((event.mask & IN_ISDIR) != 0 || (event.len > 0 && std::string_view{name} == "big")));
        at += static_cast<ssize_t>(sizeof event + event.len);
    }
}

TEST_CASE("segment: one changed file costs its segment only, and the spliced stream restores") {
    const TempDir dir;
    for (int i = 0; i < 60; ++i)
        dir.write("in/f" + std::to_string(100 + i), std::string(400'000, static_cast<char>('a' + i % 26)));
    MemorySink sink;
    capture_later(dir, sink);
    dir.write("in/f130", "changed");
    const TreeReport report = capture_later(dir, sink);
    CHECK(report.segments - report.reused_segments == 1);
    extract_all(sink, dir / "out");
    CHECK(difference(describe(dir / "in"), describe(dir / "out")) == "");
}

TEST_CASE("segment: links to a first name that was lost are not taken over from an earlier capture") {
    const TempDir dir;
    dir.write("in/a", "shared");
    dir.write("in/b", std::string(2 << 20, 'x'));  // a segment of its own between the names
    std::filesystem::create_hard_link(dir / "in/a", dir / "in/c");
    MemorySink sink;
    capture_later(dir, sink);
    // The first segment is not known, the last one is; the first name goes after the walk saw it.
    sink.known.erase(segment_key_of(sink, "a"));
    bool is_first = true;
    sink.on_segment = [&] {
        if (std::exchange(is_first, false)) std::filesystem::remove(dir / "in/a");
    };
    const TreeReport report = capture_later(dir, sink);
    CHECK(report.problem_count == 1);
    extract_all(sink, dir / "out");
    CHECK(dir.read("out/c") == "shared");
}
