#include "holdfast/ops/touched.hpp"

#include <doctest/doctest.h>

#include "holdfast/ops/verify.hpp"
#include "support/catch_error.hpp"
#include "support/damage.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Damaged : TestRepository {
    Manifest manifest;
    ops::VerifyReport verify(bool deep = false) const {
        ops::VerifyOptions options;
        options.all = true;
        options.deep = deep;
        return ops::verify(repository, options);
    }
    void snap_tree() {
        manifest = snap({source("tree", SourceKind::tree, (dir / "tree").string())}).manifest;
    }
    const Component& tree() const { return manifest.components[0]; }
};

const ops::Finding* find_object(const ops::VerifyReport& report, const Digest& object,
                                const std::string& snapshot) {
    for (const ops::Finding& f : report.findings)
        if (f.snapshot == snapshot && f.item == "object " + object.hex()) return &f;
    return nullptr;
}

}  // namespace

TEST_CASE("touched: a missing object names the files with bytes in it, and no others") {
    Damaged t;
    t.dir.write("tree/a", "small");
    t.dir.write("tree/b", std::string(as_text(noise(17'000'000))));  // from the first object into the second
    t.dir.write("tree/c", "small, too");
    t.snap_tree();
    const std::vector<Digest> data = data_objects(t.repository, t.tree());
    REQUIRE(data.size() == 2);
    fs::remove(t.repository.object(data[0]));
    flip_bit(t.repository.object(data[1]));
    const ops::VerifyReport report = t.verify();
    REQUIRE(report.findings.size() == 2);
    const ops::Finding* missing = find_object(report, data[0], t.manifest.id);
    REQUIRE(missing != nullptr);
    CHECK(missing->what == "is missing");
    REQUIRE(missing->touched.size() == 1);
    CHECK(missing->touched[0].component == "tree");
    CHECK(missing->touched[0].part == "data");
    CHECK_FALSE(missing->touched[0].is_entire);
    CHECK(missing->touched[0].files == std::vector<std::string>{".", "a", "b"});
    const ops::Finding* flipped = find_object(report, data[1], t.manifest.id);
    REQUIRE(flipped != nullptr);
    CHECK(flipped->touched[0].files == std::vector<std::string>{"b", "c"});
}

TEST_CASE("touched: the first twenty files are listed and all are counted, each once") {
    Damaged t;
    for (int i = 0; i < 300; ++i) t.dir.write("tree/f" + std::to_string(1000 + i), std::to_string(i));
    t.snap_tree();
    flip_bit(t.repository.object(data_objects(t.repository, t.tree()).at(0)));
    const ops::VerifyReport report = t.verify();
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].touched.at(0).files.size() == ops::kListedFiles);
    CHECK(report.findings[0].touched[0].file_count == 301);
}

TEST_CASE("touched: a component that is one file is touched as a whole, by its own name alone") {
    Damaged t;
    t.dir.write("production.yaml", "a: 1\n");
    t.manifest =
        t.snap({t.source("settings", SourceKind::tree, (t.dir / "production.yaml").string())}).manifest;
    flip_bit(t.repository.object(data_objects(t.repository, t.tree()).at(0)));
    const ops::VerifyReport report = t.verify();
    REQUIRE(report.findings.size() == 1);
    const ops::Touched& touched = report.findings[0].touched.at(0);
    CHECK(touched.component == "settings");
    CHECK(touched.part == "data");
    CHECK(touched.files.empty());
    CHECK(touched.file_count == 0);
}

TEST_CASE("touched: a hard link shares the fate of its first name, wherever its own record lies") {
    Damaged t;
    t.dir.write("tree/a", std::string(as_text(noise(300'000))));
    t.dir.write("tree/b", std::string(as_text(noise(17'000'000, 2))));
    t.dir.write("tree/y", "own");
    fs::create_hard_link(t.dir / "tree/a", t.dir / "tree/z");
    t.snap_tree();
    const std::vector<Digest> data = data_objects(t.repository, t.tree());
    REQUIRE(data.size() == 2);
    fs::remove(t.repository.object(data[0]));
    CHECK(t.verify().findings.at(0).touched.at(0).files == std::vector<std::string>{".", "a", "b", "z"});
}

TEST_CASE("touched: with its recipe or index damaged the whole component is") {
    Damaged t;
    t.dir.write("tree/a", std::string(as_text(noise(300'000))));
    t.dir.write("tree/b", "2");
    t.snap_tree();
    const Digest metadata = t.tree().recipe.extents.at(0).object;
    REQUIRE(metadata == t.tree().index->extents.at(0).object);
    const Digest data = data_objects(t.repository, t.tree()).at(0);
    flip_bit(t.repository.object(metadata));
    ops::VerifyReport report = t.verify();
    REQUIRE(report.findings.size() == 1);
    REQUIRE(report.findings[0].touched.size() == 2);
    CHECK(report.findings[0].touched[0].part == "recipe");
    CHECK(report.findings[0].touched[1].part == "index");
    for (const ops::Touched& touched : report.findings[0].touched) {
        CHECK(touched.is_entire);
        CHECK(touched.file_count == 3);
    }
    flip_bit(t.repository.object(data));  // what it holds cannot be told now
    report = t.verify();
    const ops::Finding* unknown = find_object(report, data, t.manifest.id);
    REQUIRE(unknown != nullptr);
    REQUIRE(unknown->touched.size() == 1);
    CHECK(unknown->touched[0].component == "tree");
    CHECK(unknown->touched[0].part == "unknown");
    CHECK(unknown->touched[0].is_entire);
}

TEST_CASE("touched: with only its index damaged the data of a tree is known, its files are not") {
    Damaged t;
    t.dir.write("tree/a", std::string(as_text(noise(300'000))));
    t.snap_tree();
    const Digest data = data_objects(t.repository, t.tree()).at(0);
    Component c = t.tree();
    c.index->digest = Digest{};  // stands for an index that cannot be read though its object can
    Manifest manifest = t.manifest;
    manifest.components = {c};
    ObjectReader reader(t.repository);
    const auto touched = ops::touched_by(reader, manifest, {data}).at(data);
    REQUIRE(touched.size() == 1);
    CHECK(touched[0].part == "data");
    CHECK(touched[0].is_entire);
    CHECK(touched[0].files.empty());
    CHECK(touched[0].file_count == 2);
}

TEST_CASE(
    "touched: a shared object is reported for every snapshot that needs it, also if one was asked for") {
    Damaged t;
    t.dir.write("tree/a", std::string(as_text(noise(3'000'000))));
    t.snap_tree();
    const Manifest first = t.manifest;
    t.dir.write("tree/b", "2");
    t.snap_tree();
    const Digest shared = data_objects(t.repository, first.components[0]).at(0);
    flip_bit(t.repository.object(shared));
    ops::VerifyOptions options;
    options.ids = {t.manifest.id};
    const ops::VerifyReport report = ops::verify(t.repository, options);
    CHECK(find_object(report, shared, first.id) != nullptr);
    CHECK(find_object(report, shared, t.manifest.id) != nullptr);
}

TEST_CASE("touched: with the manifest damaged, the object is still reported for its snapshot") {
    Damaged t;
    t.dir.write("tree/a", "1");
    t.snap_tree();
    const Digest data = data_objects(t.repository, t.tree()).at(0);
    flip_bit(t.repository.object(data));
    t.dir.write("repo/snapshots/" + t.manifest.id + "/manifest.json", "{");
    const ops::VerifyReport report = t.verify();
    const ops::Finding* found = find_object(report, data, t.manifest.id);
    REQUIRE(found != nullptr);
    CHECK(contains(found->what, "cannot be told"));
}
