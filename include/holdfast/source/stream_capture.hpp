// source/stream_capture.hpp - streams into a repository: what is known is referred to, what is new is packed.
//
// One StreamCapture serves one run. Every stream shares its open object, so small sources do not make small objects. Two ways
// to know a piece: chunks by digest (trees, commands, recipes, indexes), database pages by their number in the
// previous image. Nothing is a hit unless the object that holds it is there.
#pragma once

#include <memory>
#include <unordered_map>

#include "holdfast/base/progress.hpp"
#include "holdfast/source/chunker.hpp"
#include "holdfast/source/pipeline.hpp"
#include "holdfast/store/cache.hpp"
#include "holdfast/store/extent_spool.hpp"
#include "holdfast/store/object_reader.hpp"
#include "holdfast/store/page_map.hpp"

namespace holdfast {

/// A stream as it was captured; its extents get their names when the run's objects are published.
struct CapturedStream {
    std::unique_ptr<ExtentSpool> extents;
    std::uint64_t bytes = 0;
    std::uint64_t new_bytes = 0;
    bool has_lost_base = false;  // the last image could not be read to its end: more was stored than needed
    Digest digest;               // of the stream; not set for trees, whose files have their own
};

/// Cuts what it is given into chunks and hands on blocks of about 1 MiB.
class ChunkFeed {
public:
    explicit ChunkFeed(BlockQueue& queue) : queue_(queue) {}

    void write(ByteSpan bytes) {
        while (!bytes.empty()) {
            const std::size_t n = std::min(bytes.size(), kMaxChunk);
            block_->data.insert(block_->data.end(), bytes.begin(),
                                bytes.begin() + static_cast<std::ptrdiff_t>(n));
            bytes = bytes.subspan(n);
            while (const auto length = chunker_.find_cut(ByteSpan(block_->data).subspan(cut_)))
                add_chunk(*length);
            if (cut_ >= kFrameBytes) hand_on();
        }
    }
    /// Ends the open chunk and puts `mark` behind it.
    void end(std::unique_ptr<BlockMark> mark) {
        if (block_->data.size() > cut_) add_chunk(block_->data.size() - cut_);
        chunker_.reset();
        block_->mark = std::move(mark);
        if (block_->mark != nullptr || !block_->data.empty()) hand_on();
    }

private:
    void add_chunk(std::size_t length) {
        block_->chunk_lengths.push_back(static_cast<std::uint32_t>(length));
        cut_ += length;
    }
    void hand_on() {
        auto next = std::make_unique<Block>();
        next->data.reserve(kFrameBytes + 2 * kMaxChunk);
        next->data.assign(block_->data.begin() + static_cast<std::ptrdiff_t>(cut_), block_->data.end());
        block_->data.resize(cut_);
        cut_ = 0;
        queue_.push(std::exchange(block_, std::move(next)));
    }
    BlockQueue& queue_;
    Chunker chunker_;
    std::unique_ptr<Block> block_ = std::make_unique<Block>();
    std::size_t cut_ = 0;
};

/// Cuts a database image into pages and hands on blocks of about 1 MiB.
class PageFeed {
public:
    explicit PageFeed(BlockQueue& queue) : queue_(queue) {}

