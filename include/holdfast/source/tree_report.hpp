// source/tree_report.hpp - what a tree capture hands out and what it tells afterwards.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/bytes.hpp"
#include "holdfast/source/walk_entry.hpp"
#include "holdfast/wrap/digest.hpp"

namespace holdfast {

/// Where a capture goes. For each segment in stream order: reuse(), and unless that took it over, its bytes
/// by write() and then end_segment(). After the last segment one more write() brings the tar's end blocks.
class TreeSink {
public:
    TreeSink() = default;
    TreeSink(const TreeSink&) = delete;
    TreeSink& operator=(const TreeSink&) = delete;
    virtual ~TreeSink() = default;

    /// True: the segment with this key was taken over, tar bytes and index lines.
    virtual bool reuse(const Digest& segment_key) = 0;
    virtual void write(ByteSpan tar_bytes) = 0;
    /// `key` only if a later capture may take the segment over. `index_lines` begins with the group line; it
    /// is empty, and no bytes were written, if nothing of the segment could be read.
    virtual void end_segment(const std::optional<Digest>& key, std::string_view index_lines) = 0;
};

struct TreeProblem {
    TreeIssue issue;
    std::string path;  // relative to the top, byte for byte
    std::string reason;
};

/// A segment that pg_receivewal has not received whole: written all the time, in order, so what was read of it is good up to some
/// point; and renamed when it is whole.
inline bool is_arriving_wal(const std::string& path) {
    static constexpr std::string_view kMark = ".partial";
    const std::string_view name = std::string_view{path}.substr(path.rfind('/') + 1);
    return name.size() == 24 + kMark.size() && name.ends_with(kMark) &&
           name.find_first_not_of("0123456789ABCDEF") == 24;
}

struct TreeReport {
    static constexpr std::size_t kMaxListed = 1000;  // of each list; the counts go on

    bool is_directory = true;
    std::uint64_t files = 0;  // every name of a regular file, hard links too
    std::uint64_t directories = 0;
    std::uint64_t others = 0;      // symlinks, FIFOs, devices
    std::uint64_t file_bytes = 0;  // content, each hard-linked file once
    std::uint64_t segments = 0;
    std::uint64_t reused_segments = 0;
    std::uint64_t reused_files = 0;

    std::vector<TreeProblem> problems;  // something is missing or not as it should be: the capture is partial
    std::uint64_t problem_count = 0;
    std::vector<TreeProblem> notes;  // worth knowing, nothing is missing
    std::uint64_t note_count = 0;

    void tell(TreeIssue issue, const std::string& path, const std::string& reason) {
        const bool is_to_be_expected =
            (issue == TreeIssue::changed || issue == TreeIssue::vanished) && is_arriving_wal(path);
        const bool counts = is_problem(issue) && !is_to_be_expected;
        std::vector<TreeProblem>& list = counts ? problems : notes;
        ++(counts ? problem_count : note_count);
        if (list.size() < kMaxListed) list.push_back({issue, path, reason});
    }
    void count(EntryType type, std::uint64_t bytes) {
        if (type == EntryType::file || type == EntryType::hardlink)
            ++files;
        else
            ++(type == EntryType::directory ? directories : others);
        file_bytes += bytes;
    }
};

}  // namespace holdfast
