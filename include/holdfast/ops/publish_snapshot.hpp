// ops/publish_snapshot.hpp - from captured streams to a snapshot that exists.
//
// Order is everything here: data objects durable, recipes and indexes durable, then under the ledger's lock the manifest
// with its number, SHA256SUMS and its signature, one rename, the ledger line and the host's memory. Whatever happens
// before the rename, there is no snapshot; after it, it is whole.
#pragma once

#include "holdfast/base/version.hpp"
#include "holdfast/ops/pending_component.hpp"
#include "holdfast/ops/signature.hpp"
#include "holdfast/ops/snapshot_summary.hpp"
#include "holdfast/store/checksums.hpp"
#include "holdfast/store/own_prunes.hpp"
#include "holdfast/store/snapshot_index.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast::ops {

/// Streams about streams, captured after the data's objects have their names.
struct PendingMetadata {
    CapturedStream recipe;
    std::optional<CapturedStream> index;
};

namespace detail {

inline void write_recipe(StreamCapture& capture, ExtentSpool& extents,
                         const std::function<void(std::string_view)>& put) {
    std::string text;
    extents.for_each([&](const SpooledExtent& spooled) {
        text += format_extent(capture.named(spooled));
        text += '\n';
        if (text.size() < 256_KiB) return;
        put(text);
        text.clear();
    });
    put(text);
}

inline PendingMetadata capture_metadata(StreamCapture& capture, PendingComponent& pending) {
    using enum StreamCapture::StreamDigest;
    PendingMetadata metadata;
    metadata.recipe = capture.chunks(
        [&](ChunkFeed& feed) {
            write_recipe(capture, *pending.stream->extents,
                         [&](std::string_view text) { feed.write(as_bytes(text)); });
        },
        wanted);
    if (pending.index == nullptr) return metadata;
    metadata.index = capture.chunks(
        [&](ChunkFeed& feed) {
            const PullBytes pull = pending.index->pull();
            Bytes buffer(256_KiB);
            while (const std::size_t n = pull(buffer)) feed.write(ByteSpan(buffer).first(n));
        },
        wanted);
    return metadata;
}

inline StoredStream stored(StreamCapture& capture, CapturedStream& stream, UsedBytes& used) {
    StoredStream out{stream.bytes, stream.digest, {}};
    stream.extents->for_each([&](const SpooledExtent& spooled) {
        used[spooled.place.object] += spooled.place.length;
        out.extents.push_back(capture.named(spooled));
    });
    return out;
}

/// A run that was killed between its rename and its ledger line left a whole snapshot that the history does not know.
inline void record_unlisted(const Repository& repository, LedgerWriter& ledger,
                            const SnapshotList& snapshots) {
    std::set<std::string> listed;
    read_ledger(repository, [&](const LedgerLine& line) {
        if (line.event == "snapshot") listed.insert(line.snapshot);
    });
    for (const Manifest& m : snapshots.newest_first)
        if (!listed.contains(m.id))
            ledger.append("snapshot", m.id,
                          {{"number", m.number},
                           {"state", m.state()},
                           {"is_late", true},
                           {"manifest_sha256", sha256(read_manifest_text(repository, m.id)).hex()}});
}

}  // namespace detail

/// Makes all streams durable and fills in the components. Returns the objects that the snapshot needs; `metadata` keeps
/// the spools for the cache. Throws: io.
inline std::set<Digest> publish_streams(StreamCapture& capture, std::vector<PendingComponent>& components,
                                        std::vector<PendingMetadata>& metadata) {
    capture.publish();
    for (PendingComponent& pending : components)
        metadata.push_back(pending.stream ? detail::capture_metadata(capture, pending) : PendingMetadata{});
    capture.publish();
    std::set<Digest> names;
    for (std::size_t i = 0; i < components.size(); ++i) {
        PendingComponent& pending = components[i];
        if (pending.stream) {
            pending.stream->extents->for_each([&](const SpooledExtent& spooled) {
                pending.used[spooled.place.object] += spooled.place.length;
            });
            Component& c = pending.component;
            c.bytes = pending.stream->bytes;
            c.new_bytes = pending.stream->new_bytes;
            c.new_stored_bytes = 0;
            for (const Placement& place : pending.stream->new_places)
                *c.new_stored_bytes += capture.objects().stored_share(place);
            if (!c.is_tree()) c.digest = pending.stream->digest;
            c.recipe = detail::stored(capture, metadata[i].recipe, pending.used);
            if (metadata[i].index) c.index = detail::stored(capture, *metadata[i].index, pending.used);
        }
        for (const auto& [ordinal, bytes] : pending.used) names.insert(capture.objects().name_of(ordinal));
    }
    return names;
}

enum class NamesIn { manifest, sealed };

