// ops/delta_tables.hpp - Delta tables while they are checked: what reads the files of their logs.
//
// A Parquet file is read from its end, so a checkpoint is copied to a nameless file first: one at a time, at
// most kMaxDeltaCheckpoint.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "holdfast/base/disk.hpp"
#include "holdfast/base/random.hpp"
#include "holdfast/source/delta_checkpoint.hpp"
#include "holdfast/source/delta_plan.hpp"
#include "holdfast/store/tree_match.hpp"

namespace holdfast::ops {

inline constexpr std::uint64_t kMaxDeltaCheckpoint = 2_GiB;  // one file of it; some 300 bytes for a data file

namespace detail {

/// What is known of one table while it is checked.
struct DeltaTable {
    DeltaPlan plan;
    DeltaLog log;
    bool has_base = false;         // the plan's checkpoint is in the log
    std::optional<Error> failure;  // why the checkpoint cannot be read
};
using DeltaTables = std::map<std::string, DeltaTable, std::less<>>;

/// The folder of the table whose log holds the file.
inline std::string_view delta_table_of(std::string_view path) {
    if (const auto commit = parse_delta_commit(path)) return commit->table;
    if (const auto checkpoint = parse_delta_checkpoint(path)) return checkpoint->table;
    return parse_delta_sidecar(path).value();
}

class CommitVisitor final : public TreeVisitor {
public:
    explicit CommitVisitor(DeltaTables& tables) : tables_(tables) {}
    void begin(const WantedEntry& w, const TarEntry&) override {
        log_ = &tables_.find(delta_table_of(w.entry.path))->second.log;
        log_->begin_commit(parse_delta_commit(w.entry.path)->version);
    }
    void data(std::uint64_t, ByteSpan bytes) override { log_->feed(bytes); }
    void end(const WantedEntry&) override { log_->end_commit(); }
    void bad_content(const WantedEntry& w, const std::string& why) override {
        throw Error(Kind::corrupt, in_quotes(w.entry.path) + ": " + why);
    }

private:
    DeltaTables& tables_;
    DeltaLog* log_ = nullptr;
};

/// Checkpoints and their sidecars. One that cannot be read is the failure of its table, not of the walk.
class CheckpointVisitor final : public TreeVisitor {
public:
    CheckpointVisitor(DeltaTables& tables, const fs::path& staging) : tables_(tables), staging_(staging) {}

    void begin(const WantedEntry& w, const TarEntry&) override {
        table_ = &tables_.find(delta_table_of(w.entry.path))->second;
        is_json_ = w.entry.path.ends_with(".json");
        attempt(w, [&] {
            if (w.entry.content_bytes() > kMaxDeltaCheckpoint)
                throw Error(Kind::refused, "it is larger than " + format_bytes(kMaxDeltaCheckpoint));
            table_->log.begin_checkpoint(table_->plan.base()->first);
            if (!is_json_) spool_ = nameless_file();
        });
        entry_ = &w;
    }
    void data(std::uint64_t offset, ByteSpan bytes) override {
        attempt(*entry_, [&] {
            if (is_json_) return table_->log.feed(bytes);
            if (::lseek(spool_.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
                throw_os("seek in a spool file");
            write_full(spool_.get(), bytes, "write a spool file");
        });
    }
    void end(const WantedEntry& w) override {
        attempt(w, [&] {
            if (is_json_) return table_->log.end_commit();
            const std::uint64_t size = w.entry.content_bytes();
            if (::ftruncate(spool_.get(), static_cast<off_t>(size)) != 0) throw_os("size a spool file");
            const ReadAt read = [&](std::uint64_t offset, std::span<std::byte> out) {
                if (pread_full(spool_.get(), out, offset, "read a spool file") != out.size())
                    throw Error(Kind::io, "read a spool file: it ended early");
            };
            read_delta_checkpoint(ParquetFile(read, size), table_->log);
        });
        spool_.reset();
    }
    void bad_content(const WantedEntry& w, const std::string& why) override {
        throw Error(Kind::corrupt, in_quotes(w.entry.path) + ": " + why);
    }

private:
    template <class Step>
    void attempt(const WantedEntry& w, Step step) {
        if (table_->failure) return;
        try {
            step();
        } catch (const Error& e) {
            table_->failure.emplace(e.kind(), in_quotes(w.entry.path) + ": " + e.what());
        }
    }
    UniqueFd nameless_file() const {
        UniqueFd fd{::open(staging_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
        if (fd) return fd;
        const TempName name{staging_ / ("delta." + std::to_string(::getpid()) + "." + random_hex<4>())};
        return open_fd(name.path().string(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    }

    DeltaTables& tables_;
    fs::path staging_;
    DeltaTable* table_ = nullptr;
    const WantedEntry* entry_ = nullptr;
    bool is_json_ = false;
    UniqueFd spool_;
};

}  // namespace detail

}  // namespace holdfast::ops
