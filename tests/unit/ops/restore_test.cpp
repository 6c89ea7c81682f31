#include "holdfast/ops/restore.hpp"

#include <sys/wait.h>

#include <csignal>

#include "holdfast/ops/restore_stdout.hpp"
#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::noise;
using holdfast::testing::TestRepository;

namespace {

struct Restored : TestRepository {
    Manifest manifest;
    Restored() {
        dir.write("tree/a/one", "1");
        dir.write("tree/b/two", std::string(as_text(noise(2'000'000))));
        manifest = snap({source("tree", SourceKind::tree, (dir / "tree").string())}).manifest;
    }
    ops::RestoreReport restore(
        std::vector<std::string> globs = {},
        ops::RestoreOptions::Existing existing = ops::RestoreOptions::Existing::refuse) {
        ops::RestoreOptions options;
        options.target = target();
        options.choice.globs = std::move(globs);
        options.existing = existing;
        return ops::restore(repository, manifest, options);
    }
    std::string to_stdout(const ops::ComponentChoice& choice) {
        std::string out;
        ops::restore_to_stdout(
            repository, manifest, choice, [&](ByteSpan b) { out += as_text(b); }, std::chrono::seconds{1});
        return out;
    }
};

}  // namespace

TEST_CASE("restore: what exists at the target is refused and left alone, and replaced when asked") {
    Restored r;
    r.dir.write("restored/tree/mine", "keep");
    CHECK(catch_error([&] { r.restore(); }).kind() == Kind::refused);
    CHECK(r.dir.read("restored/tree/mine") == "keep");
    r.restore({}, ops::RestoreOptions::Existing::replace);
    CHECK(r.dir.read("restored/tree/a/one") == "1");
    CHECK_FALSE(fs::exists(r.target() / "tree/mine"));
}

TEST_CASE("restore: globs choose parts of a tree, with the folders on the way") {
    Restored r;
    r.restore({"b/**"});
    CHECK(r.dir.read("restored/tree/b/two") == r.dir.read("tree/b/two"));
    CHECK_FALSE(fs::exists(r.target() / "tree/a"));
}

TEST_CASE("restore: globs that fit nothing are not found, and nothing is made") {
    Restored r;
    CHECK(catch_error([&] { r.restore({"nothing"}); }).kind() == Kind::not_found);
    CHECK(list_directory(r.target()).empty());
}

TEST_CASE("restore: damage leaves nothing at the target") {
    Restored r;
    const auto objects = read_checksums(r.repository.snapshot(r.manifest.id) / "SHA256SUMS").objects;
    for (const Digest& name : objects) {
        const std::string stored = read_file(r.repository.object(name), kMaxStoredBytes);
        std::string bad = stored;
        bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
        publish_file(r.repository.object(name), as_bytes(bad));
        CHECK(catch_error([&] { r.restore(); }).kind() == Kind::corrupt);
        CHECK(list_directory(r.target()).empty());
        publish_file(r.repository.object(name), as_bytes(stored));
    }
}

TEST_CASE("restore: one chosen file goes to standard output as its content, several as a tar") {
    Restored r;
    CHECK(r.to_stdout({{}, {}, {"a/one"}}) == "1");
    const std::string tar = r.to_stdout({{}, {}, {"a", "b"}});
    CHECK(tar.size() % 512 == 0);
    CHECK(tar.substr(257, 5) == "ustar");
}

TEST_CASE("restore: a link planted on the way to a component is refused") {
    Restored r;
    r.manifest.components[0].name = "s/tree";
    fs::create_directories(r.target());
    fs::create_directories(r.dir / "elsewhere");
    fs::create_symlink(r.dir / "elsewhere", r.target() / "s");
    CHECK(catch_error([&] { r.restore(); }).kind() == Kind::refused);
    CHECK(list_directory(r.dir / "elsewhere").empty());
}

TEST_CASE("restore: sidecars of another database beside the target are refused, and removed when replacing") {
    TestRepository t;
    holdfast::testing::run_sql(t.dir / "t.db", "CREATE TABLE t(x)");
    const Manifest m = t.snap({t.source("t.db", SourceKind::sqlite, (t.dir / "t.db").string())}).manifest;
    t.dir.write("restored/t.db-wal", "old");
    ops::RestoreOptions options;
    options.target = t.target();
    CHECK(catch_error([&] { ops::restore(t.repository, m, options); }).kind() == Kind::refused);
    options.existing = ops::RestoreOptions::Existing::replace;
    ops::restore(t.repository, m, options);
    CHECK(list_directory(t.target()) == std::vector<std::string>{"t.db"});
}

TEST_CASE("restore: parts never replace a whole component") {
    Restored r;
    r.dir.write("restored/tree/mine", "keep");
    CHECK(catch_error([&] { r.restore({"a/**"}, ops::RestoreOptions::Existing::replace); }).kind() ==
          Kind::refused);
    CHECK(r.dir.read("restored/tree/mine") == "keep");
}

TEST_CASE("restore: a database that another process has open is busy, though nobody locks it") {
    TestRepository t;
    holdfast::testing::run_sql(t.dir / "t.db", "CREATE TABLE t(x)");
    const Manifest m = t.snap({t.source("t.db", SourceKind::sqlite, (t.dir / "t.db").string())}).manifest;
    t.dir.write("restored/t.db", "old");
    ops::RestoreOptions options;
    options.target = t.target();
    options.existing = ops::RestoreOptions::Existing::replace;
    pid_t child = 0;
    {
        const UniqueFd fd = open_fd((t.target() / "t.db").string(), O_RDONLY);
        child = ::fork();
        if (child == 0)
            for (;;) ::pause();
    }
    const Error error = catch_error([&] { ops::restore(t.repository, m, options); });
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(error.kind() == Kind::busy);
    CHECK(std::string(error.what()).find("pid " + std::to_string(child)) != std::string::npos);
    CHECK(t.dir.read("restored/t.db") == "old");
    CHECK(ops::restore(t.repository, m, options).components[0].has_replaced);
}

TEST_CASE("restore: a target inside the repository is refused before anything is made") {
    Restored r;
    const auto restore_to = [&](const fs::path& target) {
        ops::RestoreOptions options;
        options.target = target;
        return catch_error([&] { ops::restore(r.repository, r.manifest, options); }).kind();
    };
    CHECK(restore_to(r.dir / "repo/new") == Kind::refused);
    CHECK_FALSE(fs::exists(r.dir / "repo/new"));
    r.manifest.components[0].name = "repo";
    CHECK(restore_to(r.dir / "") == Kind::refused);
}
