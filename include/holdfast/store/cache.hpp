// store/cache.hpp - what this host remembers of a repository; only speed, never truth.
//
// Maps chunk digests to places and segment keys to their recipe and index lines, and keeps how much of each object the
// newest snapshots use (a loss changes what a run stores anew, not what a snapshot holds). Objects never change, so an
// old row is either still right or names an object that is gone; users of a hit check that the object
// exists (ObjectTable::adopt). Lost, unreadable or damaged caches are made anew. It lies outside the repository. A cache
// that fails in the middle of a run finds nothing from then on, and trouble() says why; no capture fails for it.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "holdfast/base/clock.hpp"
#include "holdfast/store/cache_tables.hpp"
#include "holdfast/store/object_use.hpp"
#include "holdfast/store/recipe.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

struct CachedSegment {
    std::vector<Extent> extents;
    std::string index_lines;
};

class Cache {
public:
    /// `folder` is private to this user and repository; without one (or if it cannot be used) the cache lives in memory
    /// for this run, and `trouble()` says why.
    explicit Cache(const fs::path& folder) {
        try {
            make_directories(folder);
            folder_ = folder;
            try {
                open((folder / "index.db").string());
            } catch (const Error& e) {
                if (e.kind() == Kind::busy) throw;
                db_.reset();  // damaged, of another shape, or no file at all: it is made anew
                for (const char* suffix : {"", "-wal", "-shm"})
                    remove_tree(folder / ("index.db" + std::string(suffix)));
                open((folder / "index.db").string());
            }
        } catch (const std::exception& e) {
            trouble_ = e.what();
            folder_.clear();
            open(":memory:");
        }
    }

    const std::string& trouble() const { return trouble_; }
    bool is_fresh() const { return is_fresh_; }

    /// Where page digests of the component are remembered; empty if nothing can be kept.
    fs::path page_map(const std::string& component) const {
        return folder_.empty() ? fs::path{} : folder_ / ("pages-" + sha256(component).hex().substr(0, 32));
    }

    /// The extent of a chunk with this digest, and the stored size of its object.
    std::optional<std::pair<Extent, std::uint64_t>> find_chunk(const Digest& digest) {
        return look_up<std::pair<Extent, std::uint64_t>>(
            *find_chunk_, ByteSpan(digest.bytes),
            [&](Statement& q) -> std::optional<std::pair<Extent, std::uint64_t>> {
                Extent extent;
                if (!read_digest(q.blob(0), extent.object)) return std::nullopt;
                extent.offset = static_cast<std::uint32_t>(q.integer(1));
                extent.length = static_cast<std::uint32_t>(q.integer(2));
                extent.digest = digest;
                return std::pair{extent, static_cast<std::uint64_t>(q.integer(3))};
            });
    }

    std::optional<CachedSegment> find_segment(const Digest& key) {
        return look_up<CachedSegment>(*find_segment_, ByteSpan(key.bytes),
                                      [](Statement& q) -> std::optional<CachedSegment> {
                                          CachedSegment segment;
                                          for (const std::string_view line : split(q.text(0), '\n'))
                                              if (!line.empty())
                                                  segment.extents.push_back(parse_extent(line));
                                          segment.index_lines = std::string(q.text(1));
                                          return segment;
                                      });
    }

    /// Everything `write` adds is there or nothing is. A run writes after its snapshot exists. Throws SqliteError.
    void update(const std::function<void()>& write) {
        if (is_out_of_use_) return;
        try {
            db_->execute("BEGIN IMMEDIATE");
            write();
            db_->execute("COMMIT");
        } catch (const Error& e) {
            object_rows_.clear();
            db_->roll_back();
            if (e.kind() == Kind::corrupt) put_out_of_use(e);
            throw;
        }
        is_fresh_ = false;
    }

    void add_chunk(const Extent& extent, std::uint64_t object_stored_bytes) {
        if (!extent.digest) return;
        const std::int64_t object = object_row(extent.object, object_stored_bytes);
        Statement& q = *add_chunk_;
        q.reset();
        q.bind(1, ByteSpan(extent.digest->bytes));
        q.bind(2, object);
        q.bind(3, std::int64_t{extent.offset});
        q.bind(4, std::int64_t{extent.length});
        q.step();
    }

