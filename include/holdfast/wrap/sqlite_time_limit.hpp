// wrap/sqlite_time_limit.hpp - ends a query of a connection when its time is over, wherever SQLite is in it.
//
// A progress handler is not asked inside one opcode, and the b-tree part of integrity_check is one opcode.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "holdfast/wrap/sqlite.hpp"

namespace holdfast {

class SqliteTimeLimit {
public:
    /// The connection must outlive this. The query then fails with SQLITE_INTERRUPT.
    SqliteTimeLimit(const Database& db, std::chrono::milliseconds limit)
        : timer_([this, raw = db.get(), limit](const std::stop_token& stop) {
              std::mutex mutex;
              std::unique_lock lock(mutex);
              std::condition_variable_any never;
              never.wait_for(lock, stop, limit, [] { return false; });
              if (stop.stop_requested()) return;
              is_over_ = true;
              sqlite3_interrupt(raw);
          }) {}

    bool is_over() const noexcept { return is_over_; }

private:
    std::atomic<bool> is_over_ = false;
    std::jthread timer_;  // stopped and joined first
};

}  // namespace holdfast
