// ops/rebuild_file.hpp - the bytes of one file of an export, or of another program, proven while they are read.
#pragma once

#include "holdfast/base/disk.hpp"
#include "holdfast/base/progress.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/export/export_index.hpp"
#include "holdfast/ops/read_ahead.hpp"
#include "holdfast/source/parquet_format.hpp"
#include "holdfast/wrap/gzip.hpp"
#include "holdfast/wrap/zstd_stream.hpp"

namespace holdfast::ops {

/// A file of rows as its name tells: "trades_20260115.csv.gz".
struct RowFile {
    fs::path path;
    std::string table;        // without the date
    std::string format;       // csv, json, ndjson, parquet
    std::string compression;  // none, gzip, zstd
    bool is_foreign = false;  // of another program: its cells have no marks
    bool is_given = false;    // by its own path, not found in a folder: a link is followed
};

/// Nothing if the name is not that of such a file.
inline std::optional<RowFile> row_file_of(const fs::path& path) {
    RowFile file{path, path.filename().string(), {}, "none"};
    const auto cut = [&](std::string_view end) {
        if (!std::string_view(file.table).ends_with(end) || file.table.size() == end.size()) return false;
        file.table.resize(file.table.size() - end.size());
        return true;
    };
    if (cut(".gz"))
        file.compression = "gzip";
    else if (cut(".zst"))
        file.compression = "zstd";
    if (cut(".csv"))
        file.format = "csv";
    else if (cut(".ndjson") || cut(".jsonl"))
        file.format = "ndjson";
    else if (cut(".json"))
        file.format = "json";
    else if (cut(".parquet"))
        file.format = "parquet";
    else
        return std::nullopt;
    const std::size_t date = file.table.size() - std::min<std::size_t>(file.table.size(), 9);
    const bool is_dated = date > 0 && file.table[date] == '_' &&
                          file.table.find_first_not_of("0123456789", date + 1) == std::string::npos;
    if (is_dated) file.table.resize(date);
    return file;
}

struct FileProof {
    std::uint64_t bytes = 0;
    Digest digest;
    std::optional<std::uint64_t> plain_bytes{};  // of what is compressed, where it is known
};

/// The plain bytes of a file, and what it must be if that is known.
class ProvenFile {
public:
    ProvenFile(const RowFile& file, std::optional<FileProof> expected, Progress& progress)
        : what_(in_quotes(file.path.filename().string())), expected_(std::move(expected)),
          progress_(progress), fd_(open_rows(file)) {
        if (!S_ISREG(stat_fd(fd_.get(), "stat " + what_).st_mode))
            throw Error(Kind::io, what_ + " is not a regular file");
        const PullBytes stored = [this](std::span<std::byte> out) { return read_stored(out); };
        PullBytes plain = stored;
        const bool is_inside = file.format == "parquet";  // the compression
        if (!is_inside && file.compression == "gzip") {
            gzip_ = std::make_unique<GzipReader>(stored, what_);
            plain = [this](std::span<std::byte> out) { return gzip_->read(out); };
        } else if (!is_inside && file.compression == "zstd") {
            zstd_ = std::make_unique<ZstdReader>(stored, what_);
            plain = [this](std::span<std::byte> out) { return zstd_->read(out); };
        }
        ahead_ = std::make_unique<ReadAhead>([this, plain](std::span<std::byte> out) {
            const std::size_t n = plain(out);
            plain_bytes_ += n;
            if (expected_ && plain_bytes_ > expected_->plain_bytes.value_or(plain_bytes_))
                throw Error(Kind::corrupt, what_ + " unpacks to more than the " +
                                               format_bytes(*expected_->plain_bytes) +
                                               " that export.json says");
            return n;
        });
    }

    const std::string& name() const { return what_; }
    /// For readers that jump: the bytes as they are stored. Throws: io.
    ReadAt read_at() {
        return [this](std::uint64_t offset, std::span<std::byte> out) {
            check_interrupted();
            if (pread_full(fd_.get(), out, offset, "read " + what_) != out.size())
                throw Error(Kind::corrupt, what_ + " ends early");
        };
    }
    std::uint64_t stored_bytes() const {
        return static_cast<std::uint64_t>(stat_fd(fd_.get(), "stat " + what_).st_size);
    }
    PullBytes pull() {
        return [this](std::span<std::byte> out) {
            check_interrupted();
            return ahead_->pull(out);
        };
    }
    /// Reads what nobody wanted: a file that is damaged is a better explanation than what was found in it.
    void drain() {
        Bytes rest(256_KiB);
        while (ahead_->pull(rest) != 0) check_interrupted();
    }

private:
    static UniqueFd open_rows(const RowFile& file) {
        if (!file.is_given && fs::is_symlink(file.path))
            throw Error(Kind::refused,
                        in_quotes(file.path.string()) + " is a symbolic link, which may lead anywhere",
                        "put the file itself into the folder");
        return open_fd(file.path.string(), O_RDONLY | O_NONBLOCK | (file.is_given ? 0 : O_NOFOLLOW));
    }
    std::size_t read_stored(std::span<std::byte> out) {
        const std::size_t n = read_full(fd_.get(), out, "read " + what_);
        hasher_.update(out.first(n));
        bytes_ += n;
        progress_.add(n);
        if (n < out.size() && expected_ && !std::exchange(is_proven_, true) &&
            (bytes_ != expected_->bytes || hasher_.finish() != expected_->digest))
            throw Error(Kind::corrupt,
                        what_ + " is not the file that export.json names: its bytes or their digest differ",
                        "take the file from another copy of the export");
        return n;
    }

    std::string what_;
    std::optional<FileProof> expected_;
    Progress& progress_;
    UniqueFd fd_;
    Hasher hasher_;
    std::uint64_t bytes_ = 0, plain_bytes_ = 0;
    bool is_proven_ = false;
    std::unique_ptr<GzipReader> gzip_;
    std::unique_ptr<ZstdReader> zstd_;
    std::unique_ptr<ReadAhead> ahead_;  // destroyed first: its thread uses the others
};

}  // namespace holdfast::ops