    void add_segment(const Digest& key, const std::string& recipe_lines, std::string_view index_lines,
                     SystemSeconds seen) {
        Statement& q = *add_segment_;
        q.reset();
        q.bind(1, ByteSpan(key.bytes));
        q.bind(2, std::string_view(recipe_lines));
        q.bind(3, index_lines);
        q.bind(4, std::int64_t{seen.time_since_epoch().count()});
        q.step();
    }
    void touch_segment(const Digest& key, SystemSeconds seen) {
        Statement& q = *touch_segment_;
        q.reset();
        q.bind(1, std::int64_t{seen.time_since_epoch().count()});
        q.bind(2, ByteSpan(key.bytes));
        q.step();
    }

    /// What a source's files looked like when the component was last captured, and in which snapshot.
    struct Unchanged {
        Digest key;
        std::string snapshot;
    };
    std::optional<Unchanged> find_unchanged(const std::string& component) {
        return look_up<Unchanged>(*find_unchanged_, std::string_view(component),
                                  [](Statement& q) -> std::optional<Unchanged> {
                                      Unchanged found;
                                      if (!read_digest(q.blob(0), found.key)) return std::nullopt;
                                      found.snapshot = std::string(q.text(1));
                                      return found;
                                  });
    }
    void set_unchanged(const std::string& component, const Unchanged& value) {
        Statement q = db_->prepare("INSERT OR REPLACE INTO unchanged VALUES(?1, ?2, ?3)");
        q.bind(1, std::string_view(component));
        q.bind(2, ByteSpan(value.key.bytes));
        q.bind(3, std::string_view(value.snapshot));
        q.step();
    }

    /// What this host wrote as the snapshot's manifest. Whoever gets at the storage can write another one there.
    std::optional<Digest> find_made(const std::string& snapshot) {
        return look_up<Digest>(*find_made_, std::string_view(snapshot),
                               [](Statement& q) -> std::optional<Digest> {
                                   Digest found;
                                   return read_digest(q.blob(0), found) ? std::optional(found) : std::nullopt;
                               });
    }
    void set_made(const std::string& snapshot, const Digest& manifest) {
        Statement q = db_->prepare("INSERT OR REPLACE INTO made VALUES(?1, ?2)");
        q.bind(1, std::string_view(snapshot));
        q.bind(2, ByteSpan(manifest.bytes));
        q.step();
    }
    /// Ids begin with their time.
    void forget_made_before(SystemSeconds then) {
        Statement q = db_->prepare("DELETE FROM made WHERE snapshot < ?1");
        q.bind(1, std::string_view(format_time(then, "%Y%m%dT%H%M%SZ")));
        q.step();
    }

    /// What a check of the component found, if its key was the same then.
    std::optional<std::string> find_checked(const std::string& component, const Digest& key) {
        return look_up<std::string>(*find_checked_, std::string_view(component),
                                    [&](Statement& q) -> std::optional<std::string> {
                                        Digest then;
                                        if (!read_digest(q.blob(0), then) || then != key) return std::nullopt;
                                        return std::string(q.text(1));
                                    });
    }
    void set_checked(const std::string& component, const Digest& key, std::string_view findings) {
        Statement q = db_->prepare("INSERT OR REPLACE INTO checked VALUES(?1, ?2, ?3)");
        q.bind(1, std::string_view(component));
        q.bind(2, ByteSpan(key.bytes));
        q.bind(3, findings);
        q.step();
    }

    /// What the newest snapshots of all components use of each object; nothing if the cache cannot be read.
    std::vector<ObjectUse> object_uses() {
        const std::lock_guard guard(mutex_);
        std::vector<ObjectUse> uses;
        if (is_out_of_use_) return uses;
        try {
            Statement q = db_->prepare("SELECT component, object, used_bytes, plain_bytes FROM object_use");
            while (q.step()) {
                ObjectUse use{std::string(q.text(0)),
                              {},
                              static_cast<std::uint64_t>(q.integer(2)),
                              static_cast<std::uint64_t>(q.integer(3))};
                if (read_digest(q.blob(1), use.object)) uses.push_back(std::move(use));
            }
        } catch (const Error& e) {
            put_out_of_use(e);
            uses.clear();
        }
        return uses;
    }
    /// Replaces what is known of the component.
    void set_object_uses(const std::string& component, const std::vector<ObjectUse>& uses) {
        Statement old = db_->prepare("DELETE FROM object_use WHERE component = ?1");
        old.bind(1, std::string_view(component));
        old.step();
        Statement q = db_->prepare("INSERT INTO object_use VALUES(?1, ?2, ?3, ?4)");
        for (const ObjectUse& use : uses) {
            q.reset();
            q.bind(1, std::string_view(component));
            q.bind(2, ByteSpan(use.object.bytes));
            q.bind(3, static_cast<std::int64_t>(use.used_bytes));
            q.bind(4, static_cast<std::int64_t>(use.plain_bytes));
            q.step();
        }
    }

