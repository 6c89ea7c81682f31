// source/pipeline.hpp - one stream of blocks from a producer to durable objects, on all cores.
//
// produce → inspect (digests or fingerprints) → place (known or new) → compress and compare → publish. The first, third and last
// step run in stream order; the others run in parallel. At most kLive blocks of about 1 MiB are in flight. The
// producer runs on a thread of its own, because SQLite and libarchive push.
#pragma once

#include <tbb/parallel_pipeline.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/signals.hpp"
#include "holdfast/store/object_writer.hpp"
#include "holdfast/wrap/fingerprint.hpp"

namespace holdfast {

/// What a producer says about the stream between blocks (the end of a segment, one taken over).
struct BlockMark {
    virtual ~BlockMark() = default;
};

/// Any thread calls it.
using FrameSealer = std::function<SealedFrame(const PlainFrame&)>;

struct Block {
    Bytes data;
    std::vector<std::uint32_t> chunk_lengths;  // of a chunked stream; they add up to data
    std::vector<Digest> digests;               // one per chunk, by the inspector
    std::vector<Fingerprint> fingerprints;     // one per page of a database image, by the inspector
    std::unique_ptr<BlockMark> mark;           // belongs after the data
};

class BlockQueue {
public:
    /// Blocks while the queue is full. Throws Interrupted, or Cancelled when the consumer gave up.
    void push(std::unique_ptr<Block> block) {
        check_interrupted();
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return blocks_.size() < kCapacity || cancelled_; });
        if (cancelled_) throw Cancelled{};
        blocks_.push_back(std::move(block));
        changed_.notify_all();
    }
    /// Nothing when the producer has ended, well or not: what it pushed before is placed and published in any case.
    std::unique_ptr<Block> pop() {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return !blocks_.empty() || ended_; });
        if (blocks_.empty()) return nullptr;
        std::unique_ptr<Block> block = std::move(blocks_.front());
        blocks_.pop_front();
        changed_.notify_all();
        return block;
    }
    void end(std::exception_ptr failure) {
        const std::lock_guard guard(mutex_);
        ended_ = true;
        failure_ = std::move(failure);
        changed_.notify_all();
    }
    /// What the producer threw; ask after the pipeline has ended.
    std::exception_ptr failure() {
        const std::lock_guard guard(mutex_);
        return failure_;
    }
    void cancel() {
        const std::lock_guard guard(mutex_);
        cancelled_ = true;
        changed_.notify_all();
    }
    struct Cancelled {};

private:
    static constexpr std::size_t kCapacity = 4;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::unique_ptr<Block>> blocks_;
    bool ended_ = false;
    bool cancelled_ = false;
    std::exception_ptr failure_;
};

using Producer = std::function<void(BlockQueue&)>;
/// Looks at one block on any thread and fills in what the placer needs to know.
using Inspector = std::function<void(Block&)>;
/// Sees blocks in stream order and returns the frames that became full.
using Placer = std::function<std::vector<PlainFrame>(Block&)>;

/// Throws: io (no memory or no room in a limit for one more).
template <class Body>
std::jthread start_thread(Body body) {
    try {
        return std::jthread(std::move(body));
    } catch (const std::system_error& e) {
        throw OsError(e.code().value(), "start a thread",
                      "free some memory, or raise the limits of processes");
    }
}

/// Runs one stream to its end. A producer that fails has pushed whole blocks: they are published, then its failure is
/// thrown. A failure of any other step leaves holes in the open object: then `is_broken` is set, and nothing that this
/// publisher makes may be referred to any more.
inline void run_pipeline(const Producer& produce, const Inspector& inspect, const Placer& place,
                         ObjectPublisher& publisher, const FrameSealer& seal, bool& is_broken) {
    using BlockPtr = std::shared_ptr<Block>;
    using Frames = std::shared_ptr<std::vector<PlainFrame>>;
    using Sealed = std::shared_ptr<std::vector<SealedFrame>>;
    constexpr std::size_t kLive = 8;
    BlockQueue queue;
    std::jthread producer = start_thread([&] {
        try {
            produce(queue);
            queue.end(nullptr);
        } catch (const BlockQueue::Cancelled&) {
            queue.end(nullptr);
        } catch (...) {
            queue.end(std::current_exception());
        }
    });
    try {
        tbb::parallel_pipeline(
            kLive,
            tbb::make_filter<void, BlockPtr>(tbb::filter_mode::serial_in_order,
                                             [&](tbb::flow_control& flow) -> BlockPtr {
                                                 BlockPtr block = queue.pop();
                                                 if (block == nullptr) flow.stop();
                                                 return block;
                                             }) &
                tbb::make_filter<BlockPtr, BlockPtr>(tbb::filter_mode::parallel,
                                                     [&](BlockPtr block) {
                                                         inspect(*block);
                                                         return block;
                                                     }) &
                tbb::make_filter<BlockPtr, Frames>(tbb::filter_mode::serial_in_order,
                                                   [&](const BlockPtr& block) {
                                                       return std::make_shared<std::vector<PlainFrame>>(
                                                           place(*block));
                                                   }) &
                tbb::make_filter<Frames, Sealed>(tbb::filter_mode::parallel,
                                                 [&](const Frames& frames) {
                                                     auto sealed =
                                                         std::make_shared<std::vector<SealedFrame>>();
                                                     for (const PlainFrame& f : *frames)
                                                         sealed->push_back(seal(f));
                                                     return sealed;
                                                 }) &
                tbb::make_filter<Sealed, void>(tbb::filter_mode::serial_in_order, [&](const Sealed& sealed) {
                    for (SealedFrame& f : *sealed) publisher.add(std::move(f));
                }));
    } catch (...) {
        is_broken = true;
        queue.cancel();
        throw;
    }
    if (queue.failure() != nullptr) std::rethrow_exception(queue.failure());
}

}  // namespace holdfast
