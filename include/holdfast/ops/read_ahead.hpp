// ops/read_ahead.hpp - a stream that is read on a thread of its own, a few megabytes ahead of who uses it.
//
// What reading throws is thrown by pull(), after what came before it.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast::ops {

class ReadAhead {
public:
    explicit ReadAhead(PullBytes pull) : pull_(std::move(pull)), thread_([this] { run(); }) {}
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;
    ~ReadAhead() {
        {
            const std::lock_guard lock(mutex_);
            is_stopped_ = true;
        }
        has_room_.notify_one();
        thread_.join();
    }

    std::size_t pull(std::span<std::byte> out) {
        if (at_ == piece_.size() && !next()) return 0;
        const std::size_t n = std::min(out.size(), piece_.size() - at_);
        std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(at_), n, out.begin());
        at_ += n;
        return n;
    }

private:
    static constexpr std::size_t kPieces = 4, kPieceBytes = 1_MiB;

    bool next() {
        std::unique_lock lock(mutex_);
        has_piece_.wait(lock, [&] { return !ahead_.empty() || is_end_; });
        if (ahead_.empty()) {
            if (failure_ != nullptr) std::rethrow_exception(failure_);
            return false;
        }
        piece_ = std::move(ahead_.front());
        ahead_.pop_front();
        at_ = 0;
        has_room_.notify_one();
        return true;
    }
    void run() {
        try {
            for (;;) {
                Bytes piece(kPieceBytes);
                std::size_t filled = 0, n = 0;
                while (filled < piece.size() && (n = pull_(std::span(piece).subspan(filled))) != 0)
                    filled += n;
                piece.resize(filled);
                std::unique_lock lock(mutex_);
                has_room_.wait(lock, [&] { return ahead_.size() < kPieces || is_stopped_; });
                if (is_stopped_) return;
                if (!piece.empty()) ahead_.push_back(std::move(piece));
                is_end_ = n == 0;
                has_piece_.notify_one();
                if (is_end_) return;
            }
        } catch (...) {  // for the thread that uses the stream
            const std::lock_guard lock(mutex_);
            failure_ = std::current_exception();
            is_end_ = true;
            has_piece_.notify_one();
        }
    }

    PullBytes pull_;
    std::mutex mutex_;
    std::condition_variable has_piece_, has_room_;
    std::deque<Bytes> ahead_;
    bool is_end_ = false, is_stopped_ = false;
    std::exception_ptr failure_;
    Bytes piece_;
    std::size_t at_ = 0;
    std::thread thread_;
};

}  // namespace holdfast::ops
