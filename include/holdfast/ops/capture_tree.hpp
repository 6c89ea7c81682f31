// ops/capture_tree.hpp - one directory tree (or file) into the repository, segment by segment.
#pragma once

#include "holdfast/ops/capture_sqlite.hpp"
#include "holdfast/source/file_tree.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast::ops {

namespace detail {

struct SegmentMark final : BlockMark {
    std::optional<Digest> key;
    bool is_known = false;  // the cache has it as it is
    std::string index_lines;
};

/// Stands between the tree walk, on the producer's thread, and the pipeline.
class SegmentSink final : public TreeSink {
public:
    SegmentSink(RunContext& run, ChunkFeed& feed) : run_(run), feed_(feed) {}

    bool reuse(const Digest& key) override {
        auto cached = run_.cache.find_segment(key);
        if (!cached) return false;
        auto mark = std::make_unique<SegmentMark>();
        ObjectTable& objects = run_.capture.objects();
        bool is_moved = false;
        for (const Extent& extent : cached->extents) {
            if (!objects.adopt_any(extent.object)) return false;
            is_moved = is_moved || objects.is_retired(extent.object);
        }
        if (is_moved && !run_.can_read_back()) return false;
        run_.capture.take_over(extents_of(std::move(cached->extents)), feed_);
        mark->key = key;
        mark->is_known = !is_moved;
        mark->index_lines = std::move(cached->index_lines);
        feed_.end(std::move(mark));
        return true;
    }
    void write(ByteSpan tar_bytes) override { feed_.write(tar_bytes); }
    void end_segment(const std::optional<Digest>& key, std::string_view index_lines) override {
        auto mark = std::make_unique<SegmentMark>();
        mark->key = key;
        mark->index_lines = index_lines;
        feed_.end(std::move(mark));
    }

private:
    RunContext& run_;
    ChunkFeed& feed_;
};

inline void take_mark(BlockMark& block_mark, CapturedStream& stream, PendingComponent& out) {
    const auto* segment = dynamic_cast<SegmentMark*>(&block_mark);
    if (segment == nullptr) return;  // a part of a segment: extents
    const SegmentMark& mark = *segment;
    SegmentNote note;
    note.is_known = mark.is_known;
    note.first_extent = out.segments.empty() ? 0 : out.segments.back().last_extent;
    note.last_extent = stream.extents->count();
    note.first_byte = out.index->size();
    out.index->append(mark.index_lines);
    note.last_byte = out.index->size();
    if (mark.key) note.key = *mark.key;
    out.segments.push_back(note);
}

inline void add_report(const TreeReport& report, PendingComponent& out) {
    constexpr std::size_t kNamed = 100;  // in the manifest; the rest is counted
    Component& c = out.component;
    for (const TreeProblem& p : report.problems) {
        if (c.warnings.size() == kNamed) break;
        const std::string path = printable(c.path_of(p.path));
        c.warnings.push_back((path.empty() ? "" : path + ": ") + p.reason);
    }
    if (report.problem_count > c.warnings.size())
        c.warnings.push_back("and " + std::to_string(report.problem_count - c.warnings.size()) + " more");
    for (const TreeProblem& n : report.notes) {
        if (out.notes.size() == kNamed) break;
        out.notes.push_back(printable(c.name_of(n.path)) + ": " + n.reason);
    }
    if (report.note_count > out.notes.size())
        out.notes.push_back(c.name + ": and " + std::to_string(report.note_count - out.notes.size()) +
                            " more notes");
}

}  // namespace detail

/// Throws: not_found, io. Files that could not be read are warnings of the component.
inline PendingComponent capture_tree_source(RunContext& run, const CaptureTask& task, PendingComponent out) {
    std::error_code unresolved;
    const fs::path real = fs::canonical(task.path, unresolved);
    const fs::path inside =
        unresolved ? fs::path{} : real.lexically_relative(fs::canonical(run.repository.root()));
    if (!inside.empty() && *inside.begin() != "..")
        throw Error(Kind::refused, in_quotes(task.path) + " lies in the repository itself",
                    "name the data as the source, not its backup");
    TreeOptions options;
    options.path = task.path;
    options.exclude = task.source->exclude;
    if (task.source->newer_than) options.changed_since = run.start - *task.source->newer_than;
    options.keep_out = {run.repository.root().string(), cache_folder(run.repository).string()};
    options.file_name = fs::path(task.component).filename().string();
    options.busy_timeout = task.source->busy_timeout;
    options.staging = run.repository.make_staging();
    options.start = run.start;
    out.index = std::make_unique<TextSpool>(run.repository);
    TreeReport report;
    out.stream = run.capture.chunks(
        [&](ChunkFeed& feed) {
            detail::SegmentSink sink(run, feed);
            report = capture_tree(options, sink);
        },
        StreamCapture::StreamDigest::not_wanted,
        [&](BlockMark& mark, CapturedStream& stream) { detail::take_mark(mark, stream, out); });
    out.component.root = report.is_directory ? RootType::directory : RootType::file;
    out.component.tree = TreeFacts{report.files, report.directories, report.others, report.file_bytes};
    detail::add_report(report, out);
    return out;
}

}  // namespace holdfast::ops
