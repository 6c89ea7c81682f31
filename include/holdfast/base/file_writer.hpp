// base/file_writer.hpp - a large new file, written in the background while the next bytes are made.
//
// A durable file goes past the page cache (O_DIRECT) where the file system can do that: it has to reach the disk anyway,
// copying it into memory first costs more than compressing it did, and it would push out what applications use. What
// is left over, and any file on a file system without O_DIRECT, is written the usual way. Memory: two buffers of 4 MiB.
#pragma once

#include <future>
#include <memory>
#include <new>
#include <string>

#include "holdfast/base/fd.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

class FileWriter {
public:
    /// scratch: nobody needs the file after a crash, and it is read again at once: from the page cache.
    enum class Purpose { durable, scratch };

    /// `fd` is a new, empty file; it stays with the caller, and must outlive this.
    FileWriter(int fd, Purpose purpose, std::string doing)
        : fd_(fd), purpose_(purpose), doing_(std::move(doing)) {
        if (purpose == Purpose::durable) is_direct_ = set_direct(true);
    }
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;
    ~FileWriter() {
        if (in_flight_.valid()) in_flight_.wait();
    }

    /// Throws: io, of an earlier write too.
    void write(ByteSpan bytes) {
        while (!bytes.empty()) {
            const std::size_t n = std::min(bytes.size(), kBuffer - used_);
            std::copy_n(bytes.begin(), n, filling_->bytes + used_);
            used_ += n;
            bytes = bytes.subspan(n);
            if (used_ == kBuffer) hand_over();
        }
    }

    /// Everything is in the file; syncing it is left to the caller. Throws: io, of an earlier write too.
    void finish() {
        wait();
        if (std::exchange(is_direct_, false) && !set_direct(false)) throw_os(doing_);
        put({filling_->bytes, std::exchange(used_, 0)}, at_);
    }

private:
    static constexpr std::size_t kBuffer = 4_MiB, kAlign = 4096;

    struct Buffer {
        std::byte* bytes = static_cast<std::byte*>(::operator new (kBuffer, std::align_val_t{kAlign}));
        Buffer() = default;
        Buffer(const Buffer&) = delete;
        Buffer& operator=(const Buffer&) = delete;
        ~Buffer() { ::operator delete (bytes, std::align_val_t{kAlign}); }
    };

    bool set_direct(bool on) const {
        const int flags = ::fcntl(fd_, F_GETFL);
        return flags >= 0 && ::fcntl(fd_, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
    }

    void wait() {
        if (in_flight_.valid()) in_flight_.get();
    }
    void hand_over() {
        wait();
        std::swap(filling_, writing_);
        used_ = 0;
        in_flight_ = std::async(std::launch::async, [this, at = at_] {
            put({writing_->bytes, kBuffer}, at);
        });
        at_ += kBuffer;
    }

    void put(ByteSpan bytes, std::uint64_t at) {
        while (!bytes.empty()) {
            const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
            if (n < 0 && errno == EINTR) continue;
            // Some file systems promise O_DIRECT and then refuse it; a short write leaves an odd rest.
            if (n < 0 && errno == EINVAL && std::exchange(is_direct_, false) && set_direct(false)) continue;
            if (n < 0) throw_os(doing_);
            bytes = bytes.subspan(static_cast<std::size_t>(n));
            at += static_cast<std::uint64_t>(n);
        }
        if (purpose_ == Purpose::durable && !is_direct_)  // so that the sync has little left to wait for
            ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
    }

    int fd_;
    Purpose purpose_;
    std::string doing_;
    bool is_direct_ = false;
    std::unique_ptr<Buffer> filling_ = std::make_unique<Buffer>(), writing_ = std::make_unique<Buffer>();
    std::size_t used_ = 0;
    std::uint64_t at_ = 0;  // where the filling buffer goes
    std::future<void> in_flight_;
};

}  // namespace holdfast