    /// `bytes` is any piece of the image; pieces may be cut anywhere.
    void write(ByteSpan bytes) {
        while (!bytes.empty()) {
            if (block_->data.capacity() < kFrameBytes) block_->data.reserve(kFrameBytes);
            const std::size_t n = std::min(bytes.size(), kFrameBytes - block_->data.size());
            block_->data.insert(block_->data.end(), bytes.begin(),
                                bytes.begin() + static_cast<std::ptrdiff_t>(n));
            bytes = bytes.subspan(n);
            if (block_->data.size() == kFrameBytes) end();
        }
    }
    void end() {
        if (block_->data.empty()) return;
        queue_.push(std::exchange(block_, std::make_unique<Block>()));
    }

private:
    BlockQueue& queue_;
    std::unique_ptr<Block> block_ = std::make_unique<Block>();
};

/// The image captured last time: page fingerprints from the cache, places from its recipe.
struct PreviousImage {
    PageMapReader pages;
    ExtentSource extents;
};

class StreamCapture {
public:
    StreamCapture(const Repository& repository, Cache& cache, int level, Progress& progress)
        : repository_(repository), cache_(cache), level_(level), progress_(progress), objects_(repository),
          packer_(objects_), publisher_(repository, objects_) {}

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
                const std::optional<Placement> known = find_chunk(block.digests[i], chunk.size());
                stream.extents->push(known ? *known : add_chunk(block.digests[i], chunk, full),
                                     block.digests[i]);
                if (!known) stream.new_bytes += chunk.size();
                at += chunk.size();
            }
            if (want == StreamDigest::wanted) whole.update(block.data);
            stream.bytes += block.data.size();
            progress_.add(block.data.size());
            if (block.mark != nullptr) on_mark(*block.mark, stream);
            return full;
        };
        const Producer producer = [&](BlockQueue& queue) {
            ChunkFeed feed(queue);
            produce(feed);
            feed.end(nullptr);
        };
        run_pipeline(producer, hash_chunks, place, publisher_, level_, is_broken_);
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
                std::optional<Placement> known;
                if (before) known = cursor->next(objects_);
                if (before != block.fingerprints[i]) known.reset();
                if (!known) stream.new_bytes += page.size();
                stream.extents->push(known ? *known : packer_.put(page, full), std::nullopt);
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
        run_pipeline(producer, fingerprinter(map.key(), page_bytes), place, publisher_, level_, is_broken_);
        stream.digest = whole.finish();
        stream.has_lost_base = cursor && cursor->has_failed();
        return stream;
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
            fingerprinter(map.key(), page_bytes), place, publisher_, level_, is_broken_);
    }

    /// Everything captured so far is durable and has a name when this returns.
    void publish() {
        if (is_broken_) throw Error(Kind::internal, "objects of a failed run were about to be published");
        std::vector<PlainFrame> rest;
        packer_.close(rest);
        for (const PlainFrame& frame : rest) publisher_.add(seal_frame(frame, level_));
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

    /// Walks a recipe page by page.
    class PageCursor {
    public:
        PageCursor(ExtentSource extents, std::uint64_t page_bytes)
            : extents_(std::move(extents)), page_bytes_(page_bytes) {}
        std::optional<Placement> next(ObjectTable& objects) {
            if (!current_ || current_->length == 0) {
                try {
                    current_ = extents_();
                } catch (const Error&) {  // a damaged recipe: every further page is stored anew
                    current_.reset();
                    has_failed_ = true;
                }
                ordinal_ = current_ ? objects.adopt(current_->object) : std::nullopt;
            }
            if (!current_ || current_->length < page_bytes_) {  // not cut at pages: not a recipe of ours
                current_.reset();
                extents_ = [] { return std::optional<Extent>{}; };
                return std::nullopt;
            }
            const Placement place{ordinal_.value_or(0), current_->offset,
                                  static_cast<std::uint32_t>(page_bytes_)};
            current_->offset += static_cast<std::uint32_t>(page_bytes_);
            current_->length -= static_cast<std::uint32_t>(page_bytes_);
            return ordinal_ ? std::optional{place} : std::nullopt;
        }

        bool has_failed() const { return has_failed_; }

    private:
        ExtentSource extents_;
        std::uint64_t page_bytes_;
        bool has_failed_ = false;
        std::optional<Extent> current_;
        std::optional<ObjectOrdinal> ordinal_;
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

    std::optional<Placement> find_chunk(const Digest& digest, std::size_t length) {
        const auto here = run_chunks_.find(digest);
        if (here != run_chunks_.end()) return here->second;
        const auto known = cache_.find_chunk(digest);
        if (!known || known->first.length != length) return std::nullopt;
        const auto object = objects_.adopt(known->first.object, known->second);
        if (!object) return std::nullopt;
        return Placement{*object, known->first.offset, known->first.length};
    }
    Placement add_chunk(const Digest& digest, ByteSpan chunk, std::vector<PlainFrame>& full) {
        const Placement place = packer_.put(chunk, full);
        if (run_chunks_.size() < kRunChunks) run_chunks_.emplace(digest, place);
        return place;
    }

    const Repository& repository_;
    Cache& cache_;
    int level_;
    Progress& progress_;
    ObjectTable objects_;
    FramePacker packer_;
    ObjectPublisher publisher_;
    bool is_broken_ = false;
    std::unordered_map<Digest, Placement, DigestHash> run_chunks_;
};

}  // namespace holdfast
