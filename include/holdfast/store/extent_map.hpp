// store/extent_map.hpp - where each byte of a stored stream lies, for reading it in any order.
//
// The extents of a large, old database are millions, so they wait in a nameless file, 16 bytes each; in memory are the object
// names (one for each 16 MiB of data), 8 bytes for each block of 256 extents, and the last blocks used. Any thread may ask.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <list>
#include <mutex>
#include <unordered_map>

#include "holdfast/store/recipe.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

class ExtentMap {
public:
    /// Reads all of `extents`. Throws what they throw; io.
    ExtentMap(const Repository& repository, const ExtentSource& extents) : fd_(spool(repository)) {
        std::unordered_map<Digest, std::uint32_t, DigestHash> numbers;
        std::vector<Record> block;
        while (const std::optional<Extent> extent = extents()) {
            const auto [at, is_new] =
                numbers.emplace(extent->object, static_cast<std::uint32_t>(objects_.size()));
            if (is_new) objects_.push_back(extent->object);
            if (block.empty()) starts_.push_back(bytes_);
            block.push_back({bytes_, at->second, extent->offset});
            bytes_ += extent->length;
            if (block.size() == kBlock) flush(block);
        }
        flush(block);
    }

    std::uint64_t bytes() const { return bytes_; }

    /// The parts of objects that make the `bytes` bytes from `offset`, in order; they lie inside the stream. Throws: io.
    void for_each(std::uint64_t offset, std::uint64_t bytes,
                  const std::function<void(const Extent&)>& visit) {
        while (bytes > 0) {
            const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
            const auto number = static_cast<std::size_t>(after - starts_.begin()) - 1;
            const std::shared_ptr<const std::vector<Record>> block = load(number);
            auto next = std::upper_bound(block->begin(), block->end(), offset,
                                         [](std::uint64_t at, const Record& r) { return at < r.start; });
            for (; bytes > 0; ++next) {
                const Record& r = *(next - 1);
                const bool is_last = next == block->end();
                const auto part = std::min(bytes, (is_last ? end_of(number) : next->start) - offset);
                visit({objects_[r.object], r.offset + static_cast<std::uint32_t>(offset - r.start),
                       static_cast<std::uint32_t>(part), std::nullopt});
                offset += part;
                bytes -= part;
                if (is_last) break;
            }
        }
    }

private:
    struct Record {
        std::uint64_t start;  // in the stream
        std::uint32_t object;
        std::uint32_t offset;
    };
    static constexpr std::size_t kBlock = 256, kCachedBlocks = 64;

    /// A repository on a medium that cannot be written is read, too.
    static UniqueFd spool(const Repository& repository) {
        try {
            return repository.anonymous_file();
        } catch (const OsError&) {
            UniqueFd fd{::memfd_create("extents", MFD_CLOEXEC)};
            if (!fd) throw;
            return fd;
        }
    }
    std::uint64_t end_of(std::size_t number) const {
        return number + 1 < starts_.size() ? starts_[number + 1] : bytes_;
    }
    void flush(std::vector<Record>& block) {
        if (block.empty()) return;
        write_full(fd_.get(), std::as_bytes(std::span(block)), "write a spool file");
        last_ = block.size();
        block.clear();
    }
    std::shared_ptr<const std::vector<Record>> load(std::size_t number) {
        const std::lock_guard guard(mutex_);
        for (auto at = cached_.begin(); at != cached_.end(); ++at) {
            if (at->first != number) continue;
            cached_.splice(cached_.begin(), cached_, at);
            return cached_.front().second;
        }
        auto block = std::make_shared<std::vector<Record>>(number + 1 == starts_.size() ? last_ : kBlock);
        const auto bytes = std::as_writable_bytes(std::span(*block));
        if (pread_full(fd_.get(), bytes, number * kBlock * sizeof(Record), "read a spool file") !=
            bytes.size())
            throw Error(Kind::io, "read a spool file: it ended early");
        cached_.emplace_front(number, block);
        if (cached_.size() > kCachedBlocks) cached_.pop_back();
        return block;
    }

    UniqueFd fd_;
    std::vector<Digest> objects_;
    std::vector<std::uint64_t> starts_;  // of each block
    std::size_t last_ = 0;               // records in the last block
    std::uint64_t bytes_ = 0;
    std::mutex mutex_;
    std::list<std::pair<std::size_t, std::shared_ptr<const std::vector<Record>>>> cached_;
};

}  // namespace holdfast
