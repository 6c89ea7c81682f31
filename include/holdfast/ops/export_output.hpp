// ops/export_output.hpp - one file of an export: compressed, hashed and written on a thread of its own.
//
// Who makes the rows only fills buffers; at most kBuffers of 1 MiB wait. A failure of the thread is thrown by the next
// write() or by finish(). The file is synced and has its final name only when the export gives it one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "holdfast/base/disk.hpp"
#include "holdfast/base/file_writer.hpp"
#include "holdfast/base/progress.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/wrap/digest.hpp"
#include "holdfast/wrap/gzip.hpp"
#include "holdfast/wrap/zstd_stream.hpp"

namespace holdfast::ops {

/// `none` was not asked for, `off` was: Parquet compresses unless it is.
enum class Compression { none, gzip, zstd, off };

struct WrittenFile {
    std::uint64_t bytes = 0;  // as stored
    std::uint64_t plain_bytes = 0;
    Digest digest;
};

class ExportOutput {
public:
    /// A new file, or standard output if `path` is empty. Throws: io.
    ExportOutput(const fs::path& path, Compression compression, Progress& progress)
        : path_(path), compression_(compression), progress_(progress) {
        if (!path.empty()) file_ = open_fd(path.string(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
        thread_ = std::thread([this] { run(); });
    }
    ExportOutput(const ExportOutput&) = delete;
    ExportOutput& operator=(const ExportOutput&) = delete;
    ~ExportOutput() {
        {
            const std::lock_guard lock(mutex_);
            is_given_up_ = !is_ended_;  // an unfinished file is nobody's: not worth a sync
        }
        stop();
    }

    /// Throws: io, of an earlier write too.
    void write(ByteSpan bytes) {
        while (!bytes.empty()) {  // a value may be longer than all buffers together
            const ByteSpan piece = bytes.first(std::min(bytes.size(), kBufferBytes - filling_.size()));
            filling_.insert(filling_.end(), piece.begin(), piece.end());
            bytes = bytes.subspan(piece.size());
            if (filling_.size() >= kBufferBytes) hand_over();
        }
    }

    /// Everything is written and, for a file, synced. Throws: io.
    WrittenFile finish() {
        if (!filling_.empty()) hand_over();
        stop();
        if (failure_ != nullptr) std::rethrow_exception(failure_);
        return written_;
    }

private:
    static constexpr std::size_t kBuffers = 8, kBufferBytes = 1_MiB;
    static constexpr int kZstdLevel = 3, kZstdWorkers = 2;

    void hand_over() {
        std::unique_lock lock(mutex_);
        has_room_.wait(lock, [&] { return full_.size() < kBuffers || failure_ != nullptr; });
        if (failure_ != nullptr) std::rethrow_exception(failure_);
        full_.push_back(std::exchange(filling_, {}));
        if (!empty_.empty()) {
            filling_ = std::move(empty_.back());
            empty_.pop_back();
        }
        filling_.clear();
        has_work_.notify_one();
    }
    void stop() {
        if (!thread_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            is_ended_ = true;
        }
        has_work_.notify_one();
        thread_.join();
    }

    /// The next buffer; an empty one at the end.
    Bytes next() {
        std::unique_lock lock(mutex_);
        has_work_.wait(lock, [&] { return !full_.empty() || is_ended_; });
        if (full_.empty() || is_given_up_) return {};
        Bytes buffer = std::move(full_.front());
        full_.pop_front();
        has_room_.notify_one();
        return buffer;
    }

    void run() {
        try {
            if (path_.empty()) {
                drain(&write_stdout);
                return;
            }
            const std::string doing = "write " + in_quotes(path_.string());
            FileWriter writer(file_.get(), FileWriter::Purpose::durable, doing);
            drain([&](ByteSpan bytes) { writer.write(bytes); });
            if (is_given_up_) return;
            writer.finish();
            sync_fd(file_.get(), doing);
            file_.close(doing);
        } catch (...) {  // for the thread that makes the rows
            const std::lock_guard lock(mutex_);
            failure_ = std::current_exception();
            has_room_.notify_one();
        }
    }

    /// Whoever reads has seen enough: that ends us as it ends any program before `head`.
    static void write_stdout(ByteSpan bytes) {
        try {
            write_full(STDOUT_FILENO, bytes, "write standard output");
        } catch (const OsError& e) {
            if (e.number() == EPIPE) throw Interrupted(SIGPIPE);
            throw;
        }
    }
    void drain(const std::function<void(ByteSpan)>& put) {
        Hasher hasher;
        const auto store = [&](ByteSpan bytes) {
            if (!path_.empty()) hasher.update(bytes);  // a stream has no export.json
            put(bytes);
            written_.bytes += bytes.size();
        };
        if (compression_ == Compression::gzip) {
            GzipWriter gzip(store);
            each_buffer([&](ByteSpan bytes) { gzip.write(bytes); });
            gzip.finish();
        } else if (compression_ == Compression::zstd) {
            ZstdWriter zstd(store, kZstdLevel, kZstdWorkers);
            each_buffer([&](ByteSpan bytes) { zstd.write(bytes); });
            zstd.finish();
        } else {
            each_buffer(store);
        }
        written_.digest = hasher.finish();
    }
    template <class Visit>
    void each_buffer(Visit visit) {
        for (;;) {
            Bytes buffer = next();
            if (buffer.empty()) return;
            visit(ByteSpan(buffer));
            written_.plain_bytes += buffer.size();
            progress_.add(buffer.size());
            const std::lock_guard lock(mutex_);
            empty_.push_back(std::move(buffer));
        }
    }

    fs::path path_;
    Compression compression_;
    Progress& progress_;
    UniqueFd file_;
    WrittenFile written_;
    std::mutex mutex_;
    std::condition_variable has_work_, has_room_;
    Bytes filling_;
    std::deque<Bytes> full_;
    std::vector<Bytes> empty_;
    bool is_ended_ = false;
    std::atomic<bool> is_given_up_ = false;
    std::exception_ptr failure_;
    std::thread thread_;
};

}  // namespace holdfast::ops
