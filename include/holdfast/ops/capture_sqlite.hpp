// ops/capture_sqlite.hpp - one database into the repository: taken over, page by page, or new.
#pragma once

#include "holdfast/ops/pending_component.hpp"
#include "holdfast/ops/plan_sources.hpp"
#include "holdfast/source/segment.hpp"
#include "holdfast/source/sqlite_image.hpp"
#include "holdfast/source/tree_shared.hpp"
#include "holdfast/store/component_reader.hpp"
#include "holdfast/store/snapshot_index.hpp"

namespace holdfast::ops {

/// What every capture of a run shares.
struct RunContext {
    const Repository& repository;
    Cache& cache;
    StreamCapture& capture;
    ObjectReader& reader;
    const SnapshotList& snapshots;  // before this run
    std::chrono::system_clock::time_point start;
    bool keep_corrupt = false;

    /// What lies in objects of earlier runs; not if they are sealed, then it is taken from the source again.
    bool can_read_back() const { return repository.keyring() == nullptr; }

    /// Is the manifest what a run on this host wrote? What another one says of data must be read before it is believed: with
    /// it a change of the storage would get into the next snapshot, and under its signature.
    bool is_own(const Manifest& m) const { return m.text_digest && cache.find_made(m.id) == m.text_digest; }
};

/// A component in the newest snapshot that has it with this kind.
struct PreviousComponent {
    const Component* component = nullptr;  // null: there is none
    bool is_own = false;
};
inline PreviousComponent previous_component(const RunContext& run, const std::string& name,
                                            const std::string& kind) {
    for (const Manifest& m : run.snapshots.newest_first)
        if (const Component* c = m.find(name); c != nullptr && c->kind == kind) return {c, run.is_own(m)};
    return {};
}

namespace detail {

inline std::optional<std::array<std::byte, 4>> change_counter(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    std::array<std::byte, 4> counter{};
    if (!fd || pread_full(fd.get(), counter, 24, "read " + in_quotes(path)) != counter.size())
        return std::nullopt;
    return counter;
}

/// A key for "these files are as they were", or nothing if their times are too fresh to tell. Call it while
/// no connection is open.
inline std::optional<Digest> unchanged_key(const std::string& path,
                                           std::chrono::system_clock::time_point start) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) return std::nullopt;
    const auto start_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(start.time_since_epoch()).count();
    std::string text = path;
    const auto add = [&](const struct stat& s) {
        for (const std::int64_t value :
             {static_cast<std::int64_t>(s.st_dev), static_cast<std::int64_t>(s.st_ino),
              static_cast<std::int64_t>(s.st_size), to_ns(s.st_mtim), to_ns(s.st_ctim)})
            text += "|" + std::to_string(value);
        return to_ns(s.st_mtim) < start_ns - kRacyNs && to_ns(s.st_ctim) < start_ns - kRacyNs;
    };
    bool settled = add(st);
    for (const char* suffix : {"-wal", "-journal"}) {
        struct stat sidecar {};
        const bool exists = ::lstat((path + suffix).c_str(), &sidecar) == 0;
        text += suffix;
        // An empty WAL says the same as none, and reading alone may create one.
        if (exists && sidecar.st_size > 0) settled = add(sidecar) && settled;
    }
    const auto counter = change_counter(path);
    if (!settled || !counter) return std::nullopt;
    return sha256(text + "|" + to_hex(*counter));
}

enum class Adopted { none, all, some_retired };

/// Looks for every object of a stored component and counts what it uses of them; none if one is gone.
inline Adopted adopt_objects(RunContext& run, const Component& component, UsedBytes& out) {
    bool has_retired = false;
    const auto adopt = [&](const Extent& extent) {
        const auto ordinal = run.capture.objects().adopt_any(extent.object);
        if (ordinal) out[*ordinal] += extent.length;
        has_retired = has_retired || run.capture.objects().is_retired(extent.object);
        return ordinal.has_value();
    };
    for (const Extent& extent : component.recipe.extents)
        if (!adopt(extent)) return Adopted::none;
    const ExtentSource extents = extents_of_component(run.reader, component);
    while (const auto extent = extents())
        if (!adopt(*extent)) return Adopted::none;
    return has_retired ? Adopted::some_retired : Adopted::all;
}

