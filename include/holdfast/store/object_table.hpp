// store/object_table.hpp - the objects one run refers to, by small numbers.
//
// While a run packs data the names of its newest objects are not known yet (a name is the hash of stored bytes),
// so extents in flight carry ordinals. An old object gets one only if its file is there with a plausible
// size: a remembered object that was pruned or cut short is a miss, not a promise. So is a retired one. Thread-safe.
#pragma once

#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "holdfast/store/object_format.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

using ObjectOrdinal = std::uint32_t;

/// Where plain bytes lie.
struct Placement {
    ObjectOrdinal object = 0;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
};

class ObjectTable {
public:
    explicit ObjectTable(const Repository& repository) : repository_(repository) {}

    /// A new object of this run, to be named later.
    ObjectOrdinal add() {
        const std::lock_guard guard(mutex_);
        rows_.emplace_back();
        return static_cast<ObjectOrdinal>(rows_.size() - 1);
    }
    void name(ObjectOrdinal ordinal, const Digest& name, std::uint64_t stored_bytes) {
        const std::lock_guard guard(mutex_);
        Row& row = rows_[ordinal];
        row.name = name;
        row.stored_bytes = stored_bytes;
        row.is_new = true;
        by_name_.emplace(name, ordinal);
    }

    /// Objects that this run shall not refer to from now on (policy/retirement.hpp). Call it before threads begin.
    void retire(std::set<Digest> names) { retired_ = std::move(names); }
    bool is_retired(const Digest& name) const { return retired_.contains(name); }

    /// An object of an earlier run; nothing if it is retired, its file is absent or is not `stored_bytes` long
    /// (0: as long as its own seek table says).
    std::optional<ObjectOrdinal> adopt(const Digest& name, std::uint64_t stored_bytes = 0) {
        return is_retired(name) ? std::nullopt : adopt_any(name, stored_bytes);
    }
    /// The same, and a retired one too.
    std::optional<ObjectOrdinal> adopt_any(const Digest& name, std::uint64_t stored_bytes = 0) {
        const std::lock_guard guard(mutex_);
        const auto known = by_name_.find(name);
        if (known != by_name_.end()) {
            if (known->second == kAbsent) return std::nullopt;
            if (stored_bytes != 0 && rows_[known->second].stored_bytes != stored_bytes) return std::nullopt;
            return known->second;
        }
        struct stat st {};
        const std::string path = repository_.object(name).string();
        Row row{name, 0, false, 0, {}};
        if (::lstat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode))
            row.stored_bytes = static_cast<std::uint64_t>(st.st_size);
        if (stored_bytes == 0 && row.stored_bytes != 0) row.frames = read_frames(path, row.stored_bytes);
        const bool is_whole = stored_bytes == 0 ? !row.frames.empty() : row.stored_bytes == stored_bytes;
        if (!is_whole) {
            by_name_.emplace(name, kAbsent);
            return std::nullopt;
        }
        rows_.push_back(std::move(row));
        const auto ordinal = static_cast<ObjectOrdinal>(rows_.size() - 1);
        by_name_.emplace(name, ordinal);
        return ordinal;
    }

    /// How many plain bytes a new object must hold: what its extents were cut from.
    void expect(ObjectOrdinal ordinal, std::uint64_t plain_bytes) {
        const std::lock_guard guard(mutex_);
        rows_.at(ordinal).plain_bytes = plain_bytes;
    }
    std::uint64_t expected_bytes(ObjectOrdinal ordinal) const {
        const std::lock_guard guard(mutex_);
        return rows_.at(ordinal).plain_bytes;
    }
    /// What became of a new object's frames.
    void seal(ObjectOrdinal ordinal, std::vector<FrameSize> frames) {
        const std::lock_guard guard(mutex_);
        rows_.at(ordinal).frames = std::move(frames);
    }
    /// Plain bytes of the whole object; 0 if its seek table is damaged. Throws: io.
    std::uint64_t plain_bytes(ObjectOrdinal ordinal) {
        const std::lock_guard guard(mutex_);
        Row& row = rows_.at(ordinal);
        if (row.frames.empty())
            row.frames = read_frames(repository_.object(row.name).string(), row.stored_bytes);
        std::uint64_t total = 0;
        for (const FrameSize& frame : row.frames) total += frame.plain_bytes;
        return total;
    }
    /// The stored size of these bytes of a new object. A frame that holds other bytes too is split by length.
    std::uint64_t stored_share(const Placement& place) const {
        const std::lock_guard guard(mutex_);
        std::uint64_t total = 0, start = 0;
        for (const FrameSize& frame : rows_.at(place.object).frames) {
            const std::uint64_t first = std::max<std::uint64_t>(start, place.offset);
            start += frame.plain_bytes;
            const std::uint64_t last = std::min(start, std::uint64_t{place.offset} + place.length);
            if (first < last) total += frame.stored_bytes * (last - first) / frame.plain_bytes;
        }
        return total;
    }

    /// Throws: internal if the object was never published.
    Digest name_of(ObjectOrdinal ordinal) const {
        const std::lock_guard guard(mutex_);
        if (rows_.at(ordinal).stored_bytes == 0)
            throw Error(Kind::internal, "an object that was not published is referred to");
        return rows_.at(ordinal).name;
    }
    std::uint64_t stored_bytes(ObjectOrdinal ordinal) const {
        const std::lock_guard guard(mutex_);
        return rows_.at(ordinal).stored_bytes;
    }
    bool is_new(ObjectOrdinal ordinal) const {
        const std::lock_guard guard(mutex_);
        return rows_.at(ordinal).is_new;
    }
    std::size_t size() const {
        const std::lock_guard guard(mutex_);
        return rows_.size();
    }

private:
    /// From the seek table; nothing if there is none that fits the size.
    static std::vector<FrameSize> read_frames(const std::string& path, std::uint64_t size) {
        const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
        if (!fd) return {};
        Bytes tail(std::min<std::uint64_t>(size, kMaxSeekTable));
        if (pread_full(fd.get(), tail, size - tail.size(), "read object '" + path + "'") != tail.size())
            return {};
        try {
            return decode_seek_table(tail, size);
        } catch (const Error& e) {
            if (e.kind() != Kind::corrupt) throw;
            return {};
        }
    }

    static constexpr ObjectOrdinal kAbsent = std::numeric_limits<ObjectOrdinal>::max();
    struct Row {
        Digest name;
        std::uint64_t stored_bytes = 0;
        bool is_new = false;
        std::uint64_t plain_bytes = 0;  // expected
        std::vector<FrameSize> frames;
    };
    const Repository& repository_;
    std::set<Digest> retired_;
    mutable std::mutex mutex_;
    std::vector<Row> rows_;
    std::unordered_map<Digest, ObjectOrdinal, DigestHash> by_name_;
};

}  // namespace holdfast
