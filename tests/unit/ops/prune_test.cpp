#include "holdfast/ops/prune.hpp"

#include <doctest/doctest.h>

#include "holdfast/ops/restore.hpp"
#include "holdfast/ops/verify.hpp"
#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::contains;
using holdfast::testing::noise;
using std::chrono::days;

namespace {

/// A tree of one file, which every snapshot() replaces.
struct Pruning : holdfast::testing::TestRepository {
    std::vector<std::string> ids;  // oldest first

    explicit Pruning(std::size_t snapshots) {
        fs::create_directory(dir / "tree");
        for (std::size_t i = 0; i < snapshots; ++i) snapshot();
    }
    void snapshot() {
        const Bytes content = noise(3000, ids.size() + 1);
        fs::remove(dir / "tree/file");
        write_new_file(dir / "tree/file", content);
        ids.push_back(snap({source("tree", SourceKind::tree, dir / "tree")}).manifest.id);
    }
    ops::PruneOptions keep_last(std::uint64_t count, std::chrono::seconds grace = days{7}) const {
        ops::PruneOptions options;
        options.policy.retention.keep[0] = KeepRule{count, {}};
        options.policy.retention.min_keep = 1;
        options.policy.retention.grace = grace;
        options.policy.configured = {"tree"};
        options.policy.now = now_utc();
        return options;
    }
    std::set<std::string> present() const {
        const std::vector<std::string> all = list_snapshot_ids(repository);
        return {all.begin(), all.end()};
    }
    std::size_t objects() const {
        std::size_t count = 0;
        for (const auto& entry : fs::recursive_directory_iterator(repository.root() / "objects"))
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }
    /// Every snapshot that is there holds what it held when it was taken.
    void check_contents() const {
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (!fs::is_directory(repository.snapshot(ids[i]))) continue;
            ops::RestoreOptions options;
            options.target = dir / ("restored." + ids[i]);
            ops::restore(repository, read_checked_manifest(repository, ids[i]), options);
            CHECK(as_bytes(read_file(options.target / "tree/file", 1_MiB)).size() == 3000);
            CHECK(read_file(options.target / "tree/file", 1_MiB) == as_text(noise(3000, i + 1)));
            fs::remove_all(options.target);
        }
    }
    ops::VerifyReport verify_all() const {
        ops::VerifyOptions options;
        options.all = true;
        options.deep = true;
        return ops::verify(repository, options);
    }
};

}  // namespace

TEST_CASE("prune: what the policy does not keep waits in the trash, whole") {
    const Pruning p(5);
    const std::size_t before = p.objects();
    const ops::PruneReport report = ops::prune(p.repository, p.keep_last(2));
    CHECK(report.trashed == std::vector<std::string>{p.ids[2], p.ids[1], p.ids[0]});
    CHECK(report.kept == 2);
    CHECK(p.present() == std::set<std::string>{p.ids[3], p.ids[4]});
    CHECK(p.objects() == before);
    CHECK(report.plan.trash_bytes > 6000);
    CHECK(p.verify_all().findings.empty());
    p.check_contents();
}

TEST_CASE("prune: after the time of grace the objects that nobody needs are removed, and only those") {
    const Pruning p(5);
    ops::PruneOptions options = p.keep_last(2, std::chrono::hours{1});
    const std::uint64_t planned = ops::plan_prune(p.repository, options.policy).frees_bytes();
    ops::prune(p.repository, options);
    options.policy.now += std::chrono::minutes{59};
    CHECK(ops::prune(p.repository, options).objects == 0);
    options.policy.now += std::chrono::minutes{2};
    const ops::PruneReport report = ops::prune(p.repository, options);
    CHECK(report.gone.size() == 3);
    CHECK(report.freed_bytes == planned);
    CHECK(list_trash(p.repository).empty());
    CHECK(ops::stats(p.repository).unreferenced_objects == 0);
    CHECK(p.verify_all().findings.empty());
    p.check_contents();
}

TEST_CASE("prune: objects that a crashed run left behind are removed") {
    const Pruning p(1);
    const Bytes stray = noise(100);
    const fs::path path = p.repository.object(sha256(stray));
    write_new_file(path, stray);
    CHECK(ops::prune(p.repository, p.keep_last(1)).objects == 1);
    CHECK_FALSE(fs::exists(path));
    p.check_contents();
}

