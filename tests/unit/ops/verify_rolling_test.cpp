#include <doctest/doctest.h>

#include <numeric>

#include "holdfast/ops/catalog.hpp"
#include "holdfast/ops/verify.hpp"
#include "support/catch_error.hpp"
#include "support/damage.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// Two snapshots of a tree; four objects, none of them shared by accident.
struct Rolling : TestRepository {
    SourceConfig tree = source("tree", SourceKind::tree, (dir / "tree").string());
    std::string first, second;
    SystemSeconds start;
    Rolling() {
        dir.write("tree/a", std::string(as_text(noise(3'000'000))));
        first = snap({tree}).manifest.id;
        dir.write("tree/b", std::string(as_text(noise(100'000, 2))));
        second = snap({tree}).manifest.id;
        start = now_utc();
    }
    ops::VerifyReport roll(std::chrono::seconds later, std::uint64_t bytes, bool deep = false) const {
        ops::VerifyOptions options;
        options.budget = ops::Budget{bytes, std::nullopt};
        options.now = start + later;
        options.deep = deep;
        return ops::verify(repository, options);
    }
    std::size_t count_objects() const {
        std::vector<Digest> all = objects_of(repository, first);
        ops::add_names(all, objects_of(repository, second));
        return all.size();
    }
    /// Events with their result, of one snapshot.
    std::vector<std::string> lines(const std::string& snapshot) const {
        std::vector<std::string> out;
        read_ledger(repository, [&](const LedgerLine& line) {
            if (line.snapshot != snapshot || line.event == "snapshot") return;
            const JsonFields fields(line.json, "line");
            out.push_back(line.event + " " + fields.text("level") + " " + fields.text("result"));
        });
        return out;
    }
};

using Lines = std::vector<std::string>;
constexpr std::uint64_t kEverything = 1'000'000'000;
constexpr std::chrono::hours kHour{1};

}  // namespace

TEST_CASE("verify: every rolling run does at least one object, and all are done before one is done again") {
    const Rolling t;
    const std::uint64_t all = t.count_objects();
    for (std::uint64_t run = 1; run <= all; ++run) {
        const ops::VerifyReport report = t.roll(run * kHour, 1);
        CHECK(report.objects == 1);
        CHECK(report.coverage->never_count == all - run);
        CHECK(report.coverage->total_count == all);
        CHECK(report.coverage->oldest_age.has_value() == (run == all));
    }
    CHECK(t.roll((all + 1) * kHour, 1).coverage->oldest_age ==
          (all - 1) * kHour);  // the first was done again
}

TEST_CASE("verify: a rolling run stops before its budget of bytes is exceeded") {
    const Rolling t;
    const ops::VerifyReport all = t.roll(kHour, kEverything);
    CHECK(all.objects == t.count_objects());
    CHECK(all.coverage->bytes == all.coverage->total_bytes);
    CHECK(all.coverage->runs() == 1);
    const ops::VerifyReport most = t.roll(2 * kHour, all.bytes - 1);
    CHECK(most.objects < t.count_objects());
    CHECK(most.bytes < all.bytes);
    CHECK(most.coverage->runs() > 1);
}

TEST_CASE("verify: a rolling run whose time is over has done one object or component") {
    const Rolling t;
    ops::VerifyOptions options;
    options.budget = ops::Budget{std::nullopt, std::chrono::seconds{0}};
    CHECK(ops::verify(t.repository, options).objects == 1);
    options.deep = true;
    CHECK(ops::verify(t.repository, options).coverage->count == 1);
}

TEST_CASE("verify: what any other run hashed counts for the round, too") {
    const Rolling t;
    ops::VerifyOptions options;
    options.ids = {t.first};
    ops::verify(t.repository, options);
    const auto rest = t.count_objects() - objects_of(t.repository, t.first).size();
    CHECK(t.roll(kHour, 1).coverage->never_count == rest - 1);
}

TEST_CASE("verify: rolling runs record a snapshot as verified once per round") {
    const Rolling t;
    const std::uint64_t all = t.count_objects();
    const std::chrono::seconds now{0};  // as the ledger's lines are
    for (std::uint64_t run = 1; run < all; ++run) t.roll(now, 1);
    CHECK((t.lines(t.first).empty() || t.lines(t.second).empty()));
    t.roll(now, 1);
    CHECK(t.lines(t.first) == Lines{"verified plain ok"});
    CHECK(t.lines(t.second) == Lines{"verified plain ok"});
    t.roll(kHour, 1);
    CHECK(t.lines(t.first).size() + t.lines(t.second).size() == 2);
    t.roll(2 * kHour, kEverything);
    CHECK(t.lines(t.first).size() == 2);
    CHECK(t.lines(t.second).size() == 2);
}

TEST_CASE("verify: what was verified before a snapshot was written does not count for it") {
    Rolling t;
    t.roll(-kHour, kEverything);
    CHECK(t.lines(t.first).empty());
    t.roll(kHour, kEverything);
    CHECK(t.lines(t.first) == Lines{"verified plain ok"});
}

TEST_CASE("verify: a rolling run forgets objects that are gone") {
    const Rolling t;
    t.roll(kHour, kEverything);
    const auto rows = [&] {
        return Database::open_cache(verified_path(t.repository).string())
            .query_integer("SELECT count(*) FROM unit");
    };
    const auto before = rows();
    fs::remove_all(t.repository.snapshot(t.second));
    t.roll(2 * kHour, kEverything);
    CHECK(rows() < before);
    CHECK(rows() == static_cast<std::int64_t>(objects_of(t.repository, t.first).size()));
}

TEST_CASE(
    "verify: damage in a rolling run marks every snapshot that needs the object, once, until a clean round") {
    const Rolling t;
    const Manifest first = read_manifest(t.repository, t.first);
    const fs::path shared = t.repository.object(data_objects(t.repository, first.components[0]).at(0));
    flip_bit(shared);
    CHECK(t.roll(kHour, kEverything).exit_code() == 5);
    CHECK(t.roll(2 * kHour, kEverything).exit_code() == 5);
    CHECK(t.lines(t.first) == Lines{"verified plain damaged"});
    CHECK(t.lines(t.second) == Lines{"verified plain damaged"});
    CHECK(ops::read_trust(t.repository).at(t.second) == "damaged");
    flip_bit(shared);
    CHECK(t.roll(3 * kHour, kEverything).exit_code() == 0);
    CHECK(t.lines(t.first) == Lines{"verified plain damaged", "verified plain ok"});
    CHECK(ops::read_trust(t.repository).at(t.second) == "verified");
}

TEST_CASE("verify: a missing object is found by every rolling run, whenever it was verified last") {
    const Rolling t;
    t.roll(kHour, kEverything);
    fs::remove(t.repository.object(objects_of(t.repository, t.first).at(0)));
    CHECK(t.roll(2 * kHour, 1).exit_code() == 5);
}

TEST_CASE("verify: lasting damage waits its turn, so rolling runs still go through everything") {
    const Rolling t;
    flip_bit(t.repository.object(objects_of(t.repository, t.first).at(0)));
    const std::uint64_t total = t.count_objects();
    std::uint64_t left = total;
    for (std::uint64_t run = 1; run <= total; ++run) left = t.roll(run * kHour, 1).coverage->never_count;
    CHECK(left == 1);  // the damaged one: each run looked at another object
    CHECK(t.roll((total + 1) * kHour, kEverything).exit_code() == 5);
}

TEST_CASE("verify: deep rolling runs go through the components and record a deep round") {
    const Rolling t;
    const std::chrono::seconds now{0};  // as the ledger's lines are
    CHECK(t.roll(now, 1, true).coverage->total_count == 2);
    CHECK(t.lines(t.first).size() + t.lines(t.second).size() == 1);
    t.roll(now, kEverything);  // a plain round says nothing about the deep one
    t.roll(now, 1, true);
    CHECK(ops::read_trust(t.repository).at(t.first) == "verified deep");
    CHECK(ops::read_trust(t.repository).at(t.second) == "verified deep");
}

TEST_CASE("verify: damage that a deep rolling run meets is traced to its object and every snapshot") {
    const Rolling t;
    const Manifest first = read_manifest(t.repository, t.first);
    const Digest shared = data_objects(t.repository, first.components[0]).at(0);
    flip_bit(t.repository.object(shared));
    const ops::VerifyReport report = t.roll(kHour, 1, true);
    std::set<std::string> named;
    for (const ops::Finding& f : report.findings)
        if (f.item == "object " + shared.hex()) named.insert(f.snapshot);
    CHECK(named == std::set<std::string>{t.first, t.second});
}

TEST_CASE("verify: a sample takes its share of the objects and never calls a snapshot verified") {
    const Rolling t;
    ops::VerifyOptions options;
    options.all = true;
    options.share = 0.5;
    CHECK(ops::verify(t.repository, options).objects == (t.count_objects() + 1) / 2);
    CHECK(t.lines(t.first) == Lines{"sampled plain ok"});
    CHECK_FALSE(ops::read_trust(t.repository).contains(t.first));
    for (const Digest& name : objects_of(t.repository, t.second)) flip_bit(t.repository.object(name));
    options.ids = {t.second};
    options.all = false;
    options.share = 0.01;
    CHECK(ops::verify(t.repository, options).exit_code() == 5);
    CHECK(ops::read_trust(t.repository).at(t.second) == "damaged");
}

TEST_CASE("portion: a share is rounded up and chosen by chance, in order") {
    std::vector<int> all(100);
    std::iota(all.begin(), all.end(), 0);
    CHECK(ops::random_share(all, 0.001).size() == 1);
    CHECK(ops::random_share(all, 1).size() == 100);
    CHECK(ops::random_share(std::vector<int>{}, 0.5).empty());
    std::set<std::vector<int>> seen;
    for (int i = 0; i < 5; ++i) {
        const std::vector<int> some = ops::random_share(all, 0.2);
        CHECK(some.size() == 20);
        CHECK(std::is_sorted(some.begin(), some.end()));
        seen.insert(some);
    }
    CHECK(seen.size() > 1);
}
