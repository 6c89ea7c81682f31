// store/component_file.hpp - a stored component as a file to read anywhere, every byte of it proven.
//
// Who reads on and on gets it in blocks of 1 MiB that were decoded ahead on other cores; who jumps gets the bytes asked
// for, through the frames that ObjectReader keeps. Memory: kBlocks MiB and those frames. Used by one thread.
#pragma once

#include <array>

#include "holdfast/store/component_reader.hpp"
#include "holdfast/store/extent_map.hpp"

namespace holdfast {

class ComponentFile {
public:
    /// Everything given must outlive this. Throws: corrupt (the recipe), io.
    ComponentFile(const Repository& repository, ObjectReader& reader, const Component& component)
        : reader_(reader), map_(repository, extents_of_component(reader, component)) {}

    std::uint64_t bytes() const { return map_.bytes(); }

    /// The bytes at `offset`, which lie inside the component. Throws what ObjectReader throws; interrupted.
    void read(std::uint64_t offset, std::span<std::byte> out) {
        while (!out.empty()) {
            const std::uint64_t block = offset / kBlockBytes;
            const std::size_t inside = offset % kBlockBytes;
            const std::size_t n = std::min<std::size_t>(out.size(), kBlockBytes - inside);
            if (Block* const whole = block_for(block)) {
                const Bytes& bytes = *whole->bytes.get();
                std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(inside), n, out.begin());
            } else {
                read_through(offset, out.first(n));
            }
            offset += n;
            out = out.subspan(n);
        }
    }

private:
    static constexpr std::size_t kBlockBytes = 1_MiB, kBlocks = 16, kAhead = 4;
    static constexpr unsigned kTries = 8;  // jumps into one block until it is worth having whole

    struct Block {
        std::uint64_t number = 0;
        std::uint64_t used = 0;  // when; 0 is never
        std::shared_future<std::shared_ptr<const Bytes>> bytes;
    };

    Block* find(std::uint64_t number) {
        for (Block& b : blocks_)
            if (b.used != 0 && b.number == number) return &b;
        return nullptr;
    }
    Block* block_for(std::uint64_t number) {
        if (last_ != nullptr && last_->number == number) return last_;
        check_interrupted();
        Block* found = find(number);
        if (found == nullptr && !is_worth_it(number)) return nullptr;
        if (found == nullptr) found = launch(number);
        found->used = ++now_;
        for (std::uint64_t next = number + 1; next <= number + kAhead; ++next)
            if (next * kBlockBytes < bytes() && find(next) == nullptr) launch(next);
        return last_ = found;
    }
    /// The start, what follows on a block, and what is asked for again and again.
    bool is_worth_it(std::uint64_t number) {
        if (number == 0 || find(number - 1) != nullptr) return true;
        unsigned& tries = tries_[number % tries_.size()];
        return ++tries % kTries == 0;
    }
    Block* launch(std::uint64_t number) {
        Block& oldest = *std::min_element(blocks_.begin(), blocks_.end(),
                                          [](const Block& a, const Block& b) { return a.used < b.used; });
        if (last_ == &oldest) last_ = nullptr;
        oldest.number = number;
        oldest.used = ++now_;
        oldest.bytes = std::async(std::launch::async, [this, number] {
                           auto bytes = std::make_shared<Bytes>(
                               std::min<std::uint64_t>(kBlockBytes, this->bytes() - number * kBlockBytes));
                           read_through(number * kBlockBytes, *bytes);
                           return std::shared_ptr<const Bytes>(std::move(bytes));
                       }).share();
        return &oldest;
    }
    void read_through(std::uint64_t offset, std::span<std::byte> out) {
        map_.for_each(offset, out.size(), [&](const Extent& part) {
            reader_.read(part, out.first(part.length));
            out = out.subspan(part.length);
        });
    }

    ObjectReader& reader_;
    ExtentMap map_;
    std::array<unsigned, 256> tries_{};
    std::uint64_t now_ = 0;
    Block* last_ = nullptr;
    std::array<Block, kBlocks> blocks_;  // destroyed first: their threads use the others
};

}  // namespace holdfast