TEST_CASE("prune: twice changes nothing more") {
    const Pruning p(6);
    ops::prune(p.repository, p.keep_last(3, std::chrono::seconds{0}));
    const ops::PruneReport again = ops::prune(p.repository, p.keep_last(3, std::chrono::seconds{0}));
    CHECK(again.trashed.empty());
    CHECK(again.objects == 0);
    CHECK(p.present().size() == 3);
}

TEST_CASE("prune: without a policy every snapshot is kept") {
    const Pruning p(3);
    ops::PruneOptions options = p.keep_last(1);
    options.policy.retention = {};
    CHECK(ops::prune(p.repository, options).trashed.empty());
}

TEST_CASE("prune: undelete brings a snapshot back, whole and pinned") {
    const Pruning p(4);
    ops::PruneOptions options = p.keep_last(1);
    ops::prune(p.repository, options);
    ops::undelete(p.repository, p.ids[0], options.policy.now + days{30}, std::chrono::seconds{0});
    CHECK(p.present() == std::set<std::string>{p.ids[0], p.ids[3]});
    CHECK(p.verify_all().findings.empty());
    p.check_contents();
    CHECK(ops::prune(p.repository, options).trashed.empty());
    ops::unpin(p.repository, p.ids[0], std::chrono::seconds{0});
    CHECK(ops::prune(p.repository, options).trashed == std::vector<std::string>{p.ids[0]});
    CHECK(p.verify_all().findings.empty());
}

TEST_CASE("prune: what has left the trash does not come back; what lost an object does, and says which") {
    const Pruning p(3);
    ops::prune(p.repository, p.keep_last(1));
    fs::rename(p.repository.trash() / p.ids[0], p.repository.trash() / (p.ids[0] + ".gone"));
    const auto undelete = [&](const std::string& id) {
        return catch_error([&] { ops::undelete(p.repository, id, now_utc(), std::chrono::seconds{0}); });
    };
    CHECK(undelete(p.ids[0]).kind() == Kind::refused);
    const auto objects = read_checksums(p.repository.trash() / p.ids[1] / "SHA256SUMS").objects;
    fs::remove(p.repository.object(objects[0]));
    CHECK(ops::undelete(p.repository, p.ids[1], now_utc(), std::chrono::seconds{0}) ==
          std::vector<Digest>{objects[0]});
    CHECK(undelete(p.ids[2]).kind() == Kind::not_found);
}

TEST_CASE("prune: a snapshot that has to stay cannot be forgotten, and then nothing is") {
    const Pruning p(3);
    ops::PruneOptions options = p.keep_last(3);
    options.policy.unwanted = {p.ids[0], p.ids[2]};
    const Error e = catch_error([&] { ops::prune(p.repository, options); });
    CHECK(e.kind() == Kind::refused);
    CHECK(contains(e.what(), p.ids[2] + " has to stay"));
    CHECK(p.present().size() == 3);
}

TEST_CASE("prune: a pin keeps a snapshot that the policy would remove") {
    const Pruning p(4);
    ops::pin(p.repository, p.ids[1], {now_utc() + days{1}, "audit"}, std::chrono::seconds{0});
    ops::prune(p.repository, p.keep_last(1));
    CHECK(p.present() == std::set<std::string>{p.ids[1], p.ids[3]});
    CHECK(catch_error([&] {
              ops::pin(p.repository, p.ids[0], {now_utc(), ""}, std::chrono::seconds{0});
          }).kind() == Kind::not_found);
}

TEST_CASE("prune: a plan is applied as approved, and refused when the catalog changed") {
    Pruning p(5);
    ops::PruneOptions options = p.keep_last(2);
    const ops::PrunePlan plan = ops::plan_prune(p.repository, options.policy);
    options.policy.approved = ops::ApprovedPlan{p.repository.id(), plan.catalog, {p.ids[0]}};
    CHECK(ops::prune(p.repository, options).trashed == std::vector<std::string>{p.ids[0]});

    CHECK(catch_error([&] { ops::prune(p.repository, options); }).kind() == Kind::refused);
    options.policy.approved->catalog = ops::plan_prune(p.repository, p.keep_last(2).policy).catalog;
    options.policy.approved->removals = {p.ids[4]};
    CHECK(contains(catch_error([&] { ops::prune(p.repository, options); }).what(), "is to be kept"));
    options.policy.approved->removals = {p.ids[0]};
    CHECK(contains(catch_error([&] { ops::prune(p.repository, options); }).what(), "does not exist"));
    options.policy.approved = ops::ApprovedPlan{"other", plan.catalog, {}};
    CHECK(contains(catch_error([&] { ops::prune(p.repository, options); }).what(), "another repository"));
    CHECK(p.present().size() == 4);
}

