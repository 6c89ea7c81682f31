// source/stream_feed.hpp - what producers fill: streams as blocks of about 1 MiB, cut into chunks or pages.
#pragma once

#include <memory>
#include <vector>

#include "holdfast/source/chunker.hpp"
#include "holdfast/source/pipeline.hpp"
#include "holdfast/store/recipe.hpp"

namespace holdfast {

/// Extents of an earlier snapshot that go on being part of the stream.
struct TakenExtents : BlockMark {
    std::vector<Extent> extents;
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

}  // namespace holdfast
