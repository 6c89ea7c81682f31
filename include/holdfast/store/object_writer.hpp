// store/object_writer.hpp - new data becomes durable objects.
//
// Three steps for the three kinds of pipeline stage: FramePacker puts chunks into frames (in order, one thread),
// seal_frame() compresses one and decodes it again to compare (any thread), ObjectPublisher collects frames into
// objects (in order, one thread), which a background task hashes, writes, syncs and renames. The
// publisher's finish() returns only when every object and its folder entry are on stable storage. A failed write,
// sync or rename is final for the run: nothing is synced twice.
#pragma once

#include <deque>
#include <future>
#include <set>
#include <string>
#include <vector>

#include "holdfast/store/hash_file.hpp"
#include "holdfast/store/object_format.hpp"
#include "holdfast/store/object_table.hpp"
#include "holdfast/wrap/zstd.hpp"

namespace holdfast {

struct PlainFrame {
    ObjectOrdinal object = 0;
    Bytes plain;
};
struct SealedFrame {
    ObjectOrdinal object = 0;
    FrameSize size{};
    Bytes stored;
};

class FramePacker {
public:
    explicit FramePacker(ObjectTable& objects) : objects_(objects) {}

    /// Copies `bytes` (at most kObjectBytes) into one object; appends the frames that became full to `full`.
    Placement put(ByteSpan bytes, std::vector<PlainFrame>& full) {
        if (used_ + bytes.size() > kObjectBytes) close(full);
        if (used_ == 0) object_ = objects_.add();
        const Placement placement{object_, static_cast<std::uint32_t>(used_),
                                  static_cast<std::uint32_t>(bytes.size())};
        while (!bytes.empty()) {
            if (frame_.capacity() < kFrameBytes) frame_.reserve(kFrameBytes);
            const std::size_t n = std::min(bytes.size(), kFrameBytes - frame_.size());
            frame_.insert(frame_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
            bytes = bytes.subspan(n);
            used_ += n;
            if (frame_.size() == kFrameBytes) full.push_back({object_, std::exchange(frame_, {})});
        }
        return placement;
    }

    /// Ends the open object; the next put() begins another.
    void close(std::vector<PlainFrame>& full) {
        if (used_ != 0) objects_.expect(object_, used_);
        if (!frame_.empty()) full.push_back({object_, std::exchange(frame_, {})});
        used_ = 0;
    }

private:
    ObjectTable& objects_;
    ObjectOrdinal object_ = 0;
    std::size_t used_ = 0;
    Bytes frame_;
};

/// Compresses, decodes again and compares: compressors and memory have bugs. With a keyring what is stored is sealed. Throws:
/// corrupt, crypto.
inline SealedFrame seal_frame(const PlainFrame& frame, int level, Keyring* keyring = nullptr) {
    thread_local std::unique_ptr<Compressor> compressor;
    thread_local int compressor_level = 0;
    if (compressor == nullptr || compressor_level != level) compressor = std::make_unique<Compressor>(level);
    compressor_level = level;
    SealedFrame sealed{frame.object, {}, compressor->compress(frame.plain)};
    thread_local Bytes again;
    again.resize(frame.plain.size());
    if (!decompress_frame(sealed.stored, again) || again != frame.plain)
        throw Error(Kind::corrupt,
                    "a compressed frame did not decode to what went in; nothing of it was stored",
                    "this machine's memory or zstd library may be faulty: run a memory test");
    if (keyring != nullptr) sealed.stored = keyring->seal(sealed.stored);
    sealed.size = {static_cast<std::uint32_t>(sealed.stored.size()),
                   static_cast<std::uint32_t>(frame.plain.size())};
    return sealed;
}

class ObjectPublisher {
public:
    ObjectPublisher(const Repository& repository, ObjectTable& objects)
        : repository_(repository), objects_(objects) {}

    /// Frames of one object come in order, objects one after the other. Throws: io.
    void add(SealedFrame frame) {
        if (!frames_.empty() && frames_.front().object != frame.object) publish_open();
        frames_.push_back(std::move(frame));
    }

