// What retired objects cost and save: a database that changes a little every day, and sources that do not change.
#include "holdfast/ops/snap.hpp"

#include <doctest/doctest.h>
#include <sys/inotify.h>

#include <algorithm>

#include "holdfast/ops/prune.hpp"
#include "holdfast/ops/restore.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::noise;
using holdfast::testing::run_sql;
using holdfast::testing::TestRepository;

namespace {

// Each day of this test is three: 3 % of the pages change, and ten snapshots are kept instead of thirty. What decides is how
// much of an object is still in use, and that is the same: 0.97^n is within a hundredth of 0.99^3n for all n, a half after 23
// of these days as after 69 real ones. 365 snapshots with 1 % each pass the same checks, in several times the time.
constexpr std::int64_t kPercent = 3;
constexpr std::size_t kKept = 10;
constexpr std::size_t kYear = 365 / 3;

/// A database of one row per page; the rows compress to about a half.
class Trades {
public:
    Trades(const fs::path& path, std::int64_t rows) : db_(Database::open_cache(path.string())), rows_(rows) {
        db_.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT); BEGIN");
        for (std::int64_t id = 1; id <= rows_; ++id) write(id);
        db_.execute("COMMIT");
    }
    /// Changes rows anywhere.
    void change() {
        db_.execute("BEGIN");
        for (std::int64_t i = 0; i < rows_ * kPercent / 100; ++i)
            write(1 + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(rows_)));
        db_.execute("COMMIT");
    }

private:
    std::uint64_t next() {
        seed_ = seed_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return seed_ >> 33;
    }
    void write(std::int64_t id) {
        Statement q = db_.prepare("INSERT OR REPLACE INTO t VALUES(?1, ?2)");
        const std::string text = to_hex(noise(1900, next()));
        q.bind(1, id);
        q.bind(2, std::string_view(text));
        q.step();
    }
    Database db_;
    std::int64_t rows_;
    std::uint64_t seed_ = 1;
};

std::uint64_t object_bytes(const Repository& repository) {
    std::uint64_t total = 0;
    for (const auto& entry : fs::recursive_directory_iterator(repository.root() / "objects"))
        if (entry.is_regular_file()) total += entry.file_size();
    return total;
}

struct Day {
    std::uint64_t added_bytes = 0;    // to the repository by the snapshot
    std::uint64_t changed_bytes = 0;  // of them: new data
    std::uint64_t stored_bytes = 0;   // of all objects, on the day of a prune
};

/// A snapshot a day and a prune every fifth. Ends before `days` if `until` says so.
std::vector<Day> simulate(const TestRepository& t, std::int64_t rows, std::size_t days, double retire_below,
                          const std::function<bool(const std::vector<Day>&)>& until = {}) {
    Trades trades(t.dir / "t.db", rows);
    ops::SnapOptions options;
    options.sources = {t.source("trades", SourceKind::sqlite, (t.dir / "t.db").string())};
    options.level = 1;
    options.retire_below = retire_below;
    ops::PruneOptions prune;
    prune.policy.retention.keep[0] = KeepRule{kKept, {}};
    prune.policy.configured = {"trades"};
    prune.policy.empty_trash = true;
    std::vector<Day> all;
    for (std::size_t day = 0; day < days && !(until && until(all)); ++day) {
        if (day != 0) trades.change();
        const Manifest m = ops::snap(t.repository, options).manifest;
        REQUIRE(m.state() == "complete");
        all.push_back({m.stored_bytes, *m.components[0].new_stored_bytes, 0});
        if (day % 5 != 0) continue;
        prune.policy.now = now_utc();
        ops::prune(t.repository, prune);
        all.back().stored_bytes = object_bytes(t.repository);
    }
    return all;
}

/// With 1 % a day: what is left in an object is a half after 69 days, since 0.99^69 is a half, and is then stored anew. So
/// a day stores 2 % in the long run, and the newest snapshot needs 69 days of it: 1.4 images. When the first full copy is
/// retired its half is there twice, with 69 days of 1 %: 2.2, and some more for what was retired since until the last
/// snapshot that needs the copy goes. 2.5, and on top the changes of all days that are kept.
std::uint64_t bound(const std::vector<Day>& days) {
    std::uint64_t changes = 0;
    for (std::size_t i = days.size() - std::min(kKept, days.size() - 1); i < days.size(); ++i)
        changes += days[i].changed_bytes;
    return days[0].added_bytes * 5 / 2 + changes;
}
bool is_broken(const std::vector<Day>& days) {
    return !days.empty() && days.back().stored_bytes > bound(days);
}

}  // namespace

TEST_CASE("retirement: a year of daily changes is stored in a few times the size of the database") {
    TestRepository t;
    const std::vector<Day> year = simulate(t, 1000, kYear, kRetireBelow);
    for (std::size_t day = 1; day < year.size(); ++day) {
        CAPTURE(day);
        CHECK(year[day].stored_bytes <=
              bound({year.begin(), year.begin() + static_cast<std::ptrdiff_t>(day) + 1}));
        CHECK(year[day].added_bytes <= year[day].changed_bytes + kRetireAtLeast + 256_KiB);  // and the recipe
    }
    ops::RestoreOptions restore;
    restore.target = t.target();
    ops::restore(t.repository, find_snapshot(t.repository, "latest"), restore);
    CHECK(t.dir.read("restored/trades") == t.dir.read("t.db"));
}

TEST_CASE("retirement: without it the same changes keep every old object") {
    TestRepository t;
    CHECK(is_broken(simulate(t, 1000, kYear, 0, is_broken)));
}

