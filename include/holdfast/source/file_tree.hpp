// source/file_tree.hpp - captures a directory tree, or one file, as a tar stream with an index.
//
// Promises: names byte for byte, no link followed below the top, nothing but regular files opened, at most
// the size first seen read of each. What could not be read, or changed meanwhile, is in the report and
// the rest is captured. A segment whose stats are known to the sink is taken over without opening its files
// (only a file with a -wal, -shm or -journal beside it, or with several names, is asked for its first 16
// bytes). SQLite files become consistent images. The stream ends with the tar's end blocks, which belong to
// no segment.
// Refuses: a top that is neither directory nor regular file. One thread at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/source/segment.hpp"
#include "holdfast/source/tree_capture.hpp"
#include "holdfast/source/tree_sqlite.hpp"
#include "holdfast/source/tree_walk.hpp"

namespace holdfast {

struct TreeOptions {
    std::string path;                   // a link to the top is followed, links inside are not
    std::vector<std::string> exclude;   // globs held against the path relative to the top (glob_covers)
    std::vector<std::string> keep_out;  // directories that are never entered: the repository, the cache
    std::optional<std::chrono::system_clock::time_point> changed_since;  // older files are left out
    std::string file_name;  // name of the entry if `path` is one file; empty: its own name
    std::chrono::milliseconds busy_timeout{30'000};  // for each SQLite file
    std::filesystem::path staging;                   // for private copies of databases
    std::chrono::system_clock::time_point start = std::chrono::system_clock::now();
    ImageOpener open_sqlite;  // empty: SqliteImage with the two options above
};

namespace detail {

inline std::vector<FileIdentity> identities_of(const std::vector<std::string>& paths) {
    std::vector<FileIdentity> found;
    for (const std::string& path : paths) {
        struct stat st {};
        if (::stat(path.c_str(), &st) == 0) found.push_back(identity_of(st));
    }
    return found;
}

/// Groups what the walk finds and lets the sink take over or the capture write each group.
class SegmentLoop {
public:
    /// `only_name` is the name under which a single file is recorded; its records are of no use under another.
    SegmentLoop(TreeCapture& capture, TreeSink& sink, TreeReport& report, std::int64_t start_ns,
                const std::string& only_name)
        : capture_(capture), sink_(sink), report_(report), start_ns_(start_ns),
          variant_(kVariant + only_name) {}

    void add(WalkEntry entry) {
        const bool alone = is_own_segment(entry);
        if (alone) flush();
        weight_ += segment_weight(entry);
        const bool ends = alone || ends_segment(entry, weight_);
        pending_.push_back(std::move(entry));
        if (ends) flush();
    }
    void flush() {
        if (pending_.empty()) return;
        const Digest key = segment_key(pending_, variant_);
        ++report_.segments;
        if (!capture_.must_write(pending_) && sink_.reuse(key)) {
            ++report_.reused_segments;
            for (const WalkEntry& entry : pending_) count_reused(entry);
        } else {
            const bool is_clean = capture_.write(pending_);
            const bool is_cacheable = is_clean && is_settled(pending_, start_ns_);
            const std::string lines = capture_.end_segment();
            sink_.end_segment(is_cacheable ? std::optional(key) : std::nullopt, lines);
        }
        pending_.clear();
        weight_ = 0;
    }

private:
    void count_reused(const WalkEntry& entry) {
        const bool is_file = entry.type == EntryType::file;
        report_.count(entry.type, is_file ? static_cast<std::uint64_t>(entry.st.st_size) : 0);
        report_.reused_files += is_file ? 1 : 0;
    }

    inline static const std::string kVariant = "holdfast-tree-2|";  // raise when the records change
    TreeCapture& capture_;
    TreeSink& sink_;
    TreeReport& report_;
    std::int64_t start_ns_;
    std::string variant_;
    std::vector<WalkEntry> pending_;
    std::uint64_t weight_ = 0;
};

}  // namespace detail

/// Captures options.path into `sink`. Throws: not_found (no such path), io (top cannot be opened, or is no
/// file or directory), interrupted, and what the sink throws.
inline TreeReport capture_tree(const TreeOptions& options, TreeSink& sink) {
    struct stat top {};
    if (::stat(options.path.c_str(), &top) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            throw Error(Kind::not_found, in_quotes(options.path) + " does not exist",
                        "check the path of the source");
        throw_os("look at " + in_quotes(options.path));
    }
    if (!S_ISDIR(top.st_mode) && !S_ISREG(top.st_mode))
        throw Error(Kind::io, in_quotes(options.path) + " is neither a directory nor a regular file",
                    "name a directory or a regular file as the source");
    TreeReport report;
    report.is_directory = S_ISDIR(top.st_mode);
    const std::filesystem::path real = std::filesystem::canonical(options.path);
    const std::string directory = report.is_directory ? real.string() : real.parent_path().string();
    const ImageOpener opener = options.open_sqlite
                                   ? options.open_sqlite
                                   : sqlite_image_opener({options.busy_timeout, options.staging});
    const auto open_top = [&] { return open_fd(directory, O_PATH | O_DIRECTORY); };
    const auto start = std::chrono::duration_cast<std::chrono::nanoseconds>(options.start.time_since_epoch());
    TreeCapture capture(open_top(), directory, opener, sink, report);
    const std::string only_name = report.is_directory         ? std::string{}
                                  : options.file_name.empty() ? real.filename().string()
                                                              : options.file_name;
    detail::SegmentLoop segments(capture, sink, report, start.count(), only_name);
    if (report.is_directory) {
        TreeWalk walk(open_top(), options.exclude, detail::identities_of(options.keep_out),
                      [&](TreeIssue issue, const std::string& path, const std::string& why) {
                          report.tell(issue, path, why);
                      });
        if (options.changed_since) walk.leave_out_before(options.changed_since->time_since_epoch());
        while (auto entry = walk.next()) segments.add(*std::move(entry));
    } else {
        capture.name_as(only_name);
        WalkEntry entry = walk_one_file(open_top().get(), real.filename().string());
        if (entry.st.st_nlink > 1) entry.names = 1;
        segments.add(std::move(entry));
    }
    segments.flush();
    capture.finish();
    return report;
}

}  // namespace holdfast
