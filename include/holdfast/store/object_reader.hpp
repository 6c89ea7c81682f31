// store/object_reader.hpp - plain bytes out of objects, never unproven.
//
// An object is hashed and compared with its name when it is first opened; then frames are decoded on demand
// and the last ones stay in memory (at most kCachedFrames). Any thread may call read().
// Throws: corrupt names the object; not_found when it is absent.
#pragma once

#include <deque>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "holdfast/store/hash_file.hpp"
#include "holdfast/store/object_format.hpp"
#include "holdfast/store/plain_streams.hpp"
#include "holdfast/store/recipe.hpp"
#include "holdfast/store/repository.hpp"
#include "holdfast/wrap/zstd.hpp"

namespace holdfast {

class ObjectReader {
public:
    explicit ObjectReader(const Repository& repository) : repository_(repository) {}

    /// The `length` plain bytes at `offset` of the extent's object, written to `out`.
    void read(const Extent& extent, std::span<std::byte> out) {
        const std::shared_ptr<const Open> object = open(extent.object);
        if (std::uint64_t{extent.offset} + extent.length > object->plain_bytes)
            refuse(extent.object, "is shorter than the recipe says");
        std::size_t at = extent.offset;
        for (std::size_t done = 0; done < extent.length;) {
            const std::size_t index = at / kFrameBytes, inside = at % kFrameBytes;
            const std::size_t size = object->frames[index].plain_bytes;
            const std::size_t n = std::min<std::size_t>(extent.length - done, size - inside);
            if (n == size && !is_cached(*object, index)) {  // who wants all of it hardly comes again
                decode_frame(*object, index, out.subspan(done, n));
            } else {
                const std::shared_ptr<const Bytes> frame = decoded(*object, index);
                std::copy_n(frame->begin() + static_cast<std::ptrdiff_t>(inside), n,
                            out.begin() + static_cast<std::ptrdiff_t>(done));
            }
            done += n;
            at += n;
        }
    }

    /// Streams that are looked for there first: see pull_stored(). They must outlive the reader.
    void prefer(const PlainStreams& streams) { preferred_ = &streams; }
    const PlainStreams* preferred() const { return preferred_; }

private:
    static constexpr std::size_t kCachedFrames = 64;  // 64 MiB: 64 snapshots deep without decoding twice
    static constexpr std::size_t kOpenObjects = 128;

    struct Open {
        Digest name;
        UniqueFd fd;
        std::vector<FrameSize> frames;
        std::vector<std::uint64_t> starts;
        std::uint64_t plain_bytes = 0;
    };
    template <class Key, class Value>
    struct Lru {  // values are futures, so that two threads never do the same work
        using Future = std::shared_future<std::shared_ptr<const Value>>;
        std::map<Key, std::pair<Future, typename std::list<Key>::iterator>> entries;
        std::list<Key> order;
    };

    [[noreturn]] static void refuse(const Digest& name, const std::string& why) {
        throw Error(Kind::corrupt, "object " + name.hex() + " " + why,
                    "run verify to see which snapshots need it; other snapshots may still be whole");
    }

    template <class Key, class Value, class Make>
    std::shared_ptr<const Value> get(Lru<Key, Value>& lru, std::size_t limit, const Key& key, Make make) {
        std::promise<std::shared_ptr<const Value>> promise;
        std::unique_lock guard(mutex_);
        const auto found = lru.entries.find(key);
        if (found != lru.entries.end()) {
            lru.order.splice(lru.order.begin(), lru.order, found->second.second);
            const auto future = found->second.first;
            guard.unlock();
            return future.get();
        }
        lru.order.push_front(key);
        lru.entries.emplace(key, std::pair{promise.get_future().share(), lru.order.begin()});
        if (lru.entries.size() > limit) {
            lru.entries.erase(lru.order.back());
            lru.order.pop_back();
        }
        guard.unlock();
        try {
            std::shared_ptr<const Value> value = make();
            promise.set_value(value);
            return value;
        } catch (...) {
            promise.set_exception(std::current_exception());
            throw;
        }
    }

    std::shared_ptr<const Open> open(const Digest& name) {
        return get(open_, kOpenObjects, name, [&] { return load(name); });
    }

    bool is_proven(const Digest& name) {
        const std::lock_guard guard(mutex_);
        return proven_.contains(name);
    }
    void set_proven(const Digest& name) {
        const std::lock_guard guard(mutex_);
        proven_.insert(name);
    }