/// The last capture as it is, but for what lies in retired objects: that is copied out of them.
inline bool take_over(RunContext& run, const std::string& name, const std::optional<Digest>& key,
                      PendingComponent& out) {
    const auto last = key ? run.cache.find_unchanged(name) : std::nullopt;
    if (!last || last->key != *key) return false;
    for (const Manifest& m : run.snapshots.newest_first) {
        const Component* c = m.id == last->snapshot ? m.find(name) : nullptr;
        if (c == nullptr || c->kind != "sqlite" || !c->warnings.empty() || !run.is_own(m)) continue;
        Adopted adopted = Adopted::none;
        try {
            adopted = adopt_objects(run, *c, out.used);
            if (adopted == Adopted::none) break;
            if (adopted == Adopted::some_retired && !run.can_read_back()) break;
        } catch (const Error& e) {
            if (e.kind() != Kind::corrupt && e.kind() != Kind::crypto) throw;
            break;  // its recipe is damaged, or sealed and not in the cache: read the source
        }
        const std::string path = out.component.path, source = out.component.source,
                          source_class = out.component.source_class;
        out.component = *c;
        out.component.path = path;
        out.component.source = source;
        out.component.source_class = source_class;
        out.component.new_bytes = 0;
        out.component.new_stored_bytes = 0;
        out.unchanged_key = key;
        if (adopted == Adopted::some_retired) {
            out.used.clear();
            out.stream = run.capture.taken(extents_of_component(run.reader, *c));
            out.stream->digest = *c->digest;
        }
        return true;
    }
    out.used.clear();
    return false;
}

/// Last time's image with its page fingerprints, from the cache or, if that is lost or of another manifest than this host
/// wrote, from the image itself.
inline std::optional<PreviousImage> previous_image(RunContext& run, const std::string& name,
                                                   std::uint64_t page_bytes) {
    const auto [last, is_own] = previous_component(run, name, "sqlite");
    if (last == nullptr || !last->digest || !last->sqlite || last->sqlite->page_bytes != page_bytes ||
        page_bytes == 0)
        return std::nullopt;
    const fs::path path = run.cache.page_map(name);
    try {
        auto pages = is_own ? PageMapReader::open(path, *last->digest) : std::nullopt;
        if (!pages && !path.empty() && run.can_read_back()) {
            PageMapWriter map(path, random_fingerprint_key());
            Hasher whole;
            run.capture.map_pages(
                [&](PageFeed& feed) {
                    StreamReader image(run.reader, extents_of_component(run.reader, *last));
                    while (const auto piece = image.next()) {
                        whole.update(*piece);
                        feed.write(*piece);
                    }
                },
                page_bytes, map);
            if (whole.finish() != *last->digest) return std::nullopt;
            map.publish(*last->digest, page_bytes, last->bytes / page_bytes);
            pages = PageMapReader::open(path, *last->digest);
        }
        if (!pages) return std::nullopt;
        return PreviousImage{*std::move(pages), extents_of_component(run.reader, *last)};
    } catch (const Error&) {
        return std::
            nullopt;  // damage in the repository is verify's to report; here it only costs a full copy
    }
}

inline FileFacts file_facts(const std::string& path) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) throw_os("stat " + in_quotes(path));
    return {static_cast<std::uint32_t>(st.st_mode & 07777U), st.st_uid, st.st_gid, to_ns(st.st_mtim)};
}