namespace {

/// Makes the cache believe that an object is hardly used.
void forget_most_uses(const TestRepository& t) {
    run_sql(cache_folder(t.repository) / "index.db", "UPDATE object_use SET used_bytes = 1");
}
std::set<Digest> objects_of(const TestRepository& t, const Manifest& m) {
    const Checksums sums = read_checksums(t.repository.snapshot(m.id) / "SHA256SUMS");
    return {sums.objects.begin(), sums.objects.end()};
}
bool share_objects(const TestRepository& t, const Manifest& a, const Manifest& b) {
    const std::set<Digest> of_a = objects_of(t, a), of_b = objects_of(t, b);
    return std::any_of(of_a.begin(), of_a.end(), [&](const Digest& d) { return of_b.contains(d); });
}
void check_restores(const TestRepository& t, const Manifest& m, const std::string& component,
                    const std::string& file) {
    fs::remove_all(t.target());
    ops::RestoreOptions restore;
    restore.target = t.target();
    ops::restore(t.repository, read_checked_manifest(t.repository, m.id), restore);
    CHECK(t.dir.read("restored/" + component) == t.dir.read(file));
}

/// Counts how often files are opened.
class Opens {
public:
    void watch(const fs::path& path) {
        if (::inotify_add_watch(fd_.get(), path.c_str(), IN_OPEN) < 0) throw_os("watch");
    }
    std::size_t count() const {
        alignas(inotify_event) char buffer[65536];
        std::size_t opens = 0;
        for (ssize_t n; (n = ::read(fd_.get(), buffer, sizeof buffer)) > 0;)
            for (ssize_t at = 0; at < n;) {
                const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
                opens += (event->mask & IN_ISDIR) == 0 ? 1 : 0;
                at += static_cast<ssize_t>(sizeof *event + event->len);
            }
        return opens;
    }

private:
    UniqueFd fd_{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
};

/// A database and a tree that were not touched for a while, stored beside a file that is gone since.
struct Unchanged : TestRepository {
    std::vector<SourceConfig> sources = {source("trades", SourceKind::sqlite, (dir / "t.db").string()),
                                         source("tree", SourceKind::tree, (dir / "tree").string())};
    Unchanged() {
        Trades(dir / "t.db", 500);
        dir.write("tree/big", std::string(as_text(noise(3'000'000))));
        dir.write("tree/small", "small");
        dir.write("tree/dead", std::string(as_text(noise(2'000'000, 2))));
        snap(sources);
        fs::remove(dir / "tree/dead");
        ::sleep(3);  // younger times prove nothing
    }
};

}  // namespace

TEST_CASE("retirement: sources that did not change are not read for it, and soon there is nothing to do") {
    Unchanged t;
    const Manifest first = t.snap(t.sources).manifest;
    forget_most_uses(t);
    Opens in_tree, of_database;
    in_tree.watch(t.dir / "tree");
    of_database.watch(t.dir / "t.db");
    const Manifest second = t.snap(t.sources).manifest;
    CHECK(in_tree.count() == 0);
    CHECK(of_database.count() == 1);  // for its change counter
    CHECK_FALSE(share_objects(t, first, second));
    CHECK(second.new_bytes() == 0);
    CHECK(second.stored_bytes > 3'000'000);
    check_restores(t, second, "trades", "t.db");
    check_restores(t, second, "tree/big", "tree/big");
    const Manifest third = t.snap(t.sources).manifest;
    CHECK(third.stored_bytes == 0);
    CHECK(objects_of(t, third) == objects_of(t, second));
}

TEST_CASE("retirement: a tree that is read anyway stores known chunks again, and does not call them new") {
    Unchanged t;
    const Manifest first = t.snap(t.sources).manifest;
    forget_most_uses(t);
    fs::last_write_time(t.dir / "tree/big", fs::file_time_type::clock::now());
    const Manifest second = t.snap(t.sources).manifest;
    CHECK_FALSE(share_objects(t, first, second));
    CHECK(second.new_bytes() < 1_MiB);  // the chunk with the changed header
    check_restores(t, second, "tree/big", "tree/big");
}

TEST_CASE("retirement: an object that cannot be read stays in use") {
    Unchanged t;
    const Manifest first = t.snap(t.sources).manifest;
    forget_most_uses(t);
    for (const Digest& name : objects_of(t, first)) {
        std::string bytes = read_file(t.repository.object(name), kMaxStoredBytes);
        bytes[0] = static_cast<char>(bytes[0] ^ 1);
        publish_file(t.repository.object(name), as_bytes(bytes));
    }
    const ops::SnapReport report = t.snap(t.sources);
    CHECK(report.manifest.missing.empty());
    CHECK(report.manifest.components[1].tree->files == 2);
}

TEST_CASE("retirement: a run of some sources leaves alone what others use too") {
    Unchanged t;
    const Manifest first = t.snap(t.sources).manifest;
    forget_most_uses(t);
    CHECK(t.snap({t.sources[0]}).manifest.stored_bytes < 1_MiB);
    CHECK_FALSE(share_objects(t, first, t.snap(t.sources).manifest));
}

TEST_CASE("retirement: a lost cache is filled with what the newest snapshots use") {
    Unchanged t;
    t.snap(t.sources);
    const auto uses = [&] { return Cache(cache_folder(t.repository)).object_uses(); };
    const std::vector<ObjectUse> before = uses();
    CHECK(before.size() >= 2);
    fs::remove_all(cache_folder(t.repository));
    t.snap({t.sources[0]});
    std::vector<ObjectUse> after = uses();
    std::erase_if(after, [](const ObjectUse& use) { return use.component == "trades"; });
    std::vector<ObjectUse> tree = before;
    std::erase_if(tree, [](const ObjectUse& use) { return use.component == "trades"; });
    CHECK(after == tree);
}
