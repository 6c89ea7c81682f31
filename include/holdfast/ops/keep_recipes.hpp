// ops/keep_recipes.hpp - the recipes that the next run on this host will need, for a repository that it cannot read.
#pragma once

#include "holdfast/ops/publish_snapshot.hpp"
#include "holdfast/store/plain_streams.hpp"

namespace holdfast::ops {

/// Of the newest snapshot of each component; others are forgotten, and so are plain manifests of snapshots that are gone. Throws: io.
inline void keep_recipes(const Repository& repository, const PlainStreams& recipes, StreamCapture& capture,
                         const std::vector<PendingComponent>& captured, const Manifest& manifest,
                         const SnapshotList& before) {
    for (const PendingComponent& pending : captured) {
        if (!pending.stream) continue;  // taken over: it is there
        recipes.keep(pending.component.recipe.digest,
                     [&](const auto& put) { detail::write_recipe(capture, *pending.stream->extents, put); });
    }
    std::set<Digest> kept, manifests;
    std::set<std::string> seen;
    const auto add = [&](const Manifest& m) {
        for (const Component& c : m.components)
            if (seen.insert(c.name).second) kept.insert(c.recipe.digest);
        if (m.private_digest) manifests.insert(*m.private_digest);
    };
    add(manifest);
    for (const Manifest& m : before.newest_first) add(m);
    recipes.forget_all_but(kept);
    plain_manifests(repository).forget_all_but(manifests);
}

}  // namespace holdfast::ops
