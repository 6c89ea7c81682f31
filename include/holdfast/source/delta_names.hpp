// source/delta_names.hpp - what the names in the _delta_log folder of a Delta Lake table mean.
//
// Format: "Delta Log Entries", "Checkpoints" and "Sidecar Files" in PROTOCOL.md of github.com/delta-io/delta.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

struct DeltaCommit {
    std::string_view table;  // path of the table's directory, "." for the top
    std::uint64_t version;
};

/// One file of a checkpoint.
struct DeltaCheckpoint {
    std::string_view table;
    std::uint64_t version;
    std::string set;      // the same for all files of one checkpoint
    std::uint64_t files;  // that make the checkpoint
};

namespace detail {

/// "<table>/<folder><name>", where `folder` ends with a slash.
struct DeltaPath {
    std::string_view table, name;
};
inline std::optional<DeltaPath> parse_delta_path(std::string_view path, std::string_view folder) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::string_view name = path.substr(slash + 1);
    path = path.substr(0, slash + 1);
    if (!path.ends_with(folder)) return std::nullopt;
    path.remove_suffix(folder.size());
    if (path.empty()) return DeltaPath{".", name};
    if (path.back() != '/') return std::nullopt;
    path.remove_suffix(1);
    return DeltaPath{path, name};
}
inline std::optional<std::uint64_t> parse_digits(std::string_view text, std::size_t count) {
    const bool is_number = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (text.size() != count || !is_number) return std::nullopt;
    return parse_number<std::uint64_t>(text);
}

}  // namespace detail

/// Is `path` a commit, "<table>/_delta_log/<20 digits>.json"?
inline std::optional<DeltaCommit> parse_delta_commit(std::string_view path) {
    auto at = detail::parse_delta_path(path, "_delta_log/");
    if (!at || !at->name.ends_with(".json")) return std::nullopt;
    at->name.remove_suffix(5);
    const auto version = detail::parse_digits(at->name, 20);
    if (!version) return std::nullopt;
    return DeltaCommit{at->table, *version};
}

/// Is `path` a file of a checkpoint? "<version>.checkpoint.parquet" is a whole one,
/// "<version>.checkpoint.<part>.<parts>.parquet" one file of several (10 digits each), and
/// "<version>.checkpoint.<uuid>.parquet" or ".json" may name sidecars.
inline std::optional<DeltaCheckpoint> parse_delta_checkpoint(std::string_view path) {
    const auto at = detail::parse_delta_path(path, "_delta_log/");
    if (!at) return std::nullopt;
    const std::vector<std::string_view> words = split(at->name, '.');
    if (words.size() < 3 || words.size() > 5 || words[1] != "checkpoint") return std::nullopt;
    const auto version = detail::parse_digits(words[0], 20);
    const bool is_parquet = words.back() == "parquet";
    if (!version || (!is_parquet && words.back() != "json")) return std::nullopt;
    if (words.size() == 5) {
        const auto part = detail::parse_digits(words[2], 10), parts = detail::parse_digits(words[3], 10);
        if (!is_parquet || !part || !parts || *part == 0 || *part > *parts) return std::nullopt;
        return DeltaCheckpoint{at->table, *version, "of " + std::string(words[3]), *parts};
    }
    if (words.size() == 4 ? words[2].size() != 36 : !is_parquet) return std::nullopt;
    return DeltaCheckpoint{at->table, *version, std::string(at->name), 1};
}

/// The table of a sidecar, "<table>/_delta_log/_sidecars/<name>".
inline std::optional<std::string_view> parse_delta_sidecar(std::string_view path) {
    const auto at = detail::parse_delta_path(path, "_delta_log/_sidecars/");
    if (!at || !at->name.ends_with(".parquet")) return std::nullopt;
    return at->table;
}

}  // namespace holdfast
