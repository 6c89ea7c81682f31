#include "holdfast/store/component_file.hpp"

#include <random>

#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::noise;
using holdfast::testing::run_sql;
using holdfast::testing::TestRepository;

namespace {

/// Two snapshots of a database, the second with pages scattered over the objects of both.
struct Scattered : TestRepository {
    Manifest manifest;
    std::string bytes;

    Scattered() {
        const auto path = dir / "t.db";
        run_sql(path,
                "PRAGMA page_size=1024; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB);"
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 9000)"
                " INSERT INTO t SELECT x, randomblob(500) FROM n");
        snap({source("t", SourceKind::sqlite, path.string())});
        run_sql(path, "UPDATE t SET b = randomblob(500) WHERE id % 5 = 0");
        const auto report = snap({source("t", SourceKind::sqlite, path.string())});
        manifest = read_checked_manifest(repository, report.manifest.id);
        bytes = dir.read("t.db");
    }
    const Component& component() const { return manifest.components[0]; }
};

}  // namespace

TEST_CASE("component_file: bytes anywhere, in any order and of any length, are those of the component") {
    const Scattered s;
    ObjectReader reader(s.repository);
    ComponentFile file(s.repository, reader, s.component());
    REQUIRE(file.bytes() == s.bytes.size());
    std::mt19937 random(1);
    for (int i = 0; i < 3000; ++i) {
        const std::size_t length = 1 + random() % (i % 100 == 0 ? 3'000'000 : 5000);
        const std::size_t n = std::min(length, s.bytes.size());
        const std::size_t offset = random() % (s.bytes.size() - n + 1);
        Bytes out(n);
        file.read(offset, out);
        REQUIRE(as_text(out) == std::string_view(s.bytes).substr(offset, n));
    }
    Bytes whole;
    for (std::size_t at = 0; at < s.bytes.size(); at += 4096) {
        Bytes page(std::min<std::size_t>(4096, s.bytes.size() - at));
        file.read(at, page);
        whole.insert(whole.end(), page.begin(), page.end());
    }
    CHECK(as_text(whole) == s.bytes);
}

TEST_CASE("component_file: a recipe in many blocks gives the same extents as reading it through") {
    const Scattered s;
    ObjectReader reader(s.repository);
    ExtentMap map(s.repository, extents_of_component(reader, s.component()));
    std::uint64_t length = 0, count = 0;
    map.for_each(0, map.bytes(), [&](const Extent& e) {
        length += e.length;
        ++count;
    });
    CHECK(length == s.bytes.size());
    CHECK(count > 512);  // several blocks of 256
}

TEST_CASE("component_file: a damaged object is corrupt wherever it is touched") {
    const Scattered s;
    for (const auto& entry : fs::recursive_directory_iterator(s.repository.root() / "objects"))
        if (entry.is_regular_file() && entry.file_size() > 100'000) {
            const UniqueFd fd = open_fd(entry.path().string(), O_RDWR);
            REQUIRE(::pwrite(fd.get(), "x", 1, 5000) == 1);
        }
    ObjectReader reader(s.repository);
    ComponentFile file(s.repository, reader, s.component());
    Bytes out(s.bytes.size());
    CHECK(catch_error([&] { file.read(0, out); }).kind() == Kind::corrupt);
}