    std::shared_ptr<const Open> load(const Digest& name) {
        const std::string path = repository_.object(name).string();
        auto object = std::make_shared<Open>();
        object->name = name;
        object->fd = UniqueFd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
        if (!object->fd && errno == ENOENT)
            throw Error(
                Kind::corrupt, "object " + name.hex() + " is missing",
                "run verify to see which snapshots need it; another copy of the repository may have it");
        if (!object->fd && errno == ELOOP) refuse(name, "is a link, not an object file");
        if (!object->fd) throw_os("open object '" + path + "'");
        const struct stat st = stat_fd(object->fd.get(), "stat object '" + path + "'");
        const auto size = static_cast<std::uint64_t>(st.st_size);
        if (!S_ISREG(st.st_mode) || size > kMaxStoredBytes) refuse(name, "is not an object file");
        // Proven once, it need not be read whole again by this process: frames carry checksums of their own.
        const bool was_proven = is_proven(name);
        Bytes stored(was_proven ? std::min<std::uint64_t>(size, kMaxSeekTable) : size);
        const std::size_t n =
            pread_full(object->fd.get(), stored, size - stored.size(), "read object '" + path + "'");
        stored.resize(n);
        if (!was_proven && sha256(stored) != name)
            refuse(name, "is damaged: its bytes do not hash to its name");
        object->frames = decode_seek_table(
            ByteSpan(stored).last(std::min<std::size_t>(stored.size(), kMaxSeekTable)), size);
        set_proven(name);
        std::uint64_t start = 0;
        for (const FrameSize& frame : object->frames) {
            object->starts.push_back(start);
            start += frame.stored_bytes;
            object->plain_bytes += frame.plain_bytes;
        }
        return object;
    }

    bool is_cached(const Open& object, std::size_t index) {
        const std::lock_guard guard(mutex_);
        return frames_.entries.contains(std::pair{object.name, index});
    }
    std::shared_ptr<const Bytes> decoded(const Open& object, std::size_t index) {
        return get(frames_, kCachedFrames, std::pair{object.name, index}, [&] {
            auto plain = std::make_shared<Bytes>(object.frames[index].plain_bytes);
            decode_frame(object, index, *plain);
            return std::shared_ptr<const Bytes>(std::move(plain));
        });
    }
    void decode_frame(const Open& object, std::size_t index, std::span<std::byte> plain) const {
        Bytes stored(object.frames[index].stored_bytes);
        const std::size_t n =
            pread_full(object.fd.get(), stored, object.starts[index], "read object " + object.name.hex());
        if (n != stored.size() || !decode(object.name, stored, plain)) refuse(object.name, "does not decode");
    }

    bool decode(const Digest& name, ByteSpan stored, std::span<std::byte> plain) const {
        if (repository_.keyring() == nullptr) return decompress_frame(stored, plain);
        bool is_right = false;
        try {
            repository_.keyring()->open(stored,
                                        [&](ByteSpan frame) { is_right = decompress_frame(frame, plain); });
        } catch (const Error& e) {
            throw Error(e.kind(), "object " + name.hex() + " not opened: " + e.what(), e.hint());
        }
        return is_right;
    }

    const Repository& repository_;
    const PlainStreams* preferred_ = nullptr;
    std::mutex mutex_;
    std::set<Digest> proven_;  // 64 bytes for each 16 MiB of data
    Lru<Digest, Open> open_;
    Lru<std::pair<Digest, std::size_t>, Bytes> frames_;
};

/// A stream of plain bytes put together from extents, decoded ahead on all cores, delivered in order.
/// Holds at most kAhead slices of about 1 MiB. Used by one thread.
class StreamReader {
public:
    StreamReader(ObjectReader& objects, ExtentSource extents)
        : objects_(objects), extents_(std::move(extents)) {}

    /// The next piece of the stream, never empty; nothing at the end. Throws what ObjectReader throws.
    std::optional<Bytes> next() {
        while (!is_drained_ && ahead_.size() < kAhead) launch();
        if (ahead_.empty()) return std::nullopt;
        Bytes slice = ahead_.front().get();
        ahead_.pop_front();
        return slice;
    }

    PullBytes pull() {
        return [this, slice = Bytes{}, at = std::size_t{0}](std::span<std::byte> out) mutable -> std::size_t {
            if (at == slice.size()) {
                std::optional<Bytes> piece = next();
                if (!piece) return 0;
                slice = *std::move(piece);
                at = 0;
            }
            const std::size_t n = std::min(out.size(), slice.size() - at);
            std::copy_n(slice.begin() + static_cast<std::ptrdiff_t>(at), n, out.begin());
            at += n;
            return n;
        };
    }

private:
    static constexpr std::size_t kAhead = 6;

    void launch() {
        check_interrupted();
        std::vector<Extent> batch;
        std::size_t bytes = 0;
        while (bytes < kFrameBytes) {
            if (!rest_) rest_ = extents_();
            if (!rest_) {
                is_drained_ = true;
                break;
            }
            Extent part = *rest_;  // a long run of pages is taken piece by piece
            part.length =
                static_cast<std::uint32_t>(std::min<std::size_t>(part.length, 2 * kFrameBytes - bytes));
            rest_->offset += part.length;
            rest_->length -= part.length;
            if (rest_->length == 0) rest_.reset();
            bytes += part.length;
            batch.push_back(part);
        }
        if (batch.empty()) return;
        ahead_.push_back(std::async(std::launch::async, [this, batch = std::move(batch), bytes] {
            Bytes slice(bytes);
            std::size_t at = 0;
            for (const Extent& extent : batch) {
                objects_.read(extent, std::span(slice).subspan(at, extent.length));
                at += extent.length;
            }
            return slice;
        }));
    }

    ObjectReader& objects_;
    ExtentSource extents_;
    std::optional<Extent> rest_;
    bool is_drained_ = false;
    std::deque<std::future<Bytes>> ahead_;
};

}  // namespace holdfast
