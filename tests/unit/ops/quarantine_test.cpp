#include "holdfast/ops/quarantine.hpp"

#include <doctest/doctest.h>

#include "holdfast/ops/restore.hpp"
#include "holdfast/ops/verify.hpp"
#include "support/catch_error.hpp"
#include "support/damage.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Quarantine : TestRepository {
    SourceConfig tree = source("tree", SourceKind::tree, (dir / "tree").string());
    Manifest manifest;
    Digest object;  // that holds the tree's data
    Quarantine() {
        dir.write("tree/a", std::string(as_text(noise(300'000))));
        manifest = snap({tree}).manifest;
        object = data_objects(repository, manifest.components[0]).at(0);
    }
    fs::path path() const { return repository.object(object); }
    fs::path moved(const std::string& suffix = "") const {
        return repository.quarantine() / (object.hex() + suffix);
    }
    ops::VerifyReport verify(bool with_quarantine = true) const {
        ops::VerifyOptions options;
        options.all = true;
        options.quarantine = with_quarantine;
        options.lock_wait = std::chrono::seconds{0};
        return ops::verify(repository, options);
    }
    std::vector<ops::Quarantined> quarantine(ops::ObjectState seen) const {
        std::vector<ops::Quarantined> moved;
        const std::vector<ops::BadObject> bad = {{object, seen, "was bad"}};
        ops::quarantine(repository, bad, std::chrono::seconds{0}, moved);
        return moved;
    }
    std::uint64_t count_events(const std::string& event) const {
        std::uint64_t count = 0;
        read_ledger(repository, [&](const LedgerLine& line) { count += line.event == event ? 1U : 0U; });
        return count;
    }
};

}  // namespace

TEST_CASE("quarantine: a damaged object is moved, recorded, and stored anew by the next snap") {
    Quarantine t;
    flip_bit(t.path());
    const std::string damaged = t.dir.read("repo/" + Repository::object_path(t.object.hex()));
    const ops::VerifyReport report = t.verify();
    CHECK(report.exit_code() == 5);
    REQUIRE(report.quarantined.size() == 1);
    CHECK(report.quarantined[0].object == t.object);
    CHECK_FALSE(fs::exists(t.path()));
    CHECK(t.dir.read("repo/quarantine/" + t.object.hex()) == damaged);
    CHECK(t.count_events("quarantined") == 1);
    const Manifest healed = t.snap({t.tree}).manifest;
    CHECK(t.verify().findings.empty());  // the name came back, so the first snapshot is whole, too
    ops::RestoreOptions restore;
    restore.target = t.target();
    ops::restore(t.repository, read_checked_manifest(t.repository, t.manifest.id), restore);
    CHECK(t.dir.read("restored/tree/a") == t.dir.read("tree/a"));
}

TEST_CASE("quarantine: nothing is moved unless it was asked for") {
    Quarantine t;
    flip_bit(t.path());
    CHECK(t.verify(false).quarantined.empty());
    CHECK(fs::exists(t.path()));
}

TEST_CASE("quarantine: what was there before is never overwritten") {
    Quarantine t;
    for (const char* suffix : {"", ".1", ".2"}) {
        flip_bit(t.path());
        CHECK(t.verify().quarantined.at(0).file == t.object.hex() + suffix);
        CHECK(fs::exists(t.moved(suffix)));
        t.snap({t.tree});
        REQUIRE(fs::exists(t.path()));
    }
}

TEST_CASE("quarantine: what was healed between the two looks stays") {
    Quarantine t;
    CHECK(t.quarantine(ops::ObjectState::damaged).empty());
    CHECK(fs::exists(t.path()));
}

TEST_CASE("quarantine: a missing object stays a finding and moves nothing") {
    Quarantine t;
    fs::remove(t.path());
    const ops::VerifyReport report = t.verify();
    CHECK(report.exit_code() == 5);
    CHECK(report.quarantined.empty());
    CHECK(report.notes.empty());
}

TEST_CASE("quarantine: what is no file at all is moved, and a FIFO does not hold verify up") {
    for (const int kind : {0, 1, 2}) {
        Quarantine t;
        fs::remove(t.path());
        if (kind == 0) fs::create_directory(t.path());
        if (kind == 1) fs::create_symlink("/dev/zero", t.path());
        if (kind == 2) REQUIRE(::mkfifo(t.path().c_str(), 0600) == 0);
        CHECK(t.verify().quarantined.size() == 1);
        CHECK(fs::symlink_status(t.path()).type() == fs::file_type::not_found);
        CHECK(fs::symlink_status(t.moved()).type() != fs::file_type::not_found);
        t.snap({t.tree});
        CHECK(t.verify().findings.empty());
    }
}

TEST_CASE(
    "quarantine: while somebody else has the repository nothing is moved, and verify says what it found") {
    Quarantine t;
    flip_bit(t.path());
    const FileLock snap = t.repository.lock(LockMode::shared, std::chrono::seconds{0});
    CHECK(catch_error([&] { t.quarantine(ops::ObjectState::damaged); }).kind() == Kind::busy);
    const ops::VerifyReport report = t.verify();
    CHECK(report.exit_code() == 5);
    CHECK(report.quarantined.empty());
    REQUIRE(report.notes.size() == 1);
    CHECK(contains(report.notes[0], "not every damaged object was moved"));
    CHECK(fs::exists(t.path()));
}
