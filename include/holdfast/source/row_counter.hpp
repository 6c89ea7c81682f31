// source/row_counter.hpp - the rows of every table of a SQLite image, counted while its pages pass by.
//
// `SELECT count(*)` reads a table once more, and nothing can stop it in time. A page says how many cells it has, and inner
// pages name their children, so the rows of a tree are a sum over its leaves (https://www.sqlite.org/fileformat2.html,
// "B-tree Pages"). Memory: at most 8 bytes a page, up to kMaxCountedPages; larger images are not counted.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/signals.hpp"

namespace holdfast {

inline constexpr std::uint64_t kMaxCountedPages = 16'000'000;  // 64 GB in pages of 4 KiB

class RowCounter {
public:
    explicit RowCounter(std::uint64_t page_count)
        : is_on_(page_count <= kMaxCountedPages), max_children_(page_count + page_count / 2 + 1000) {
        if (!is_on_) return;
        leaves_.reserve(page_count);
        seen_.resize(page_count);
    }

    /// The next page, from the first on.
    void add(ByteSpan page) {
        if (!is_on_) return;
        if (leaves_.size() == seen_.size()) return give_up();  // more pages than there are
        const std::size_t header = leaves_.empty() ? 100 : 0;  // the first page begins with the file's header
        leaves_.push_back(0);
        if (page.size() < header + 8) return;
        const std::uint16_t cells = u16(page, header + 3);
        switch (std::to_integer<int>(page[header])) {
            case 0x0D: leaves_.back() = static_cast<std::uint16_t>(kTableLeaf | (cells & kCells)); return;
            case 0x0A: leaves_.back() = static_cast<std::uint16_t>(kIndexLeaf | (cells & kCells)); return;
            case 0x05: return add_inner(page, header, cells, false);
            case 0x02: return add_inner(page, header, cells, true);
            default: return;  // overflow, free or damaged
        }
    }

    /// Has the whole image been counted? Otherwise rows() knows nothing.
    bool is_on() const { return is_on_; }

    /// Rows of the table whose tree begins at this page (1 is the first); nothing if that is no tree. A page belongs to one
    /// tree, so all tables together cost one look at each page. Throws: interrupted.
    std::optional<std::int64_t> rows(std::uint64_t root) {
        if (!is_on_) return std::nullopt;
        std::int64_t sum = 0;
        std::optional<bool> is_index;
        std::vector<std::uint32_t> open = {root > leaves_.size() ? 0 : static_cast<std::uint32_t>(root)};
        while (!open.empty()) {
            const std::uint32_t page = open.back();
            open.pop_back();
            if (page == 0 || page > leaves_.size() || seen_[page - 1]) return std::nullopt;
            seen_[page - 1] = true;
            const std::uint16_t leaf = leaves_[page - 1];
            const auto inner = inner_.find(page);
            if (leaf == 0 && inner == inner_.end()) return std::nullopt;
            const bool here = leaf != 0 ? (leaf & kIndexLeaf) != 0 : inner->second.is_index;
            if (is_index.value_or(here) != here) return std::nullopt;
            is_index = here;
            if (leaf != 0) {
                sum += leaf & kCells;
                continue;
            }
            check_interrupted();
            if (here) sum += inner->second.count - 1;  // a row between each two children
            const auto first = children_.begin() + static_cast<std::ptrdiff_t>(inner->second.first);
            open.insert(open.end(), first, first + inner->second.count);
        }
        return sum;
    }

private:
    static constexpr std::uint16_t kTableLeaf = 0x4000, kIndexLeaf = 0x8000, kCells = 0x3FFF;
    struct Inner {
        std::uint64_t first = 0;  // in children_
        std::uint32_t count = 0;
        bool is_index = false;
    };

    static std::uint16_t u16(ByteSpan page, std::size_t at) {
        return static_cast<std::uint16_t>(std::to_integer<unsigned>(page[at]) << 8U |
                                          std::to_integer<unsigned>(page[at + 1]));
    }
    static std::uint32_t u32(ByteSpan page, std::size_t at) {
        return std::uint32_t{u16(page, at)} << 16U | u16(page, at + 2);
    }

    void add_inner(ByteSpan page, std::size_t header, std::uint16_t cells, bool is_index) {
        const std::size_t pointers = header + 12;
        if (page.size() < pointers + 2U * cells) return;
        // Every page has one parent: more children than pages are no tree, and would be as much memory as somebody likes.
        if (children_.size() + cells + 1 > max_children_) return give_up();
        const Inner inner{children_.size(), cells + 1U, is_index};
        for (std::size_t i = 0; i < cells; ++i) {
            const std::size_t cell = u16(page, pointers + 2 * i);
            if (cell + 4 > page.size()) return children_.resize(inner.first);
            children_.push_back(u32(page, cell));
        }
        children_.push_back(u32(page, header + 8));
        inner_.emplace(static_cast<std::uint32_t>(leaves_.size()), inner);
    }

    void give_up() {
        is_on_ = false;
        leaves_ = {};
        children_ = {};
        inner_ = {};
    }

    bool is_on_;
    std::uint64_t max_children_;
    std::vector<bool> seen_;
    std::vector<std::uint16_t> leaves_;    // by page: its kind and its cells; 0 for others
    std::vector<std::uint32_t> children_;  // of inner pages, one after the other
    std::unordered_map<std::uint32_t, Inner> inner_;
};

}  // namespace holdfast
