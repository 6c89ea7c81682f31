// store/object_table.hpp - the objects one run refers to, by small numbers.
//
// While a run packs data the names of its newest objects are not known yet (a name is the hash of stored bytes),
// so extents in flight carry ordinals. An old object gets one only if its file is there with a plausible
// size: a remembered object that was pruned or cut short is a miss, not a promise. Thread-safe.
#pragma once

#include <limits>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "holdfast/store/object_format.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

using ObjectOrdinal = std::uint32_t;

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

    /// An object of an earlier run; nothing if its file is absent or is not `stored_bytes` long
    /// (0: as long as its own seek table says).
    std::optional<ObjectOrdinal> adopt(const Digest& name, std::uint64_t stored_bytes = 0) {
        const std::lock_guard guard(mutex_);
        const auto known = by_name_.find(name);
        if (known != by_name_.end()) {
            if (known->second == kAbsent) return std::nullopt;
            if (stored_bytes != 0 && rows_[known->second].stored_bytes != stored_bytes) return std::nullopt;
            return known->second;
        }
        struct stat st {};
        const std::string path = repository_.object(name).string();
        const bool present = ::lstat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
                             (stored_bytes == 0 ? has_its_length(path, static_cast<std::uint64_t>(st.st_size))
                                                : static_cast<std::uint64_t>(st.st_size) == stored_bytes);
        if (!present) {
            by_name_.emplace(name, kAbsent);
            return std::nullopt;
        }
        rows_.push_back({name, static_cast<std::uint64_t>(st.st_size), false, 0});
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
    static bool has_its_length(const std::string& path, std::uint64_t size) {
        const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
        if (!fd) return false;
        Bytes tail(std::min<std::uint64_t>(size, kMaxSeekTable));
        if (pread_full(fd.get(), tail, size - tail.size(), "read object '" + path + "'") != tail.size())
            return false;
        try {
            decode_seek_table(tail, size);
            return true;
        } catch (const Error& e) {
            if (e.kind() != Kind::corrupt) throw;
            return false;
        }
    }

    static constexpr ObjectOrdinal kAbsent = std::numeric_limits<ObjectOrdinal>::max();
    struct Row {
        Digest name;
        std::uint64_t stored_bytes = 0;
        bool is_new = false;
        std::uint64_t plain_bytes = 0;
    };
    const Repository& repository_;
    mutable std::mutex mutex_;
    std::vector<Row> rows_;
    std::unordered_map<Digest, ObjectOrdinal, DigestHash> by_name_;
};

}  // namespace holdfast
