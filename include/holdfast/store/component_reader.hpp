// store/component_reader.hpp - a stored component as streams: its recipe, its index, its bytes, parts of them.
//
// Recipes and indexes are held against the length and digest in the manifest while they are read: the end of such a stream
// comes only if it was the right one. Readers and manifests must outlive what is returned.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "holdfast/store/manifest.hpp"
#include "holdfast/store/object_reader.hpp"
#include "holdfast/store/tree_select.hpp"

namespace holdfast {

/// The stream, checked: at its end throws corrupt unless length and digest are as `stored` says.
inline PullBytes pull_stored(ObjectReader& reader, const StoredStream& stored, const std::string& what) {
    struct State {
        State(ObjectReader& r, const StoredStream& s) : stream(r, extents_of(s.extents)) {
            std::optional<PullBytes> plain;
            if (r.preferred() != nullptr) plain = r.preferred()->find(s.digest);
            pull = plain ? *std::move(plain) : stream.pull();
        }
        StreamReader stream;
        PullBytes pull;
        Hasher hasher;
        bool is_checked = false;
    };
    auto state = std::make_shared<State>(reader, stored);
    return [state, digest = stored.digest, what](std::span<std::byte> out) {
        const std::size_t n = state->pull(out);
        state->hasher.update(out.first(n));
        if (n == 0 && !std::exchange(state->is_checked, true) && state->hasher.finish() != digest)
            throw Error(Kind::corrupt, what + " is not the one the manifest names",
                        "run verify; another snapshot may be whole");
        return n;
    };
}

/// The component's extents, read from its recipe as they are asked for. At the end throws corrupt unless they
/// add up to the component.
inline ExtentSource extents_of_component(ObjectReader& reader, const Component& component) {
    return [extents = parse_recipe(
                pull_stored(reader, component.recipe, "the recipe of " + in_quotes(component.name))),
            left = component.bytes, name = component.name]() mutable -> std::optional<Extent> {
        std::optional<Extent> extent = extents();
        if (extent ? extent->length > left : left != 0)
            throw Error(Kind::corrupt,
                        "the recipe of " + in_quotes(name) + " does not add up to the component");
        if (extent) left -= extent->length;
        return extent;
    };
}

/// Entries of a tree's index. Throws: corrupt.
inline EntrySource entries_of_component(ObjectReader& reader, const Component& component) {
    if (!component.index) throw Error(Kind::internal, in_quotes(component.name) + " has no index");
    auto index = std::make_shared<IndexReader>(
        pull_stored(reader, *component.index, "the index of " + in_quotes(component.name)));
    return [index] { return index->next(); };
}

/// The parts of a stream that lie in `ranges`, which ascend and do not overlap.
inline ExtentSource slice(ExtentSource extents, std::vector<ByteRange> ranges) {
    struct State {
        ExtentSource extents;
        std::vector<ByteRange> ranges;
        std::size_t at = 0;
        std::uint64_t position = 0;  // of `current` in the stream
        std::optional<Extent> current;
    };
    auto s = std::make_shared<State>(State{std::move(extents), std::move(ranges), 0, 0, std::nullopt});
    return [s]() -> std::optional<Extent> {
        for (;;) {
            while (s->at < s->ranges.size() && s->ranges[s->at].bytes == 0) ++s->at;
            if (s->at == s->ranges.size()) return std::nullopt;
            if (!s->current) s->current = s->extents();
            if (!s->current)
                throw Error(Kind::corrupt, "a stream ends before a part of it that the index names");
            ByteRange& range = s->ranges[s->at];
            const auto drop = [&](std::uint64_t n) {
                s->position += n;
                s->current->offset += static_cast<std::uint32_t>(n);
                s->current->length -= static_cast<std::uint32_t>(n);
                s->current->digest.reset();
            };
            drop(std::min<std::uint64_t>(s->current->length, range.offset - s->position));
            if (s->current->length == 0) {
                s->current.reset();
                continue;
            }
            Extent part = *s->current;
            part.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(part.length, range.bytes));
            range.offset += part.length;
            range.bytes -= part.length;
            drop(part.length);
            if (s->current->length == 0) s->current.reset();
            return part;
        }
    };
}

/// A pull over extents that owns its reader state.
inline PullBytes pull_extents(ObjectReader& reader, ExtentSource extents) {
    auto stream = std::make_shared<StreamReader>(reader, std::move(extents));
    return [stream, pull = stream->pull()](std::span<std::byte> out) mutable { return pull(out); };
}

}  // namespace holdfast