inline void capture_damaged(RunContext& run, const std::string& path, const SqliteImageOptions& options,
                            PendingComponent& out) {
    const PrivateCopy copy(path, options.staging, options.busy_timeout);
    const UniqueFd fd = open_fd(copy.path(), O_RDONLY);
    out.stream = run.capture.chunks(
        [&](ChunkFeed& feed) {
            Bytes buffer(1_MiB);
            while (const std::size_t n = read_some(fd.get(), buffer, "read " + in_quotes(path)))
                feed.write(ByteSpan(buffer).first(n));
        },
        StreamCapture::StreamDigest::wanted);
    out.is_damaged = true;
    out.component.warnings.push_back("captured although SQLite calls it damaged: these are its raw bytes");
}

}  // namespace detail

/// Throws: not_found, busy, corrupt, io. On a throw nothing refers to what was already packed.
inline PendingComponent capture_sqlite(RunContext& run, const CaptureTask& task, PendingComponent out) {
    // Sidecars lie beside the file itself, not beside a link to it.
    std::error_code unresolved;
    const fs::path real = fs::canonical(task.path, unresolved);
    const std::string path = unresolved ? task.path : real.string();
    out.component.root = RootType::file;
    auto key = detail::unchanged_key(path, run.start);
    struct stat st {};
    const bool has_other_names = ::stat(path.c_str(), &st) == 0 && st.st_nlink > 1;
    if (has_other_names) key.reset();  // a WAL beside another name is not in the key
    if (detail::take_over(run, task.component, key, out)) {
        out.component.file = detail::file_facts(path);
        return out;
    }
    const SqliteImageOptions options{task.source->busy_timeout, run.repository.make_staging()};
    try {
        SqliteImage image(path, options);
        if (has_other_names && image.page_count() > 0)
            out.component.warnings.push_back(
                other_name_warning(fs::path(path).filename().string(), st.st_nlink));
        if (image.has_hot_journal()) key.reset();
        out.component.file = detail::file_facts(path);
        const std::uint64_t page_bytes = image.page_bytes() == 0 ? 4096 : image.page_bytes();
        auto previous = detail::previous_image(run, task.component, image.page_bytes());
        out.page_map.emplace(run.cache.page_map(task.component),
                             previous ? previous->pages.key() : random_fingerprint_key());
        RowCounter counter(image.page_count());
        out.stream = run.capture.pages(
            [&](PageFeed& feed) {
                image.copy_to([&](ByteSpan page) {
                    counter.add(page);
                    feed.write(page);
                });
            },
            page_bytes, std::move(previous), *out.page_map);
        if (out.stream->bytes != image.bytes())
            throw Error(Kind::internal, "the image of " + in_quotes(path) + " has the wrong length");
        std::vector<std::string> uncounted;
        out.component.sqlite =
            SqliteFacts{image.page_bytes(),     image.page_count(), image.user_version(),
                        image.application_id(), image.is_wal(),     image.row_counts(counter, uncounted),
                        image.table_count()};
        for (std::size_t i = 0; i < std::min<std::size_t>(uncounted.size(), 10); ++i)
            out.component.warnings.push_back("table " + in_quotes(uncounted[i]) +
                                             " is damaged: its pages are no tree; run verify --deep");
        if (out.stream->has_lost_base)
            out.notes.push_back(task.component +
                                ": the last snapshot's recipe is damaged, so unchanged pages were stored "
                                "again; run verify --all");
        if (image.was_recovered())
            out.notes.push_back(
                task.component +
                ": read from a private copy, because it had a hot journal or could not be read in place");
    } catch (const Error& e) {
        if (e.kind() != Kind::corrupt || !run.keep_corrupt) throw;
        detail::capture_damaged(run, path, options, out);
        return out;
    }
    // Only if nothing was committed while we read does today's key describe what was captured.
    if (key && detail::unchanged_key(path, run.start) == key) out.unchanged_key = key;
    return out;
}

}  // namespace holdfast::ops