/// Gives the manifest its id, number and parent and makes the snapshot exist, signed if there is a `signing_key`. Returns why
/// the host's memory could not be written, if so: the snapshot is whole without it. Throws: io, busy, crypto.
inline std::optional<std::string> publish_snapshot(const Repository& repository, Manifest& manifest,
                                                   std::set<Digest> objects, std::chrono::seconds lock_wait,
                                                   NamesIn names = NamesIn::manifest,
                                                   const std::string& signing_key = {}) {
    LedgerWriter ledger(repository, lock_wait);
    const std::uint64_t remembered = remembered_number(repository);
    const SnapshotList before = list_snapshots(repository);
    detail::record_unlisted(repository, ledger, before);
    manifest.number = remembered;
    if (!before.newest_first.empty()) {
        const Manifest& newest = before.newest_first.front();
        manifest.number = std::max(manifest.number, newest.number);
        manifest.parent = ParentLink{newest.id, sha256(read_manifest_text(repository, newest.id))};
    }
    ++manifest.number;
    manifest.object_count = objects.size();
    do manifest.id = format_time(manifest.started, "%Y%m%dT%H%M%SZ-") + random_hex<3>();
    while (fs::exists(repository.snapshot(manifest.id)) || fs::exists(repository.trash() / manifest.id));
    std::string text;
    if (names == NamesIn::sealed) {
        PrivateManifest hidden = format_private_manifest(manifest, *repository.keyring());
        manifest.private_digest = hidden.plain_digest;
        // Before it exists: without this text the next run would not know its own sources.
        plain_manifests(repository).keep(hidden.plain_digest, [&](const auto& put) { put(hidden.plain); });
        text = std::move(hidden.text);
    } else {
        text = format_manifest(manifest);
    }
    if (text.size() > kMaxManifestBytes)
        throw Error(Kind::internal, "the manifest would be larger than a reader accepts");
    const std::string summary = format_summary(names == NamesIn::sealed ? redact(manifest) : manifest);
    const Checksums sums{{objects.begin(), objects.end()}, sha256(text), sha256(summary)};

    const TempName folder{repository.temporary("snapshot")};
    if (::mkdir(folder.path().c_str(), 0700) != 0)
        throw_os("create directory '" + folder.path().string() + "'");
    write_new_file(folder.path() / "manifest.json", as_bytes(text));
    write_new_file(folder.path() / "summary.txt", as_bytes(summary));
    manifest.text_digest = sums.manifest;
    const std::string sums_text = format_checksums(sums);
    write_new_file(folder.path() / "SHA256SUMS", as_bytes(sums_text));
    if (!signing_key.empty())
        write_new_file(folder.path() / kSignatureFile, as_bytes(sign_checksums(sums_text, signing_key)));
    sync_directory(folder.path());
    rename_path(folder.path(), repository.snapshot(manifest.id));
    sync_directory(repository.snapshots());

    try {
        ledger.append("snapshot", manifest.id,
                      {{"number", manifest.number},
                       {"state", manifest.state()},
                       {"manifest_sha256", sums.manifest->hex()}});
    } catch (const Error& e) {
        throw Error(
            e.kind(),
            "snapshot " + manifest.id + " exists and is whole, but the ledger does not say so: " + e.what(),
            e.hint());
    }
    try {
        write_state(repository, {manifest.id, manifest.number, *sums.manifest, ledger.take_memory()});
        if (OwnPrunes own(repository); !own.has_begun()) own.begin(repository);
    } catch (const std::exception& e) {
        return e.what();
    }
    return std::nullopt;
}

/// Teaches the cache what this run stored. Never fails the run: the snapshot exists already.
inline void remember(Cache& cache, StreamCapture& capture, std::vector<PendingComponent>& components,
                     std::vector<PendingMetadata>& metadata, const Manifest& manifest) {
    const auto add_chunks = [&](CapturedStream& stream) {
        stream.extents->for_each([&](const SpooledExtent& spooled) {
            if (spooled.digest && capture.objects().is_new(spooled.place.object))
                cache.add_chunk(capture.named(spooled), capture.objects().stored_bytes(spooled.place.object));
        });
    };
    const auto add_uses = [&](const PendingComponent& pending) {
        std::vector<ObjectUse> uses;
        for (const auto& [ordinal, bytes] : pending.used)
            uses.push_back({pending.component.name, capture.objects().name_of(ordinal), bytes,
                            capture.objects().plain_bytes(ordinal)});
        cache.set_object_uses(pending.component.name, uses);
    };
    const SystemSeconds now = now_utc();
    cache.update([&] {
        if (manifest.text_digest) cache.set_made(manifest.id, *manifest.text_digest);
        for (std::size_t i = 0; i < components.size(); ++i) {
            PendingComponent& pending = components[i];
            // Of this snapshot now: the one it was captured with may be pruned.
            if (pending.unchanged_key)
                cache.set_unchanged(pending.component.name, {*pending.unchanged_key, manifest.id});
            if (pending.checked)
                cache.set_checked(pending.component.name, pending.checked->key, pending.checked->findings);
            if (!pending.stream) continue;
            // A suspect snapshot may be a mistake: what the last good one uses is still wanted.
            if (manifest.suspect.empty()) add_uses(pending);
            add_chunks(*pending.stream);
            add_chunks(metadata[i].recipe);
            if (metadata[i].index) add_chunks(*metadata[i].index);
            for (const SegmentNote& note : pending.segments) {
                if (note.key == Digest{}) continue;
                if (note.is_known) {
                    cache.touch_segment(note.key, now);
                    continue;
                }
                std::string recipe;
                pending.stream->extents->for_each(
                    note.first_extent, note.last_extent,
                    [&](const SpooledExtent& s) { recipe += format_extent(capture.named(s)) + "\n"; });
                cache.add_segment(note.key, recipe, pending.index->text(note.first_byte, note.last_byte),
                                  now);
            }
        }
        cache.forget_segments_before(now - std::chrono::days{90});
        cache.forget_made_before(now - std::chrono::days{1000});
    });
    for (PendingComponent& pending : components)
        if (pending.page_map && pending.component.digest && pending.component.sqlite)
            pending.page_map->publish(*pending.component.digest, pending.component.sqlite->page_bytes,
                                      pending.component.sqlite->page_count);
}

}  // namespace holdfast::ops