TEST_CASE("prune: nothing moves when it is not known what a snapshot needs") {
    const Pruning p(4);
    const fs::path sums = p.repository.snapshot(p.ids[3]) / "SHA256SUMS";
    const std::string text = read_file(sums, 1_MiB);
    const auto refuses = [&](const std::string& damaged) {
        fs::remove(sums);
        write_new_file(sums, as_bytes(damaged));
        const Error e =
            catch_error([&] { ops::prune(p.repository, p.keep_last(1, std::chrono::seconds{0})); });
        CHECK(e.kind() == Kind::corrupt);
        CHECK(contains(e.what(), "nothing removed"));
        CHECK(p.present().size() == 4);
    };
    refuses(text.substr(0, text.size() / 2));
    refuses(text.substr(text.find('\n') + 1));  // one object less, all lines whole
    refuses("");
    fs::remove(sums);
    CHECK_THROWS_AS(ops::prune(p.repository, p.keep_last(1)), const Error&);
    write_new_file(sums, as_bytes(text));
    p.check_contents();
}

TEST_CASE("prune: a damaged snapshot stays until somebody gives it up") {
    const Pruning p(4);
    fs::remove(p.repository.snapshot(p.ids[1]) / "manifest.json");
    ops::PruneOptions options = p.keep_last(1);
    CHECK(ops::prune(p.repository, options).trashed == std::vector<std::string>{p.ids[2], p.ids[0]});
    fs::remove(p.repository.snapshot(p.ids[1]) / "SHA256SUMS");
    CHECK(catch_error([&] { ops::prune(p.repository, options); }).kind() == Kind::corrupt);
    options.policy.unwanted = {p.ids[1]};
    CHECK(ops::prune(p.repository, options).gone ==
          std::vector<std::string>{p.ids[1]});  // the others have grace
    CHECK(list_trash(p.repository).size() == 2);
    fs::remove(p.repository.trash() / p.ids[0] / "SHA256SUMS");
    options.policy.unwanted = {};
    CHECK(contains(catch_error([&] { ops::prune(p.repository, options); }).hint(), "prune --empty-trash"));
    options.policy.empty_trash = true;
    CHECK(ops::prune(p.repository, options).gone.size() == 2);
    CHECK(p.present() == std::set<std::string>{p.ids[3]});
    p.check_contents();
}

TEST_CASE("prune: pins are not lost with a damaged ledger") {
    const Pruning p(3);
    ops::pin(p.repository, p.ids[0], {now_utc() + days{1}, ""}, std::chrono::seconds{0});
    std::string text = read_file(p.repository.ledger(), 1_MiB);
    text.replace(text.find("pinned"), 6, "pinnad");
    publish_file(p.repository.ledger(), as_bytes(text + text.substr(0, text.find('\n') + 1)));
    ops::PruneOptions options = p.keep_last(1);
    CHECK(catch_error([&] { ops::prune(p.repository, options); }).kind() == Kind::corrupt);
    CHECK(p.present().size() == 3);
    options.policy.damaged_history_is_fine = true;
    CHECK(ops::prune(p.repository, options).trashed.size() == 2);
}

