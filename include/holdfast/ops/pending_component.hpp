// ops/pending_component.hpp - a component between its capture and the manifest that names it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "holdfast/source/stream_capture.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast::ops {

/// Where in the spools a segment lies that the cache shall remember.
struct SegmentNote {
    Digest key;
    bool is_known = false;  // the cache has it already
    std::uint64_t first_extent = 0, last_extent = 0;
    std::uint64_t first_byte = 0, last_byte = 0;  // of index lines
};

/// The findings of a check, and a key of what was checked, that the cache shall remember.
struct CheckedNote {
    Digest key;
    std::string findings;
};

/// Plain bytes that a component refers to, by object.
using UsedBytes = std::map<ObjectOrdinal, std::uint64_t>;

struct PendingComponent {
    Component component;
    bool is_damaged = false;                // captured although its source is corrupt
    std::optional<CapturedStream> stream;   // absent if the last capture was taken over whole
    UsedBytes used;                         // its objects; complete when it is published
    std::unique_ptr<TextSpool> index;       // trees
    std::vector<SegmentNote> segments;      // trees
    std::optional<PageMapWriter> page_map;  // sqlite
    std::optional<Digest> unchanged_key;    // sqlite: set if the next run may take this one over
    std::vector<std::string> notes;         // worth saying, nothing is missing
    std::optional<CheckedNote> checked;     // trees: what a check found, for the next run
};

}  // namespace holdfast::ops
