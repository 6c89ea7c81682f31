// store/page_map.hpp - the fingerprint of every page of one captured database image, kept in the cache.
//
// Layout: 16 bytes per page in page order, then a footer (magic, the fingerprints' secret key, page size, page count,
// digest of the image, digest of the key and everything before the footer). A map that does not match its footer, or is of
// another image, is not used. A map that cannot be written is not kept; the run goes on.
#pragma once

#include <array>
#include <cstring>
#include <optional>

#include "holdfast/base/disk.hpp"
#include "holdfast/store/recipe.hpp"
#include "holdfast/store/repository.hpp"
#include "holdfast/wrap/fingerprint.hpp"

namespace holdfast {

struct PageMapFooter {
    std::array<char, 8> magic{'H', 'F', 'P', 'A', 'G', 'E', '0', '2'};
    FingerprintKey key{};
    std::uint64_t page_bytes = 0;
    std::uint64_t page_count = 0;
    Digest image;
    Digest pages;
};
static_assert(sizeof(PageMapFooter) == 104);

class PageMapWriter {
public:
    /// An empty path keeps nothing.
    PageMapWriter(fs::path path, const FingerprintKey& key)
        : key_(key), path_(std::move(path)), tmp_(path_.empty() ? fs::path{} : temporary(path_)) {
        hasher_.update(key_);
        if (!path_.empty())
            fd_ = UniqueFd{
                ::open(tmp_.path().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    }
    const FingerprintKey& key() const { return key_; }
    void add(std::span<const Fingerprint> fingerprints) {
        if (!fd_) return;
        const ByteSpan bytes = std::as_bytes(fingerprints);
        hasher_.update(bytes);
        try {
            write_full(fd_.get(), bytes, "write the page map '" + tmp_.path().string() + "'");
        } catch (const OsError&) {
            fd_.reset();  // a full cache costs speed next time, not this snapshot
        }
    }
    /// Call after the snapshot with this image exists. Not synced: the footer tells a torn map from a whole one.
    void publish(const Digest& image, std::uint64_t page_bytes, std::uint64_t page_count) {
        if (!fd_) return;
        PageMapFooter footer;
        footer.key = key_;
        footer.page_bytes = page_bytes;
        footer.page_count = page_count;
        footer.image = image;
        footer.pages = hasher_.finish();
        write_full(fd_.get(), std::as_bytes(std::span(&footer, 1)), "write the page map");
        fd_.close("close the page map");
        rename_path(tmp_.path(), path_);
        tmp_.keep();
    }

private:
    static fs::path temporary(const fs::path& path) {  // two may be open for one component
        static std::atomic<unsigned> counter{0};
        return path.string() + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(counter++);
    }
    FingerprintKey key_;
    fs::path path_;
    TempName tmp_;
    UniqueFd fd_;
    Hasher hasher_;
};
static_assert(sizeof(Fingerprint) == 16);

class PageMapReader {
public:
    /// Nothing if there is no whole map of exactly this image.
    static std::optional<PageMapReader> open(const fs::path& path, const Digest& image) {
        if (path.empty()) return std::nullopt;
        UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
        if (!fd) return std::nullopt;
        const auto size = static_cast<std::uint64_t>(stat_fd(fd.get(), "stat the page map").st_size);
        PageMapFooter footer;
        const PageMapFooter expected;
        if (size < sizeof footer) return std::nullopt;
        const std::uint64_t body = size - sizeof footer;
        pread_full(fd.get(), std::as_writable_bytes(std::span(&footer, 1)), body, "read the page map");
        if (footer.magic != expected.magic || footer.image != image || footer.page_count != body / 16 ||
            body % 16 != 0)
            return std::nullopt;
        Hasher hasher;
        hasher.update(footer.key);
        Bytes buffer(1_MiB);
        for (std::uint64_t at = 0; at < body;) {
            const std::size_t n = pread_full(
                fd.get(), std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), body - at)), at,
                "read the page map");
            if (n == 0) return std::nullopt;
            hasher.update(ByteSpan(buffer).first(n));
            at += n;
        }
        if (hasher.finish() != footer.pages) return std::nullopt;
        return PageMapReader{std::move(fd), footer};
    }

    std::uint64_t page_bytes() const { return footer_.page_bytes; }
    std::uint64_t page_count() const { return footer_.page_count; }

    const FingerprintKey& key() const { return footer_.key; }

    /// The fingerprint of the next page; nothing past the end.
    std::optional<Fingerprint> next() {
        if (at_ == block_.size()) {
            const std::uint64_t n = std::min<std::uint64_t>(footer_.page_count - read_, 4096);
            if (n == 0) return std::nullopt;
            block_.resize(n);
            if (pread_full(fd_.get(), std::as_writable_bytes(std::span(block_)), read_ * 16,
                           "read the page map") != n * 16)
                throw Error(Kind::io, "read the page map: it ended early");
            read_ += n;
            at_ = 0;
        }
        return block_[at_++];
    }

private:
    PageMapReader(UniqueFd fd, const PageMapFooter& footer) : fd_(std::move(fd)), footer_(footer) {}
    UniqueFd fd_;
    PageMapFooter footer_;
    std::vector<Fingerprint> block_;
    std::size_t at_ = 0;
    std::uint64_t read_ = 0;
};

}  // namespace holdfast