TEST_CASE("prune: a ledger from before a pin was set is refused until somebody takes it as it is") {
    const Pruning p(3);
    const std::string before = read_file(p.repository.ledger(), 1_MiB);
    ops::pin(p.repository, p.ids[0], {now_utc() + days{1}, ""}, std::chrono::seconds{0});
    const std::string pinned = read_file(p.repository.ledger(), 1_MiB);
    publish_file(p.repository.ledger(), as_bytes(before));
    ops::PruneOptions options = p.keep_last(1);
    for (int i = 0; i < 2; ++i) {  // what verify and snap append does not hide it
        CHECK(contains(catch_error([&] { ops::prune(p.repository, options); }).what(), "lacks lines"));
        const ops::VerifyReport report = p.verify_all();
        CHECK(report.exit_code() == static_cast<int>(Kind::partial));
        CHECK(contains(report.findings.at(0).what, "lacks lines"));
        CHECK(contains(p.snap({p.source("tree", SourceKind::tree, p.dir / "tree")}).notes.at(0),
                       "lacks lines"));
    }
    CHECK(p.present().size() == 5);

    publish_file(p.repository.ledger(), as_bytes(pinned));  // put back: only later lines are missing
    CHECK(ops::read_pins(p.repository).contains(p.ids[0]));
    publish_file(p.repository.ledger(), as_bytes(before));
    options.policy.damaged_history_is_fine = true;
    CHECK(ops::prune(p.repository, options).trashed.size() == 4);
    CHECK(p.verify_all().findings.empty());
    options.policy.damaged_history_is_fine = false;
    CHECK(ops::prune(p.repository, options).trashed.empty());
}

TEST_CASE("prune: a crash between the ledger and the host's memory of it is no reason to refuse") {
    const Pruning p(3);
    const std::string memory = read_file(state_path(p.repository), 64_KiB);
    ops::pin(p.repository, p.ids[0], {now_utc() + days{1}, ""}, std::chrono::seconds{0});
    CHECK(read_file(state_path(p.repository), 64_KiB) != memory);
    publish_file(state_path(p.repository), as_bytes(memory));
    CHECK(p.verify_all().findings.empty());
    CHECK(ops::prune(p.repository, p.keep_last(1)).trashed == std::vector<std::string>{p.ids[1]});
    fs::remove(state_path(p.repository));
    CHECK(p.verify_all().findings.empty());
}

TEST_CASE("prune: whose needs are known can be told from the files of the snapshot alone") {
    const Pruning p(1);
    const fs::path folder = p.repository.snapshot(p.ids[0]);
    const auto with = [&](const std::string& sums) {
        publish_file(folder / "SHA256SUMS", as_bytes(sums));
        return ops::detail::has_known_needs(folder);
    };
    const std::string whole = read_file(folder / "SHA256SUMS", 1_MiB);
    CHECK(with(whole));
    CHECK_FALSE(with(whole.substr(whole.find('\n') + 1)));  // one object less
    CHECK_FALSE(with(whole + "?\n"));
    CHECK_FALSE(with(""));
    CHECK(with(whole));
    fs::remove(folder / "manifest.json");  // nothing contradicts it
    CHECK(ops::detail::has_known_needs(folder));
    fs::remove(folder / "SHA256SUMS");
    CHECK_FALSE(ops::detail::has_known_needs(folder));
    fs::create_directory(folder / "SHA256SUMS");
    CHECK_FALSE(ops::detail::has_known_needs(folder));
    CHECK_FALSE(ops::detail::has_known_needs(p.repository.snapshot("20200101T000000Z-abcdef")));
}

TEST_CASE("prune: an object that a removed and a kept-back snapshot share stays with an edited plan") {
    Pruning p(3);
    p.ids.push_back(
        p.snap({p.source("tree", SourceKind::tree, p.dir / "tree")}).manifest.id);  // as the third
    p.snapshot();
    ops::PruneOptions options = p.keep_last(1, std::chrono::seconds{0});
    const ops::PrunePlan plan = ops::plan_prune(p.repository, options.policy);
    options.policy.approved = ops::ApprovedPlan{p.repository.id(), plan.catalog, {p.ids[3]}};
    CHECK(ops::prune(p.repository, options).gone == std::vector<std::string>{p.ids[3]});
    CHECK(p.present() == std::set<std::string>{p.ids[0], p.ids[1], p.ids[2], p.ids[4]});
    CHECK(p.verify_all().findings.empty());
}

TEST_CASE("prune: a move to the trash that the ledger missed is recorded by the next prune") {
    const Pruning p(3);
    move_to_trash(p.repository, {p.ids[0]}, now_utc());
    CHECK(p.verify_all().findings.empty());
    ops::prune(p.repository, p.keep_last(2, std::chrono::seconds{0}));
    CHECK(list_trash(p.repository).empty());
    CHECK(p.verify_all().findings.empty());
}

