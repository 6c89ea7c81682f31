// ops/stage_component.hpp - one component of a snapshot, made in a private folder with every digest checked.
//
// What it makes has no final name yet: who calls it decides when, and throws the folder away after a failure.
#pragma once

#include "holdfast/ops/restore_file.hpp"
#include "holdfast/store/tree_extract.hpp"

namespace holdfast::ops {

struct RestoredComponent {
    std::string name;
    std::string path;
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    bool has_replaced = false;  // something was there before
};

namespace detail {

/// False if the globs name nothing in this tree; then nothing was made.
inline bool stage_tree(ObjectReader& reader, const Component& c, const std::vector<std::string>& globs,
                       const fs::path& staged, RestoredComponent& done, std::vector<std::string>& warnings,
                       Progress& progress) {
    TreeSelection selection(globs);
    if (!selection.is_everything()) {
        selection.learn(entries_of_component(reader, c));
        if (selection.matched() == 0) return false;
    }
    // A tree of one file holds one entry with the file's name; a directory's entries lie below it.
    const fs::path folder = c.root == RootType::directory ? staged : fs::path(staged.string() + ".d");
    if (::mkdir(folder.c_str(), 0700) != 0) throw_os("create directory " + in_quotes(folder.string()));
    ExtractReport report;
    const auto count = [&](PullBytes pull) -> PullBytes {
        return [&progress, pull = std::move(pull)](std::span<std::byte> out) {
            const std::size_t n = pull(out);
            progress.add(n);
            return n;
        };
    };
    if (selection.is_everything()) {
        report = extract_tree(count(pull_extents(reader, extents_of_component(reader, c))),
                              want_all(entries_of_component(reader, c)), folder);
    } else {
        const auto ranges = ranges_of(selection.wanted(entries_of_component(reader, c)));
        report = extract_tree(count(pull_extents(reader, slice(extents_of_component(reader, c), ranges))),
                              selection.wanted(entries_of_component(reader, c)), folder);
    }
    done.files = report.files;
    done.bytes = report.bytes;
    for (const TreeFinding& f : report.warnings)
        warnings.push_back(printable(c.name_of(f.path)) + ": " + f.what);
    if (report.warning_count > report.warnings.size())
        warnings.push_back(c.name + ": and " + std::to_string(report.warning_count - report.warnings.size()) +
                           " more");
    if (c.root == RootType::file) {
        const std::vector<std::string> names = list_directory(folder);
        if (names.size() != 1)
            throw Error(Kind::corrupt, "component " + in_quotes(c.name) + " should be one file");
        rename_path(folder / names[0], staged);
    }
    return true;
}

}  // namespace detail

/// Makes the component, or of a tree what the globs name, at `path`, which must not exist. A file is synced, a tree is not.
/// False if the globs name nothing in it. Throws: corrupt, io.
inline bool stage_component(ObjectReader& reader, const Component& c, const std::vector<std::string>& globs,
                            const fs::path& path, RestoredComponent& done, std::vector<std::string>& warnings,
                            Progress& progress) {
    progress.start(c.name, globs.empty() ? std::optional(c.bytes) : std::nullopt);
    done.bytes = c.bytes;
    done.files = 1;
    if (c.is_tree()) return detail::stage_tree(reader, c, globs, path, done, warnings, progress);
    restore_file(reader, c, path, FileWriter::Purpose::durable, warnings, progress);
    return true;
}

/// Makes trees in this folder durable: one sync of its file system. Throws: io.
inline void sync_staged(const fs::path& folder) {
    const UniqueFd file_system = open_fd(folder.string(), O_RDONLY | O_DIRECTORY);
    if (::syncfs(file_system.get()) != 0) throw_os("sync the restored files");
}

}  // namespace holdfast::ops
