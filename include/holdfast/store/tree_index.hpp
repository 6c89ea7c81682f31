// store/tree_index.hpp - the index of a tree: one JSON line per entry, in the order of its tar stream.
//
// {"segment_bytes":N} starts a group; the entries after it say where in these N bytes their tar records
// lie, so a group that is taken over from an earlier snapshot needs no change. The reader adds the groups
// up to offsets in the whole stream. It refuses (Kind::corrupt) lines over kMaxIndexLine, whatever
// tree_index_line.hpp refuses, and records that do not fill their group without a gap.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/base/bytes.hpp"
#include "holdfast/store/recipe.hpp"
#include "holdfast/store/tree_index_line.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

/// Entries one after the other; nothing at the end.
using EntrySource = std::function<std::optional<IndexEntry>()>;

class IndexReader {
public:
    explicit IndexReader(PullBytes pull) : lines_(std::move(pull), kMaxIndexLine, "tree index") {}

    /// The next entry, its offset counted in the whole tar stream. Throws: corrupt, what `pull` throws.
    std::optional<IndexEntry> next() {
        for (;;) {
            const std::optional<std::string_view> line = lines_.next();
            if (!line) break;
            const Json json = parse_json(*line, "tree index line");
            const detail::IndexLine fields{json};
            if (const auto bytes = fields.segment_bytes()) {
                begin_group(*bytes);
                continue;
            }
            IndexEntry entry = fields.entry();
            if (entry.offset != group_used_ || entry.length > group_bytes_ - group_used_)
                throw Error(Kind::corrupt, "tree index: the records of a group do not follow each other");
            group_used_ += entry.length;
            entry.offset += group_begin_;
            return entry;
        }
        begin_group(0);
        return std::nullopt;
    }
    /// Bytes of tar that the groups so far cover; the end-of-archive blocks come after the last.
    std::uint64_t stream_bytes() const noexcept { return group_begin_ + group_bytes_; }

private:
    void begin_group(std::uint64_t bytes) {
        if (group_used_ != group_bytes_)
            throw Error(Kind::corrupt, "tree index: the records of a group do not fill it");
        group_begin_ += group_bytes_;
        if (bytes >> 62 != 0 || group_begin_ >> 62 != 0)
            throw Error(Kind::corrupt, "tree index: impossible size of a group");
        group_bytes_ = bytes;
        group_used_ = 0;
    }

    LineReader lines_;
    std::uint64_t group_begin_ = 0;
    std::uint64_t group_bytes_ = 0;
    std::uint64_t group_used_ = 0;
};

}  // namespace holdfast