TEST_CASE(
    "prune: a repository that lost a snapshot, or was rolled back, is left alone until somebody gives it "
    "up") {
    const Pruning p(4);
    ops::PruneOptions options = p.keep_last(4, std::chrono::seconds{0});
    fs::rename(p.repository.snapshot(p.ids[1]), p.dir / "lost");
    const Error e = catch_error([&] { ops::prune(p.repository, options); });
    CHECK(e.kind() == Kind::corrupt);
    CHECK(contains(e.what(), p.ids[1] + ": has vanished"));
    fs::rename(p.dir / "lost", p.repository.snapshot(p.ids[1]));
    p.check_contents();

    fs::rename(p.repository.snapshot(p.ids[1]), p.dir / "lost");
    options.policy.unwanted = {p.ids[1]};
    CHECK(ops::prune(p.repository, options).objects > 0);
    CHECK(p.verify_all().findings.empty());

    fs::rename(p.repository.snapshot(p.ids[3]), p.dir / "newest");
    options.policy.unwanted = {};
    CHECK(catch_error([&] { ops::prune(p.repository, options); }).kind() == Kind::corrupt);
}

TEST_CASE("prune: a manifest that somebody edited removes nothing") {
    const Pruning p(3);
    const fs::path path = p.repository.snapshot(p.ids[1]) / "manifest.json";
    std::string text = read_file(path, 1_MiB);
    text.replace(text.find("\"number\": 2"), 11, "\"number\": 9");
    publish_file(path, as_bytes(text));
    CHECK(catch_error([&] { ops::prune(p.repository, p.keep_last(1)); }).kind() == Kind::corrupt);
    CHECK(p.present().size() == 3);
}

TEST_CASE(
    "prune: foreign files in the repository are left alone, an older copy in the trash is no obstacle") {
    const Pruning p(3);
    write_new_file(p.repository.root() / "objects/README", as_bytes("not ours"));
    fs::create_directory(p.repository.root() / "objects/lost+found");
    make_directory(p.repository.trash());
    fs::copy(p.repository.snapshot(p.ids[0]), p.repository.trash() / p.ids[0], fs::copy_options::recursive);
    CHECK(ops::prune(p.repository, p.keep_last(1, std::chrono::seconds{0})).gone.size() == 2);
    CHECK(fs::exists(p.repository.root() / "objects/README"));
    CHECK(p.verify_all().findings.empty());
    p.check_contents();
}

TEST_CASE("prune: a clock that jumped ahead does not empty the trash") {
    const Pruning p(3);
    ops::PruneOptions options = p.keep_last(1);
    ops::prune(p.repository, options);
    options.policy.now += days{3650};
    CHECK(ops::prune(p.repository, options).gone.empty());
    CHECK(list_trash(p.repository).size() == 2);
}

TEST_CASE("prune: the plan says what leaves the trash") {
    const Pruning p(3);
    ops::PruneOptions options = p.keep_last(1);
    ops::prune(p.repository, options);
    CHECK(ops::plan_prune(p.repository, options.policy).leaving.empty());
    options.policy.empty_trash = true;
    const ops::PrunePlan plan = ops::plan_prune(p.repository, options.policy);
    CHECK(plan.leaving.size() == 2);
    CHECK(ops::prune(p.repository, options).freed_bytes == plan.leaving_bytes);
}

TEST_CASE("prune: a source that fails every night does not cost the snapshots of those beside it") {
    Pruning p(0);
    for (int i = 0; i < 5; ++i) {
        p.ids.push_back(p.snap({p.source("tree", SourceKind::tree, p.dir / "tree"),
                                p.source("gone", SourceKind::tree, p.dir / "gone")})
                            .manifest.id);
    }
    p.verify_all();
    ops::PruneOptions options = p.keep_last(1);
    options.policy.retention.min_keep = 3;
    CHECK(ops::prune(p.repository, options).trashed.size() == 2);
}

TEST_CASE("prune: waits for a snap, and a snap waits for it") {
    const Pruning p(2);
    const FileLock snap_runs = p.repository.lock(LockMode::shared, std::chrono::seconds{0});
    ops::PruneOptions options = p.keep_last(1);
    options.lock_wait = std::chrono::seconds{0};
    CHECK(catch_error([&] { ops::prune(p.repository, options); }).kind() == Kind::busy);
    CHECK(p.present().size() == 2);
}
