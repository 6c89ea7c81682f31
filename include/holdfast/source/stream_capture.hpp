// source/stream_capture.hpp - streams into a repository: what is known is referred to, what is new is packed.
//
// One StreamCapture serves one run. Every stream shares its open object, so small sources do not make small objects. Two ways
// to know a piece: chunks by digest (trees, commands, recipes, indexes), database pages by their number in the
// previous image. Nothing is a hit unless the object that holds it is there and not retired. What is taken over without
// reading its source is copied out of retired objects, from the repository: retiring an object opens no source.
#pragma once

#include <memory>
#include <unordered_map>

#include "holdfast/base/progress.hpp"
#include "holdfast/source/stream_feed.hpp"
#include "holdfast/store/cache.hpp"
#include "holdfast/store/extent_spool.hpp"
#include "holdfast/store/object_reader.hpp"
#include "holdfast/store/page_map.hpp"

namespace holdfast {

/// A stream as it was captured; its extents get their names when the run's objects are published.
struct CapturedStream {
    std::unique_ptr<ExtentSpool> extents;
    std::uint64_t bytes = 0;
    std::uint64_t new_bytes = 0;        // that no object held before, not even a retired one
    std::vector<Placement> new_places;  // where they went; neighbours are joined
    bool has_lost_base = false;  // the last image could not be read to its end: more was stored than needed
    Digest digest;               // of the stream; not set for trees, whose files have their own
};

/// The image captured last time: page fingerprints from the cache, places from its recipe.
struct PreviousImage {
    PageMapReader pages;
    ExtentSource extents;
};

class StreamCapture {
public:
    StreamCapture(const Repository& repository, Cache& cache, ObjectReader& reader, int level,
                  Progress& progress)
        : repository_(repository), cache_(cache), reader_(reader), progress_(progress),
          seal_([level, keyring = repository.keyring()](const PlainFrame& frame) {
              return seal_frame(frame, level, keyring);
          }),
          objects_(repository), packer_(objects_), publisher_(repository, objects_) {}

    /// Called for each block mark in stream order, with the stream so far.
    using OnMark = std::function<void(BlockMark&, CapturedStream&)>;
    enum class StreamDigest { wanted, not_wanted };

    CapturedStream chunks(const std::function<void(ChunkFeed&)>& produce, StreamDigest want,
                          const OnMark& on_mark = {}) {
        CapturedStream stream = begin();
        Hasher whole;
        const Placer place = [&](Block& block) {
            std::vector<PlainFrame> full;
            std::size_t at = 0;
            for (std::size_t i = 0; i < block.digests.size(); ++i) {
                const ByteSpan chunk = ByteSpan(block.data).subspan(at, block.chunk_lengths[i]);
                const Hit known = find_chunk(block.digests[i], chunk.size());
                const Placement where = known.place ? *known.place : add_chunk(block.digests[i], chunk, full);
                stream.extents->push(where, block.digests[i]);
                if (!known.is_stored) add_new(stream, where);
                at += chunk.size();
            }
            if (want == StreamDigest::wanted) whole.update(block.data);
            stream.bytes += block.data.size();
            progress_.add(block.data.size());
            if (const auto* taken = dynamic_cast<const TakenExtents*>(block.mark.get()))
                for (const Extent& extent : taken->extents) take(extent, stream, full);
            if (block.mark != nullptr && on_mark) on_mark(*block.mark, stream);
            return full;
        };
        const Producer producer = [&](BlockQueue& queue) {
            ChunkFeed feed(queue);
            produce(feed);
            feed.end(nullptr);
        };
        run_pipeline(producer, hash_chunks, place, publisher_, seal_, is_broken_);
        stream.digest = whole.finish();
        return stream;
    }

