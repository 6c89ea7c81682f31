#include "holdfast/store/cache.hpp"

#include <doctest/doctest.h>

#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;

namespace {

const Digest kKey = sha256("key");

void sql(const fs::path& file, const std::string& text) {
    Database::open_cache(file.string()).execute(text.c_str());
}

/// A folder with a cache that knows one thing.
struct Filled {
    TempDir dir;
    fs::path folder = dir / "cache";
    fs::path file = folder / "index.db";
    Filled() { learn(); }

    void learn() const {
        Cache cache(folder);
        cache.update([&] { cache.set_checked("lake", kKey, "found"); });
        CHECK(cache.find_checked("lake", kKey) == "found");
        CHECK(cache.trouble() == "");
    }
    bool knows() const { return Cache(folder).find_checked("lake", kKey).has_value(); }
    /// Whatever happened to it: empty, of use, and kept from now on.
    void expect_made_anew() const {
        {
            Cache cache(folder);
            CHECK(cache.is_fresh());
            CHECK(cache.trouble() == "");
            CHECK_FALSE(cache.find_checked("lake", kKey).has_value());
            CHECK(cache.object_uses().empty());
        }
        learn();
        CHECK(knows());
    }
};

}  // namespace

TEST_CASE("cache: what one run learned is there for the next, under its key only") {
    const Filled t;
    Cache cache(t.folder);
    CHECK_FALSE(cache.is_fresh());
    CHECK(cache.find_checked("lake", kKey) == "found");
    CHECK_FALSE(cache.find_checked("lake", sha256("another")).has_value());
    CHECK_FALSE(cache.find_checked("other", kKey).has_value());
}

TEST_CASE("cache: one that lacks a table, whichever, is made anew") {
    for (const auto& [name, create] : kCacheTables) {
        CAPTURE(name);
        const Filled t;
        sql(t.file, "DROP TABLE " + std::string(name));
        t.expect_made_anew();
    }
}

TEST_CASE("cache: one of another version, older or newer, or of other columns is made anew") {
    for (const std::string change :
         {"PRAGMA user_version = 2", "PRAGMA user_version = 99", "ALTER TABLE object_use ADD COLUMN more",
          "ALTER TABLE segment RENAME COLUMN seen TO noticed",
          "DROP TABLE object_use; CREATE VIEW object_use AS SELECT 1"}) {
        CAPTURE(change);
        const Filled t;
        sql(t.file, change);
        t.expect_made_anew();
    }
}

TEST_CASE(
    "cache: a file that is no database, a torn one, an empty one or a folder in its place is made anew") {
    for (const std::string what : {"garbage", "torn", "empty", "folder"}) {
        CAPTURE(what);
        const Filled t;
        if (what == "garbage") t.dir.write("cache/index.db", std::string(5000, 'x'));
        if (what == "torn") fs::resize_file(t.file, fs::file_size(t.file) / 2 + 100);
        if (what == "empty") fs::resize_file(t.file, 0);
        if (what == "folder") {
            fs::remove(t.file);
            t.dir.write("cache/index.db/in the way", "x");
        }
        t.expect_made_anew();
    }
}

TEST_CASE("cache: rows that make no sense are as if they were not there") {
    const Filled t;
    sql(t.file,
        "UPDATE checked SET key = 'short';"
        "INSERT INTO unchanged VALUES('t.db', x'00', 'id');"
        "INSERT INTO object VALUES(1, 'no digest', 5);"
        "INSERT INTO object_use VALUES('t.db', 'no digest', 1, 2)");
    sql(t.file, "INSERT INTO chunk VALUES(x'" + kKey.hex() + "', 1, 0, 5)");
    Cache cache(t.folder);
    CHECK_FALSE(cache.find_checked("lake", kKey).has_value());
    CHECK_FALSE(cache.find_unchanged("t.db").has_value());
    CHECK_FALSE(cache.find_chunk(kKey).has_value());
    CHECK(cache.object_uses().empty());
    CHECK(cache.trouble() == "");
}

TEST_CASE("cache: a recipe that cannot be parsed puts it out of use for this run, and the next begins anew") {
    const Filled t;
    sql(t.file, "INSERT INTO segment VALUES(x'" + kKey.hex() + "', 'no extent', '', 0)");
    {
        Cache cache(t.folder);
        CHECK_FALSE(cache.find_segment(kKey).has_value());
        CHECK(cache.trouble() != "");
        CHECK_FALSE(cache.find_checked("lake", kKey).has_value());
    }
    t.expect_made_anew();
}

TEST_CASE("cache: an update that fails leaves what was there before") {
    const Filled t;
    Cache cache(t.folder);
    CHECK_THROWS(cache.update([&] {
        cache.set_checked("lake", kKey, "half");
        throw Error(Kind::io, "stopped");
    }));
    CHECK(cache.find_checked("lake", kKey) == "found");
}

TEST_CASE("cache: without a folder that it can use it lives in memory, and says why") {
    const TempDir dir;
    dir.write("file", "x");
    Cache cache(dir / "file/cache");
    CHECK(cache.trouble() != "");
    CHECK(cache.is_fresh());
    CHECK(cache.page_map("t.db").empty());
    cache.update([&] { cache.set_checked("lake", kKey, "found"); });
    CHECK(cache.find_checked("lake", kKey) == "found");
}
