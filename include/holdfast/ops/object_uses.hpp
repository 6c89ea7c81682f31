// ops/object_uses.hpp - what the newest snapshots use of each object, and what follows from it for a run.
//
// A run keeps the account in the cache (publish_snapshot.hpp, remember()); here it is read, and made anew if it is lost.
#pragma once

#include "holdfast/ops/capture_sqlite.hpp"
#include "holdfast/ops/signature.hpp"
#include "holdfast/policy/retirement.hpp"

namespace holdfast::ops {

namespace detail {

/// Places of a component's chunks; returns what it uses of each object.
inline std::vector<ObjectUse> refill_chunks(RunContext& run, const Component& c) {
    ObjectTable& objects = run.capture.objects();
    UsedBytes used;
    const auto add = [&](const Extent& extent) {
        const auto object = objects.adopt(extent.object);
        if (!object) return;
        used[*object] += extent.length;
        run.cache.add_chunk(extent, objects.stored_bytes(*object));
    };
    for (const Extent& extent : c.recipe.extents) add(extent);
    if (c.index)
        for (const Extent& extent : c.index->extents) add(extent);
    const ExtentSource extents = extents_of_component(run.reader, c);
    while (const auto extent = extents()) add(*extent);
    std::vector<ObjectUse> uses;
    for (const auto& [object, bytes] : used)
        uses.push_back({c.name, objects.name_of(object), bytes, objects.plain_bytes(object)});
    return uses;
}

}  // namespace detail

/// For a host whose cache is new: from the recipes of the newest snapshot of each component. A host that signs believes only
/// what it signed: a recipe says which data lies where, and what it says is not read again.
inline void refill_cache(RunContext& run, const std::string& signing_key) {
    std::set<std::string> seen;
    const auto is_believed = [&](const Manifest& m) {
        return signing_key.empty() ||
               check_signature(run.repository, m.id, {signing_key, true}, m.text_digest).state ==
                   Signed::good;
    };
    run.cache.update([&] {
        for (const Manifest& m : run.snapshots.newest_first)
            for (const Component& c : m.components) {
                if (seen.contains(c.name)) continue;
                if (!is_believed(m)) break;
                seen.insert(c.name);
                try {
                    const std::vector<ObjectUse> uses = detail::refill_chunks(run, c);
                    if (m.suspect.empty()) run.cache.set_object_uses(c.name, uses);
                } catch (const Error& e) {
                    if (e.kind() != Kind::corrupt) throw;  // verify reports damage; here it costs space only
                }
            }
    });
}

/// What this run shall not refer to. Components that no snapshot has any more do not count.
inline std::set<Digest> find_retired(RunContext& run, const CapturePlan& plan, double below) {
    std::set<std::string> kept, captured;
    for (const Manifest& m : run.snapshots.newest_first)
        for (const Component& c : m.components) kept.insert(c.name);
    for (const CaptureTask& task : plan.tasks) captured.insert(task.component);
    std::vector<ObjectUse> uses = run.cache.object_uses();
    std::erase_if(uses, [&](const ObjectUse& use) { return !kept.contains(use.component); });
    return choose_retired(uses, captured, below);
}

}  // namespace holdfast::ops