    /// `map` has the previous map's key, if there is a previous image.
    CapturedStream pages(const std::function<void(PageFeed&)>& produce, std::uint64_t page_bytes,
                         std::optional<PreviousImage> previous, PageMapWriter& map) {
        CapturedStream stream = begin();
        if (previous && (previous->pages.page_bytes() != page_bytes || previous->pages.key() != map.key()))
            previous.reset();
        std::optional<PageCursor> cursor;
        if (previous) cursor.emplace(std::move(previous->extents), page_bytes);
        Hasher whole;
        const Placer place = [&](Block& block) {
            std::vector<PlainFrame> full;
            for (std::size_t i = 0; i < block.fingerprints.size(); ++i) {
                const ByteSpan page = ByteSpan(block.data).subspan(i * page_bytes, page_bytes);
                const std::optional<Fingerprint> before = previous ? previous->pages.next() : std::nullopt;
                Hit known;
                if (before) known = cursor->next(objects_);
                if (before != block.fingerprints[i]) known = {};
                const Placement where = known.place ? *known.place : packer_.put(page, full);
                stream.extents->push(where, std::nullopt);
                if (!known.is_stored) add_new(stream, where);
            }
            map.add(block.fingerprints);
            whole.update(block.data);
            stream.bytes += block.data.size();
            progress_.add(block.data.size());
            return full;
        };
        const Producer producer = [&](BlockQueue& queue) {
            PageFeed feed(queue);
            produce(feed);
            feed.end();
        };
        run_pipeline(producer, fingerprinter(map.key(), page_bytes), place, publisher_, seal_, is_broken_);
        stream.digest = whole.finish();
        stream.has_lost_base = cursor && cursor->has_failed();
        return stream;
    }

    /// A stream that is stored already, without its source. All its objects must be there.
    CapturedStream taken(ExtentSource extents) {
        return chunks([&](ChunkFeed& feed) { take_over(extents, feed); }, StreamDigest::not_wanted);
    }
    /// The same as a part of the stream that `feed` fills.
    void take_over(const ExtentSource& extents, ChunkFeed& feed) const {
        std::unique_ptr<TakenExtents> taken;
        std::uint64_t moved = 0;
        while (const auto extent = extents()) {
            if (taken == nullptr) taken = std::make_unique<TakenExtents>();
            if (objects_.is_retired(extent->object)) moved += extent->length;
            taken->extents.push_back(*extent);
            if (moved < kFrameBytes && taken->extents.size() < kTakenAtOnce) continue;
            feed.end(std::move(taken));
            moved = 0;
        }
        if (taken != nullptr) feed.end(std::move(taken));
    }

    /// A recorder of page fingerprints for an image that is already stored.
    void map_pages(const std::function<void(PageFeed&)>& produce, std::uint64_t page_bytes,
                   PageMapWriter& map) {
        const Placer place = [&](Block& block) {
            map.add(block.fingerprints);
            return std::vector<PlainFrame>{};
        };
        run_pipeline(
            [&](BlockQueue& queue) {
                PageFeed feed(queue);
                produce(feed);
                feed.end();
            },
            fingerprinter(map.key(), page_bytes), place, publisher_, seal_, is_broken_);
    }

    /// Everything captured so far is durable and has a name when this returns.
    void publish() {
        if (is_broken_) throw Error(Kind::internal, "objects of a failed run were about to be published");
        std::vector<PlainFrame> rest;
        packer_.close(rest);
        for (const PlainFrame& frame : rest) publisher_.add(seal_(frame));
        publisher_.finish();
    }

    /// A step other than a source failed: the run must end, whatever else could still be read.
    bool is_broken() const { return is_broken_; }
    ObjectTable& objects() { return objects_; }
    const ObjectPublisher& publisher() const { return publisher_; }

    /// With the object's name; call after publish().
    Extent named(const SpooledExtent& spooled) const {
        return {objects_.name_of(spooled.place.object), spooled.place.offset, spooled.place.length,
                spooled.digest};
    }

private:
    static constexpr std::size_t kRunChunks =
        1'000'000;  // 64 MB; past 256 GiB of new data repeats within a run are stored twice

    static constexpr std::size_t kTakenAtOnce = 4096;  // extents in one block

    /// What is known of a piece: where it lies, unless it has to be stored anew.
    struct Hit {
        std::optional<Placement> place;
        bool is_stored = false;  // the repository has it, be it in a retired object
    };

    /// Walks a recipe page by page.
    class PageCursor {
    public:
        PageCursor(ExtentSource extents, std::uint64_t page_bytes)
            : extents_(std::move(extents)), page_bytes_(page_bytes) {}
        Hit next(ObjectTable& objects) {
            if (!current_ || current_->length == 0) {
                try {
                    current_ = extents_();
                } catch (const Error&) {  // a damaged recipe: every further page is stored anew
                    current_.reset();
                    has_failed_ = true;
                }
                ordinal_ = current_ ? objects.adopt(current_->object) : std::nullopt;
                is_retired_ = current_ && objects.is_retired(current_->object);
            }
            if (!current_ || current_->length < page_bytes_) {  // not cut at pages: not a recipe of ours
                current_.reset();
                extents_ = [] { return std::optional<Extent>{}; };
                return {};
            }
            const Placement place{ordinal_.value_or(0), current_->offset,
                                  static_cast<std::uint32_t>(page_bytes_)};
            current_->offset += static_cast<std::uint32_t>(page_bytes_);
            current_->length -= static_cast<std::uint32_t>(page_bytes_);
            return {ordinal_ ? std::optional{place} : std::nullopt, ordinal_ || is_retired_};
        }

