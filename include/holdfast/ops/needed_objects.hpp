// ops/needed_objects.hpp - the objects that a restore of parts of a snapshot reads, so that nothing else is fetched.
//
// The recipes and indexes come first: a manifest alone says where they lie. With those at hand the rest is known.
#pragma once

#include <set>

#include "holdfast/ops/choose_components.hpp"
#include "holdfast/store/component_reader.hpp"

namespace holdfast::ops {

/// Of the recipes and indexes themselves; reads no object. Throws: not_found, corrupt.
inline std::set<Digest> recipe_objects(const Manifest& manifest, const ComponentChoice& choice) {
    std::set<Digest> out;
    const auto add = [&](const StoredStream& stored) {
        const ExtentSource extents = extents_of(stored.extents);
        while (const auto extent = extents()) out.insert(extent->object);
    };
    for (const Component* c : choose_components(manifest, choice)) {
        add(c->recipe);
        if (c->index) add(*c->index);
    }
    return out;
}

/// With the data. Reads recipes, and indexes where globs choose. Throws: not_found, corrupt, crypto.
inline std::set<Digest> needed_objects(ObjectReader& reader, const Manifest& manifest,
                                       const ComponentChoice& choice) {
    std::set<Digest> out = recipe_objects(manifest, choice);
    for (const Component* c : choose_components(manifest, choice)) {
        ExtentSource extents = extents_of_component(reader, *c);
        if (!choice.globs.empty()) {
            TreeSelection selection(choice.globs);
            selection.learn(entries_of_component(reader, *c));
            if (selection.matched() == 0) continue;
            const auto ranges = ranges_of(selection.wanted(entries_of_component(reader, *c)));
            extents = slice(std::move(extents), ranges);
        }
        while (const auto extent = extents()) out.insert(extent->object);
    }
    return out;
}

}  // namespace holdfast::ops
