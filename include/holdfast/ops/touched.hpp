// ops/touched.hpp - which components and files a bad object touches.
//
// Costs only when there is damage: the recipes of the snapshots that need the object are read, and the
// indexes of trees with data in it. Memory is the bad objects, the first paths of each, and the first names
// of hard links.
#pragma once

#include <map>
#include <set>

#include "holdfast/ops/finding.hpp"
#include "holdfast/store/component_reader.hpp"

namespace holdfast::ops {

inline constexpr std::size_t kListedFiles = 20;  // per object and component; the rest is counted

using TouchedBy = std::map<Digest, std::vector<Touched>>;

namespace detail {

struct BadRange {
    std::uint64_t begin, end;  // in the stream
    Digest object;
};

/// The parts of a component's stream that lie in bad objects, in stream order. Throws: corrupt, io.
inline std::function<std::optional<BadRange>()> bad_ranges(ObjectReader& reader, const Component& c,
                                                           const std::set<Digest>& bad) {
    return [extents = extents_of_component(reader, c), &bad,
            position = std::uint64_t{0}]() mutable -> std::optional<BadRange> {
        while (const auto extent = extents()) {
            const std::uint64_t begin = std::exchange(position, position + extent->length);
            if (bad.contains(extent->object)) return BadRange{begin, position, extent->object};
        }
        return std::nullopt;
    };
}

/// Names the entries of a tree whose records have bytes in bad objects, and the hard links to them. `data`
/// has an item for each bad object already. Throws: corrupt, io.
inline void name_files(ObjectReader& reader, const Component& c, const std::set<Digest>& bad,
                       std::map<Digest, Touched>& data) {
    std::map<std::string, std::set<Digest>> first_names;  // of hard links: what their content touches
    {
        const EntrySource entries = entries_of_component(reader, c);
        while (const auto entry = entries())
            if (entry->type == EntryType::hardlink) first_names.try_emplace(entry->link);
    }
    const EntrySource entries = entries_of_component(reader, c);
    const auto ranges = bad_ranges(reader, c, bad);
    std::optional<BadRange> range = ranges();
    while (const auto entry = entries()) {
        const std::uint64_t end = entry->offset + entry->length;
        std::set<Digest> hit;
        while (range && range->begin < end) {
            hit.insert(range->object);    // records leave no gap, so it does not end before this one
            if (range->end > end) break;  // the next entry begins in it
            range = ranges();
        }
        const auto first = first_names.find(entry->type == EntryType::hardlink ? entry->link : entry->path);
        if (first != first_names.end()) {
            if (entry->type != EntryType::hardlink) first->second = hit;
            hit.insert(first->second.begin(), first->second.end());
        }
        for (const Digest& object : hit) {
            Touched& touched = data.at(object);
            if (++touched.file_count <= kListedFiles) touched.files.push_back(entry->path);
        }
    }
    while (ranges()) continue;  // to its end: only then is the recipe the right one
}

/// False if the recipe cannot be read.
inline bool add_data(ObjectReader& reader, const Component& c, const std::set<Digest>& bad, TouchedBy& out) {
    std::map<Digest, Touched> data;
    const std::uint64_t all = c.tree ? c.tree->files + c.tree->directories + c.tree->others : 0;
    bool is_entire = false;
    try {
        const auto ranges = bad_ranges(reader, c, bad);
        while (const auto range = ranges())
            data.try_emplace(range->object, Touched{c.name, "data", false, {}, 0});
    } catch (const Error&) {
        return false;
    }
    if (data.empty()) return true;
    try {
        if (c.root == RootType::directory) name_files(reader, c, bad, data);
    } catch (const Error&) {
        is_entire = true;
    }
    for (auto& [object, touched] : data) {
        if (is_entire) touched = {c.name, "data", true, {}, all};
        out[object].push_back(std::move(touched));
    }
    return true;
}

}  // namespace detail

/// For each of the `bad` objects what it touches in the snapshot. Where a recipe cannot be read, every bad
/// object that nothing else accounts for may be its data and is listed as its "unknown" part. Throws:
/// interrupted.
inline TouchedBy touched_by(ObjectReader& reader, const Manifest& manifest, const std::set<Digest>& bad) {
    TouchedBy out;
    std::vector<Touched> unknown;
    for (const Component& c : manifest.components) {
        const std::uint64_t all = c.tree ? c.tree->files + c.tree->directories + c.tree->others : 0;
        const auto add_entire = [&](const StoredStream& stream, const char* part) {
            std::set<Digest> hit;
            for (const Extent& extent : stream.extents)
                if (bad.contains(extent.object)) hit.insert(extent.object);
            for (const Digest& object : hit) out[object].push_back({c.name, part, true, {}, all});
        };
        add_entire(c.recipe, "recipe");
        if (c.index) add_entire(*c.index, "index");
        if (!detail::add_data(reader, c, bad, out)) unknown.push_back({c.name, "unknown", true, {}, all});
    }
    for (const Digest& object : bad)
        if (!unknown.empty() && !out.contains(object)) out[object] = unknown;
    return out;
}

}  // namespace holdfast::ops
