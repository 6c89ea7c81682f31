// store/extent_spool.hpp - the extents of one stream while their objects have no names yet.
//
// Kept in a nameless file in the repository's tmp/, 44 bytes each, so that memory does not grow with the stream. Runs of
// pages that touch are joined; chunks, which carry their digest, stay apart.
#pragma once

#include <cstring>
#include <functional>
#include <optional>

#include "holdfast/store/object_writer.hpp"

namespace holdfast {

struct SpooledExtent {
    Placement place;
    std::optional<Digest> digest;
};

class ExtentSpool {
public:
    explicit ExtentSpool(const Repository& repository) : fd_(repository.anonymous_file()) {}

    void push(const Placement& place, const std::optional<Digest>& digest) {
        const bool joins = open_ && !open_->digest && !digest && open_->place.object == place.object &&
                           open_->place.offset + open_->place.length == place.offset;
        if (joins) {
            open_->place.length += place.length;
            return;
        }
        flush_open();
        open_ = {place, digest};
    }

    /// Records so far; a later for_each() can start there.
    std::uint64_t count() {
        flush_open();
        return count_;
    }

    /// Calls `visit` for records `first` to `last` - 1 in order. Throws: io.
    void for_each(std::uint64_t first, std::uint64_t last,
                  const std::function<void(const SpooledExtent&)>& visit) {
        flush_open();
        flush();
        Bytes block(kRecord * 4096);
        while (first < last) {
            const std::size_t n = std::min<std::uint64_t>(last - first, 4096);
            if (pread_full(fd_.get(), std::span(block).first(n * kRecord), first * kRecord,
                           "read a spool file") != n * kRecord)
                throw Error(Kind::io, "read a spool file: it ended early");
            for (std::size_t i = 0; i < n; ++i) visit(decode(block.data() + i * kRecord));
            first += n;
        }
    }
    void for_each(const std::function<void(const SpooledExtent&)>& visit) { for_each(0, count(), visit); }

private:
    static constexpr std::size_t kRecord = 12 + 32;  // an all-zero digest means none

    static SpooledExtent decode(const std::byte* at) {
        SpooledExtent extent;
        std::memcpy(&extent.place, at, 12);
        Digest digest;
        std::memcpy(digest.bytes.data(), at + 12, 32);
        if (digest != Digest{}) extent.digest = digest;
        return extent;
    }
    void flush_open() {
        if (!open_) return;
        std::array<std::byte, kRecord> record{};
        std::memcpy(record.data(), &open_->place, 12);
        if (open_->digest) std::memcpy(record.data() + 12, open_->digest->bytes.data(), 32);
        pending_.insert(pending_.end(), record.begin(), record.end());
        open_.reset();
        ++count_;
        if (pending_.size() >= 256_KiB) flush();
    }
    void flush() {
        write_full(fd_.get(), pending_, "write a spool file in the repository's tmp folder");
        pending_.clear();
    }

    UniqueFd fd_;
    std::optional<SpooledExtent> open_;
    Bytes pending_;
    std::uint64_t count_ = 0;
};
static_assert(sizeof(Placement) == 12);

/// Text of any length in a nameless file.
class TextSpool {
public:
    explicit TextSpool(const Repository& repository) : fd_(repository.anonymous_file()) {}
    void append(std::string_view text) {
        write_full(fd_.get(), as_bytes(text), "write a spool file in the repository's tmp folder");
        size_ += text.size();
    }
    std::uint64_t size() const { return size_; }
    std::string text(std::uint64_t first, std::uint64_t last) const {
        std::string out(last - first, '\0');
        if (pread_full(fd_.get(), std::as_writable_bytes(std::span(out)), first, "read a spool file") !=
            out.size())
            throw Error(Kind::io, "read a spool file: it ended early");
        return out;
    }
    /// Does `text`, at most 64 KiB, occur in it?
    bool contains(std::string_view wanted) const {
        const PullBytes read = pull();
        std::string window;
        Bytes buffer(1_MiB);
        while (const std::size_t n = read(buffer)) {
            window.append(as_text(ByteSpan(buffer).first(n)));
            if (window.find(wanted) != std::string::npos) return true;
            window.erase(0, window.size() - std::min(window.size(), wanted.size()));
        }
        return false;
    }
    PullBytes pull() const {
        return [this, at = std::uint64_t{0}](std::span<std::byte> out) mutable {
            const std::size_t n = pread_full(fd_.get(), out, at, "read a spool file");
            at += n;
            return n;
        };
    }

private:
    UniqueFd fd_;
    std::uint64_t size_ = 0;
};

}  // namespace holdfast
