#include "holdfast/store/object_writer.hpp"

#include "holdfast/store/object_reader.hpp"
#include "support/catch_error.hpp"
#include "support/repository.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::noise;
using holdfast::testing::TestRepository;

namespace {

struct Writer {
    const Repository& repository;
    ObjectTable objects{repository};
    FramePacker packer{objects};
    ObjectPublisher publisher{repository, objects};

    Placement put(ByteSpan bytes) {
        std::vector<PlainFrame> full;
        const Placement place = packer.put(bytes, full);
        seal(full);
        return place;
    }
    void seal(const std::vector<PlainFrame>& full) {
        for (const PlainFrame& frame : full) publisher.add(seal_frame(frame, 1));
    }
    void finish() {
        std::vector<PlainFrame> full;
        packer.close(full);
        seal(full);
        publisher.finish();
    }
    Bytes read(const Placement& place) {
        ObjectReader reader(repository);
        Bytes out(place.length);
        reader.read({objects.name_of(place.object), place.offset, place.length, std::nullopt}, out);
        return out;
    }
};

}  // namespace

TEST_CASE("object_writer: what was put reads back, across frames and objects") {
    TestRepository t;
    Writer writer{t.repository};
    std::vector<std::pair<Bytes, Placement>> pieces;
    for (std::uint64_t i = 0; i < 40; ++i) {
        Bytes piece = noise(100'000 + i * 20'000, i + 1);
        const Placement place = writer.put(piece);
        pieces.emplace_back(std::move(piece), place);
    }
    writer.finish();
    CHECK(writer.publisher.object_count() == 2);
    for (const auto& [piece, place] : pieces) CHECK(writer.read(place) == piece);
}

TEST_CASE("object_writer: an object is named by the SHA-256 of its stored bytes") {
    TestRepository t;
    Writer writer{t.repository};
    const Placement place = writer.put(noise(1000));
    writer.finish();
    const Digest name = writer.objects.name_of(place.object);
    CHECK(sha256(read_file(t.repository.object(name), kMaxStoredBytes)) == name);
}

TEST_CASE("object_writer: equal objects are stored once") {
    TestRepository t;
    Writer first{t.repository}, second{t.repository};
    for (Writer* w : {&first, &second}) {
        w->put(noise(1000));
        w->finish();
    }
    CHECK(first.publisher.object_count() == 1);
    CHECK(second.publisher.object_count() == 0);
}

TEST_CASE("object_writer: a damaged object of the same name and size is healed, not trusted") {
    TestRepository t;
    Writer first{t.repository};
    const Placement place = first.put(noise(1000));
    first.finish();
    const fs::path path = t.repository.object(first.objects.name_of(place.object));
    std::string bad = read_file(path, kMaxStoredBytes);
    bad[500] = static_cast<char>(bad[500] ^ 1);
    publish_file(path, as_bytes(bad));
    Writer second{t.repository};
    second.put(noise(1000));
    second.finish();
    CHECK(first.read(place) == noise(1000));
}

TEST_CASE("object_writer: a chunk never crosses the end of an object") {
    TestRepository t;
    Writer writer{t.repository};
    writer.put(noise(kObjectBytes - 10));
    const Placement place = writer.put(noise(11, 2));
    CHECK(place.offset == 0);
    CHECK(place.object == 1);
}

TEST_CASE("object_reader: a flipped bit anywhere in an object is refused") {
    TestRepository t;
    Writer writer{t.repository};
    const Placement place = writer.put(noise(5000));
    writer.finish();
    const fs::path path = t.repository.object(writer.objects.name_of(place.object));
    std::string stored = read_file(path, kMaxStoredBytes);
    for (std::size_t at = 0; at < stored.size(); at += 97) {
        std::string bad = stored;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        publish_file(path, as_bytes(bad));
        CHECK(catch_error([&] { writer.read(place); }).kind() == Kind::corrupt);
    }
}

TEST_CASE("object_reader: an object that is gone, or shorter than an extent says, is corrupt and named") {
    TestRepository t;
    Writer writer{t.repository};
    const Placement place = writer.put(noise(5000));
    writer.finish();
    CHECK(catch_error([&] { writer.read({place.object, 4000, 2000}); }).kind() == Kind::corrupt);
    const Digest name = writer.objects.name_of(place.object);
    fs::remove(t.repository.object(name));
    const Error e = catch_error([&] { writer.read(place); });
    CHECK(e.kind() == Kind::corrupt);
    CHECK(std::string(e.what()).find(name.hex()) != std::string::npos);
}

TEST_CASE("object_table: an object whose file has another size than remembered is no hit") {
    TestRepository t;
    Writer writer{t.repository};
    const Placement place = writer.put(noise(5000));
    writer.finish();
    const Digest name = writer.objects.name_of(place.object);
    const std::uint64_t size = writer.objects.stored_bytes(place.object);
    CHECK(ObjectTable(t.repository).adopt(name, size).has_value());
    CHECK_FALSE(ObjectTable(t.repository).adopt(name, size + 1).has_value());
    fs::resize_file(t.repository.object(name), size - 1);
    CHECK_FALSE(ObjectTable(t.repository).adopt(name, size).has_value());
}

TEST_CASE("object_table: a retired object is no hit, unless it is asked for") {
    TestRepository t;
    Writer writer{t.repository};
    const Placement place = writer.put(noise(5000));
    writer.finish();
    const Digest name = writer.objects.name_of(place.object);
    ObjectTable table(t.repository);
    table.retire({name});
    CHECK_FALSE(table.adopt(name).has_value());
    const auto ordinal = table.adopt_any(name, writer.objects.stored_bytes(place.object));
    REQUIRE(ordinal);
    CHECK(table.plain_bytes(*ordinal) == 5000);
    CHECK_FALSE(table.adopt(name).has_value());
}

TEST_CASE("object_table: what bytes of a new object take up is known by frames, split by length") {
    TestRepository t;
    Writer writer{t.repository};
    const Bytes zeros(kFrameBytes);
    const Placement dull = writer.put(zeros), half = writer.put(Bytes(kFrameBytes / 2));
    const Placement wild = writer.put(noise(kFrameBytes / 2));
    writer.finish();
    const ObjectTable& table = writer.objects;
    CHECK(table.stored_share(dull) < 1000);
    CHECK(table.stored_share(half) == table.stored_share(wild));  // one frame
    CHECK(table.stored_share(wild) > kFrameBytes / 5);
    CHECK(table.stored_share({dull.object, 0, 2 * kFrameBytes}) <= table.stored_bytes(dull.object));
}