    /// Everything added is durable under its final name when this returns. Throws: io.
    void finish() {
        publish_open();
        while (!in_flight_.empty()) wait_oldest();
        for (const std::string& folder : unsynced_) sync_directory(folder);
        unsynced_.clear();
    }

    std::uint64_t stored_bytes() const { return stored_bytes_; }
    std::uint64_t object_count() const { return object_count_; }

private:
    static constexpr std::size_t kInFlight = 2;  // one being written while the next is hashed

    struct Published {
        ObjectOrdinal object;
        Digest name;
        std::uint64_t stored_bytes;
        bool is_new;
    };

    void publish_open() {
        if (frames_.empty()) return;
        std::uint64_t plain_bytes = 0;
        std::vector<FrameSize> sizes;
        for (const SealedFrame& frame : frames_) {
            plain_bytes += frame.size.plain_bytes;
            sizes.push_back(frame.size);
        }
        if (plain_bytes != objects_.expected_bytes(frames_.front().object))
            throw Error(Kind::internal, "an object misses frames that its extents were cut from");
        objects_.seal(frames_.front().object, sizes);
        if (in_flight_.size() == kInFlight) wait_oldest();
        in_flight_.push_back(std::async(std::launch::async, [this, sizes = std::move(sizes),
                                                             frames = std::exchange(frames_, {})]() mutable {
            return publish(std::move(frames), sizes);
        }));
    }

    void wait_oldest() {
        std::future<Published> oldest = std::move(in_flight_.front());
        in_flight_.pop_front();
        const Published published = oldest.get();
        objects_.name(published.object, published.name, published.stored_bytes);
        if (!published.is_new) return;
        unsynced_.insert(repository_.object(published.name).parent_path().string());
        stored_bytes_ += published.stored_bytes;
        ++object_count_;
    }

    Published publish(std::vector<SealedFrame> frames, const std::vector<FrameSize>& sizes) const {
        const Bytes table = encode_seek_table(sizes);
        Hasher hasher;
        std::uint64_t total = table.size();
        for (const SealedFrame& frame : frames) {
            hasher.update(frame.stored);
            total += frame.stored.size();
        }
        hasher.update(table);
        const Digest name = hasher.finish();
        const fs::path final_path = repository_.object(name);
        if (is_whole(final_path, name)) return {frames.front().object, name, total, false};
        const TempName tmp{repository_.temporary("object")};
        const std::string path = tmp.path().string();
        UniqueFd fd = open_fd(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
        if (::fchmod(fd.get(), 0600) != 0) throw_os("set the mode of '" + path + "'");
        for (const SealedFrame& frame : frames)
            write_full(fd.get(), frame.stored, "write object '" + path + "'");
        write_full(fd.get(), table, "write object '" + path + "'");
        sync_fd(fd.get(), "sync object '" + path + "'");
        fd.close("close object '" + path + "'");
        make_directory(final_path.parent_path());  // there since init, unless somebody removed it
        rename_path(path, final_path);
        return {frames.front().object, name, total, true};
    }

    /// Is this object there already, undamaged? Then it is also made durable: another run may have renamed it a moment
    /// ago. A damaged file of that name is not kept: renaming the new one over it heals every snapshot that needs it.
    static bool is_whole(const fs::path& path, const Digest& name) {
        const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
        if (!fd && (errno == ENOENT || errno == ELOOP)) return false;
        if (!fd) throw_os("open object '" + path.string() + "'");
        Bytes buffer;
        if (hash_file(fd.get(), "object '" + path.string() + "'", buffer) != name) return false;
        sync_fd(fd.get(), "sync object '" + path.string() + "'");
        sync_directory(path.parent_path());
        return true;
    }

    const Repository& repository_;
    ObjectTable& objects_;
    std::vector<SealedFrame> frames_;
    std::deque<std::future<Published>> in_flight_;
    std::set<std::string> unsynced_;
    std::uint64_t stored_bytes_ = 0;
    std::uint64_t object_count_ = 0;
};

}  // namespace holdfast
