// store/recipe.hpp - which plain bytes of which objects make a stream.
//
// One line per extent in stream order: "<object> <offset> <length>[ <sha256 of these bytes>]", numbers in
// decimal, offsets and lengths in plain bytes. Recipes are untrusted input: every line is bounded.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/store/object_format.hpp"
#include "holdfast/wrap/digest.hpp"

namespace holdfast {

struct Extent {
    Digest object;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::optional<Digest> digest;  // of the plain bytes; chunks have it, runs of pages do not

    bool operator==(const Extent&) const = default;
};

/// Yields extents in stream order, then nothing.
using ExtentSource = std::function<std::optional<Extent>()>;

inline std::string format_extent(const Extent& extent) {
    std::string line =
        extent.object.hex() + ' ' + std::to_string(extent.offset) + ' ' + std::to_string(extent.length);
    if (extent.digest) line += ' ' + extent.digest->hex();
    return line;
}

/// Throws: corrupt, also for an extent that cannot lie in one object.
inline Extent parse_extent(std::string_view line) {
    const auto refuse = [&]() -> Extent {
        throw Error(Kind::corrupt, "recipe line " + in_quotes(line.substr(0, 200)) + " is malformed");
    };
    const std::vector<std::string_view> parts = split(line, ' ');
    if (parts.size() != 3 && parts.size() != 4) return refuse();
    const auto object = Digest::parse(parts[0]);
    const auto offset = parse_number<std::uint32_t>(parts[1]);
    const auto length = parse_number<std::uint32_t>(parts[2]);
    if (!object || !offset || !length || *length == 0) return refuse();
    if (std::uint64_t{*offset} + *length > kObjectBytes) return refuse();
    Extent extent{*object, *offset, *length, std::nullopt};
    if (parts.size() == 4) {
        extent.digest = Digest::parse(parts[3]);
        if (!extent.digest) return refuse();
    }
    return extent;
}

/// Cuts a byte stream into lines of bounded length. Throws: corrupt (too long, or no newline at the end).
class LineReader {
public:
    LineReader(PullBytes pull, std::size_t max_line_bytes, std::string what)
        : pull_(std::move(pull)), max_line_(max_line_bytes), what_(std::move(what)) {}

    /// The next line without its newline, valid until the next call; nothing at the end.
    std::optional<std::string_view> next() {
        for (;;) {
            const std::size_t newline = buffer_.find('\n', at_);
            if (newline != std::string::npos) {
                const std::string_view line = std::string_view(buffer_).substr(at_, newline - at_);
                at_ = newline + 1;
                return line;
            }
            buffer_.erase(0, std::exchange(at_, 0));
            if (buffer_.size() > max_line_)
                throw Error(Kind::corrupt, what_ + " has a line that is too long");
            const std::size_t had = buffer_.size();
            buffer_.resize(had + 64_KiB);
            const std::size_t n = pull_(std::as_writable_bytes(std::span(buffer_)).subspan(had));
            buffer_.resize(had + n);
            if (n != 0) continue;
            if (!buffer_.empty()) throw Error(Kind::corrupt, what_ + " ends in the middle of a line");
            return std::nullopt;
        }
    }

private:
    PullBytes pull_;
    std::size_t max_line_;
    std::string what_;
    std::string buffer_;
    std::size_t at_ = 0;
};

inline constexpr std::size_t kMaxRecipeLine = 64 + 1 + 10 + 1 + 10 + 1 + 64;

/// Extents from recipe text. The reader behind `pull` must outlive the source.
inline ExtentSource parse_recipe(PullBytes pull) {
    auto lines = std::make_shared<LineReader>(std::move(pull), kMaxRecipeLine, "recipe");
    return [lines]() -> std::optional<Extent> {
        const auto line = lines->next();
        if (!line) return std::nullopt;
        return parse_extent(*line);
    };
}

/// Extents that are already in memory.
inline ExtentSource extents_of(std::vector<Extent> extents) {
    auto list = std::make_shared<std::vector<Extent>>(std::move(extents));
    return [list, i = std::size_t{0}]() mutable -> std::optional<Extent> {
        if (i == list->size()) return std::nullopt;
        return (*list)[i++];
    };
}

}  // namespace holdfast
