// source/tree_record.hpp - writes entries to the tar stream and the same entries to the index.
//
// A file's content comes in order, holes told apart from data; its digest is taken on the way. Content that
// cannot be read to its end is filled with zeros, which the index then says ("truncated"): the tar header
// with the size was written before. One thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>

#include "holdfast/base/signals.hpp"
#include "holdfast/store/tree_index_line.hpp"
#include "holdfast/wrap/digest.hpp"
#include "holdfast/wrap/tar.hpp"

namespace holdfast {

class TreeRecorder {
public:
    explicit TreeRecorder(TarWriter::Output output) : tar_(std::move(output)) {}

    /// Starts a record; `entry.size` is final. end() must follow.
    void begin(const TarEntry& entry) {
        line_ = {};
        line_.path = entry.path;
        line_.type = entry.type;
        line_.mode = entry.mode;
        line_.uid = entry.uid;
        line_.gid = entry.gid;
        line_.mtime_ns = entry.mtime_ns;
        line_.size = entry.type == EntryType::file ? entry.size : 0;
        line_.link = entry.link;
        line_.device_major = entry.device_major;
        line_.device_minor = entry.device_minor;
        line_.offset = tar_.position() - segment_begin_;
        done_ = 0;
        tar_.begin(entry);
    }
    void data(ByteSpan bytes) {
        hasher_.update(bytes);
        tar_.data(bytes);
        done_ += bytes.size();
    }
    /// A hole up to `offset` of the file.
    void hole_until(std::uint64_t offset) {
        static constexpr std::array<std::byte, 65536> kZeros{};
        while (done_ < offset) {
            check_interrupted();
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kZeros.size(), offset - done_));
            data({kZeros.data(), n});
        }
    }
    void mark_sqlite() { line_.is_sqlite = true; }
    void mark_changed() { line_.is_changed = true; }
    /// Bytes of content so far.
    std::uint64_t done() const noexcept { return done_; }

    /// The record is over; a file that is not complete becomes a truncated one.
    void end() {
        if (line_.type == EntryType::file) line_.sha256 = hasher_.finish();
        if (done_ < line_.size) {
            line_.truncated = done_;
            tar_.zeros(line_.size - done_);
        }
        tar_.end();
        line_.length = tar_.position() - segment_begin_ - line_.offset;
        append_index_line(lines_, line_);
    }

    /// Ends the segment: its index lines, group line first; empty if there were no records.
    std::string end_segment() {
        tar_.flush();
        const std::uint64_t bytes = tar_.position() - std::exchange(segment_begin_, tar_.position());
        if (bytes == 0) return {};
        std::string text;
        append_segment_line(text, bytes);
        text += std::exchange(lines_, {});
        return text;
    }
    /// Writes the end of the archive.
    void finish() { tar_.finish(); }

private:
    TarWriter tar_;
    Hasher hasher_;
    IndexEntry line_;
    std::string lines_;
    std::uint64_t segment_begin_ = 0;
    std::uint64_t done_ = 0;
};

}  // namespace holdfast