        bool has_failed() const { return has_failed_; }

    private:
        ExtentSource extents_;
        std::uint64_t page_bytes_;
        bool has_failed_ = false;
        std::optional<Extent> current_;
        std::optional<ObjectOrdinal> ordinal_;
        bool is_retired_ = false;
    };

    static void hash_chunks(Block& block) {
        std::size_t at = 0;
        for (const std::uint32_t n : block.chunk_lengths) {
            block.digests.push_back(sha256(ByteSpan(block.data).subspan(at, n)));
            at += n;
        }
    }
    static Inspector fingerprinter(const FingerprintKey& key, std::uint64_t page_bytes) {
        return [key, page_bytes](Block& block) {
            block.fingerprints = fingerprint_pages(key, block.data, page_bytes);
        };
    }

    CapturedStream begin() const {
        CapturedStream stream;
        stream.extents = std::make_unique<ExtentSpool>(repository_);
        return stream;
    }

    Hit find_chunk(const Digest& digest, std::size_t length) {
        const auto here = run_chunks_.find(digest);
        if (here != run_chunks_.end()) return {here->second, true};
        const auto known = cache_.find_chunk(digest);
        if (!known || known->first.length != length) return {};
        const auto object = objects_.adopt(known->first.object, known->second);
        if (!object) return {std::nullopt, objects_.is_retired(known->first.object)};
        return {Placement{*object, known->first.offset, known->first.length}, true};
    }
    Placement add_chunk(const Digest& digest, ByteSpan chunk, std::vector<PlainFrame>& full) {
        const Placement place = packer_.put(chunk, full);
        if (run_chunks_.size() < kRunChunks) run_chunks_.emplace(digest, place);
        return place;
    }

    static void add_new(CapturedStream& stream, const Placement& place) {
        stream.new_bytes += place.length;
        if (!stream.new_places.empty()) {
            Placement& last = stream.new_places.back();
            if (last.object == place.object && last.offset + last.length == place.offset) {
                last.length += place.length;
                return;
            }
        }
        stream.new_places.push_back(place);
    }
    void take(const Extent& extent, CapturedStream& stream, std::vector<PlainFrame>& full) {
        stream.bytes += extent.length;
        if (objects_.is_retired(extent.object) && move(extent, stream, full)) return;
        const auto object = objects_.adopt_any(extent.object);
        if (!object) throw Error(Kind::internal, "an object that was there is gone");
        stream.extents->push({*object, extent.offset, extent.length}, extent.digest);
    }
    /// Stores anew what lies in a retired object; false if it cannot be read: then the object stays in use.
    bool move(const Extent& extent, CapturedStream& stream, std::vector<PlainFrame>& full) {
        const auto here = extent.digest ? run_chunks_.find(*extent.digest) : run_chunks_.end();
        if (here != run_chunks_.end()) {
            stream.extents->push(here->second, extent.digest);
            return true;
        }
        Bytes plain(extent.length);
        try {
            reader_.read(extent, plain);
        } catch (const Error&) {
            return false;
        }
        if (extent.digest) {
            stream.extents->push(add_chunk(*extent.digest, plain, full), extent.digest);
            return true;
        }
        for (ByteSpan rest = plain; !rest.empty();) {  // whole pages: they divide a frame
            const std::size_t n = std::min(rest.size(), kFrameBytes);
            stream.extents->push(packer_.put(rest.first(n), full), std::nullopt);
            rest = rest.subspan(n);
        }
        return true;
    }

    const Repository& repository_;
    Cache& cache_;
    ObjectReader& reader_;
    Progress& progress_;
    FrameSealer seal_;
    ObjectTable objects_;
    FramePacker packer_;
    ObjectPublisher publisher_;
    bool is_broken_ = false;
    std::unordered_map<Digest, Placement, DigestHash> run_chunks_;
};

}  // namespace holdfast
