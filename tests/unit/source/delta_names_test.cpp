#include "holdfast/source/delta_names.hpp"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("delta_names: knows a commit by its path") {
    const auto c = parse_delta_commit("lake/t/_delta_log/00000000000000000012.json");
    REQUIRE(c);
    CHECK(c->table == "lake/t");
    CHECK(c->version == 12);
    CHECK(parse_delta_commit("_delta_log/00000000000000000000.json")->table == ".");
    for (const char* path :
         {"t/_delta_log/_last_checkpoint", "t/_delta_log/00000000000000000010.checkpoint.parquet",
          "t/_delta_log/0000000000000000012.json", "t/00000000000000000012.json",
          "t/not_delta_log/00000000000000000012.json", "t/_delta_log/.00000000000000000012.json.crc",
          "t/_delta_log/00000000000000000000.00000000000000000004.compacted.json"})
        CHECK_FALSE(parse_delta_commit(path));
}

TEST_CASE("delta_names: knows the files of a checkpoint, whole, in parts and with an id") {
    const auto whole = parse_delta_checkpoint("t/_delta_log/00000000000000000010.checkpoint.parquet");
    REQUIRE(whole);
    CHECK(whole->table == "t");
    CHECK(whole->version == 10);
    CHECK(whole->files == 1);
    const std::string start = "t/_delta_log/00000000000000000010.checkpoint.";
    const auto one = parse_delta_checkpoint(start + "0000000001.0000000003.parquet");
    const auto two = parse_delta_checkpoint(start + "0000000002.0000000003.parquet");
    REQUIRE(one);
    REQUIRE(two);
    CHECK(one->files == 3);
    CHECK(one->set == two->set);
    CHECK(one->set != parse_delta_checkpoint(start + "0000000001.0000000002.parquet")->set);
    const std::string id = "80a083e8-7026-4e79-81be-64bd76c43a11";
    CHECK(parse_delta_checkpoint(start + id + ".parquet")->files == 1);
    CHECK(parse_delta_checkpoint(start + id + ".json")->set !=
          parse_delta_checkpoint(start + id + ".parquet")->set);
}

TEST_CASE("delta_names: other names are no checkpoints") {
    const std::string start = "t/_delta_log/00000000000000000010.";
    for (const char* name :
         {"checkpoint", "checkpoint.json", "checkpoint.parquet.crc", "checkpoint.x.parquet",
          "checkpoint.0000000000.0000000003.parquet", "checkpoint.0000000004.0000000003.parquet",
          "checkpoint.0000000001.0000000003.json", "checkpoint.000000001.0000000003.parquet", "json"})
        CHECK_FALSE(parse_delta_checkpoint(start + name));
    CHECK_FALSE(parse_delta_checkpoint("t/00000000000000000010.checkpoint.parquet"));
    CHECK_FALSE(parse_delta_checkpoint("t/_delta_log/.00000000000000000010.checkpoint.parquet"));
}

TEST_CASE("delta_names: a sidecar belongs to the table above its log") {
    CHECK(parse_delta_sidecar("a/t/_delta_log/_sidecars/x.parquet") == "a/t");
    CHECK(parse_delta_sidecar("_delta_log/_sidecars/x.parquet") == ".");
    CHECK_FALSE(parse_delta_sidecar("t/_sidecars/x.parquet"));
    CHECK_FALSE(parse_delta_sidecar("t/_delta_log/_sidecars/x.json"));
}
