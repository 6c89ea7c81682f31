// cli/drill_files.hpp - the record of a drill in a folder: Markdown, JSON, a page, and metrics.
//
// recovery_test_20261121.md and so on; a second drill of the day is recovery_test_20261121_2. No earlier record is ever replaced,
// also when two drills end at once. holdfast_drill.prom is always that of the last, but for rehearsals on a copy.
#pragma once

#include "holdfast/base/disk.hpp"
#include "holdfast/cli/drill_json.hpp"
#include "holdfast/cli/drill_page.hpp"

namespace holdfast::cli {

namespace detail {

/// False if the name is taken. Throws: io.
inline bool publish_new_file(const fs::path& path, const std::string& text) {
    const TempName tmp{path.string() + ".tmp." + std::to_string(::getpid())};
    remove_tree(tmp.path());  // ours from a crashed process that had this pid
    write_new_file(tmp.path(), as_bytes(text));
    if (::link(tmp.path().c_str(), path.c_str()) != 0) {
        if (errno == EEXIST) return false;
        throw_os("publish '" + path.string() + "'");
    }
    sync_directory(path.parent_path());
    return true;
}

}  // namespace detail

/// Before an hour of work: can a report be written there? Makes the folder. Throws: io.
inline void check_report_folder(const fs::path& folder) {
    make_directories(folder);
    if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_os("write into " + in_quotes(folder.string()));
}

/// Returns the path of the Markdown file. Throws: io.
inline fs::path write_drill_files(const ops::DrillReport& report, const fs::path& folder) {
    const std::string stem = "recovery_test_" + format_time(report.began, "%Y%m%d");
    const std::string markdown = drill_markdown(report);
    for (unsigned n = 1;; ++n) {
        const fs::path path = folder / (stem + (n == 1 ? "" : "_" + std::to_string(n)));
        const auto with = [&](const char* end) { return fs::path(path.string() + end); };
        if (fs::exists(with(".json")) || fs::exists(with(".html"))) continue;
        if (!detail::publish_new_file(with(".md"), markdown))
            continue;  // whoever makes the first has the number
        publish_file(with(".json"), as_bytes(dump_json(drill_json(report), 2) + "\n"));
        publish_file(with(".html"), as_bytes(drill_page(report)));
        if (!report.is_rehearsal)  // the metrics are about the backups; their reader is somebody else
            publish_file(folder / "holdfast_drill.prom", as_bytes(drill_metrics(report)), 0644);
        return with(".md");
    }
}

}  // namespace holdfast::cli