    /// Forgets segments that no run since `then` has seen.
    void forget_segments_before(SystemSeconds then) {
        Statement q = db_->prepare("DELETE FROM segment WHERE seen < ?1");
        q.bind(1, std::int64_t{then.time_since_epoch().count()});
        q.step();
    }

private:
    /// The row for `key` as `read` makes it. The statement is reset before this returns: an open one would hold the whole
    /// run to the cache as it was at its first look.
    template <class Row, class Key, class Read>
    std::optional<Row> look_up(Statement& q, Key key, const Read& read) {
        const std::lock_guard guard(mutex_);
        if (is_out_of_use_) return std::nullopt;
        struct Reset {
            Statement& q;
            ~Reset() { q.reset(); }
        };
        const Reset reset{q};
        try {
            q.reset();
            q.bind(1, key);
            return q.step() ? read(q) : std::nullopt;
        } catch (const Error& e) {
            put_out_of_use(e);
            return std::nullopt;
        }
    }
    void put_out_of_use(const Error& e) {
        is_out_of_use_ = true;
        trouble_ = e.what();
        if (e.kind() != Kind::corrupt || folder_.empty()) return;
        for (const char* suffix : {"", "-wal", "-shm"}) {  // the next run begins with a new one
            std::error_code ignored;
            fs::remove((folder_ / "index.db").string() + suffix, ignored);
        }
    }

    static bool read_digest(ByteSpan blob, Digest& out) {
        if (blob.size() != out.bytes.size()) return false;
        std::copy(blob.begin(), blob.end(), out.bytes.begin());
        return true;
    }

    void open(const std::string& path) {
        find_unchanged_.reset(), find_chunk_.reset(), find_segment_.reset(), add_chunk_.reset(),
            add_segment_.reset(), touch_segment_.reset();
        add_object_.reset(), find_object_.reset(), find_checked_.reset(), find_made_.reset();
        db_.emplace(Database::open_cache(path));
        // WAL with synchronous=NORMAL survives a power cut undamaged; the newest rows may be lost, which is fine.
        db_->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384;");
        is_fresh_ = ensure_cache_tables(*db_) || is_fresh_;
        const auto prepare = [&](const char* sql) { return std::make_unique<Statement>(db_->prepare(sql)); };
        find_chunk_ = prepare(
            "SELECT o.name, c.offset, c.length, o.stored_bytes FROM chunk c JOIN object o ON o.id = c.object "
            "WHERE c.digest = ?1");
        find_unchanged_ = prepare("SELECT key, snapshot FROM unchanged WHERE component = ?1");
        find_made_ = prepare("SELECT manifest FROM made WHERE snapshot = ?1");
        find_checked_ = prepare("SELECT key, findings FROM checked WHERE component = ?1");
        find_segment_ = prepare("SELECT recipe, index_lines FROM segment WHERE key = ?1");
        add_chunk_ = prepare("INSERT OR REPLACE INTO chunk VALUES(?1, ?2, ?3, ?4)");
        add_segment_ = prepare("INSERT OR REPLACE INTO segment VALUES(?1, ?2, ?3, ?4)");
        touch_segment_ = prepare("UPDATE segment SET seen = ?1 WHERE key = ?2");
        add_object_ = prepare(
            "INSERT INTO object(name, stored_bytes) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET "
            "stored_bytes = ?2");
        find_object_ = prepare("SELECT id FROM object WHERE name = ?1");
    }

    std::int64_t object_row(const Digest& name, std::uint64_t stored_bytes) {
        const auto known = object_rows_.find(name);
        if (known != object_rows_.end()) return known->second;
        add_object_->reset();
        add_object_->bind(1, ByteSpan(name.bytes));
        add_object_->bind(2, static_cast<std::int64_t>(stored_bytes));
        add_object_->step();
        find_object_->reset();
        find_object_->bind(1, ByteSpan(name.bytes));
        find_object_->step();
        const std::int64_t id = find_object_->integer(0);
        object_rows_.emplace(name, id);
        return id;
    }

    std::mutex mutex_;
    fs::path folder_;
    std::string trouble_;
    bool is_fresh_ = false;
    bool is_out_of_use_ = false;
    std::optional<Database> db_;
    std::unique_ptr<Statement> find_chunk_, find_segment_, add_chunk_, add_segment_, touch_segment_;
    std::unique_ptr<Statement> add_object_, find_object_, find_unchanged_, find_checked_, find_made_;
    std::map<Digest, std::int64_t> object_rows_;
};

}  // namespace holdfast
