// ops/rebuild_file.hpp - the rows of one file of an export, or of another program, proven while they are read.
#pragma once

#include "holdfast/base/disk.hpp"
#include "holdfast/base/progress.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/export/csv_reader.hpp"
#include "holdfast/export/export_index.hpp"
#include "holdfast/export/json_rows.hpp"
#include "holdfast/export/parquet_rows.hpp"
#include "holdfast/export/time_shape.hpp"
#include "holdfast/ops/read_ahead.hpp"
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

namespace detail {

inline void check_header(const CsvReader& reader, const std::vector<CsvCell>& header,
                         const std::vector<ExportColumn>& columns) {
    bool is_same = header.size() == columns.size();
    for (std::size_t i = 0; is_same && i < columns.size(); ++i)
        is_same =
            header[i].text == (is_utf8_text(columns[i].name) ? columns[i].name : printable(columns[i].name));
    if (!is_same) reader.refuse_record("the header does not name the table's columns");
}

using OnRow = std::function<void(std::span<const ExportValue>)>;

/// Of another program: quotes say nothing about types, and an empty cell is no number.
inline ExportValue value_of_foreign_cell(const CsvCell& cell, CellRule rule) {
    if (cell.is_null() || (rule == CellRule::number && cell.text.empty())) return {};
    const ExportValue number = rule == CellRule::number ? number_of_cell(cell.text) : ExportValue{};
    return number.index() == 0 ? ExportValue{cell.text} : number;
}

inline void read_csv_rows(CsvReader& reader, const std::vector<ExportColumn>& columns, bool is_foreign,
                          const OnRow& row) {
    std::vector<CsvCell> cells;
    std::vector<ExportValue> values(columns.size());
    std::vector<std::string> rooms(columns.size());
    while (reader.next(cells)) {
        if (cells.size() != columns.size()) {
            if (cells.size() == 1 && cells[0].is_null()) continue;  // a blank line
            reader.refuse_record(std::to_string(cells.size()) + " cells where the header has " +
                                 std::to_string(columns.size()));
        }
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (is_foreign || cells[i].is_null()) {
                values[i] = value_of_foreign_cell(cells[i], columns[i].cells);
                continue;
            }
            const auto value = value_of_cell(cells[i].text, columns[i].cells, cells[i].is_quoted, rooms[i]);
            if (!value)
                reader.refuse(cells[i], "column " + in_quotes(columns[i].name) +
                                            ": the cell is not what its mark or column says");
            values[i] = *value;
        }
        row(values);
    }
}

inline std::string_view time_text(const ProvenFile& bytes, const ExportColumn& column, std::int64_t micros,
                                  std::string& room) {
    std::optional<std::string> text = text_of_micros(micros, column.time_shape);
    if (!text)
        throw Error(Kind::corrupt, bytes.name() + ", column " + in_quotes(column.name) +
                                       ": a time is not of the form " + in_quotes(column.time_shape));
    return room = *std::move(text);
}

/// The file was proven whole before: Parquet is not read from front to back.
inline void read_parquet_rows(ProvenFile& bytes, const std::vector<ExportColumn>& columns, const OnRow& row) {
    ParquetRows rows(bytes.read_at(), bytes.stored_bytes());
    bool is_same = rows.columns().size() == columns.size();
    for (std::size_t i = 0; is_same && i < columns.size(); ++i)
        is_same =
            rows.columns()[i].name == json_text(columns[i].name) && rows.columns()[i].type == columns[i].type;
    if (!is_same) throw Error(Kind::corrupt, bytes.name() + " has other columns than the table");
    std::vector<ExportValue> values(columns.size());
    std::vector<std::string> rooms(columns.size());
    while (const auto next = rows.next()) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = (*next)[i];
            if (!columns[i].time_shape.empty() && values[i].index() == 1)
                values[i] = time_text(bytes, columns[i], std::get<std::int64_t>(values[i]), rooms[i]);
            if (!columns[i].time_shape.empty()) continue;
            const auto* cell = std::get_if<std::string_view>(&values[i]);
            if (cell == nullptr) continue;
            const auto value = value_of_cell(*cell, columns[i].cells, false, rooms[i]);
            if (!value)
                throw Error(Kind::corrupt, bytes.name() + ", column " + in_quotes(columns[i].name) +
                                               ": the cell " + in_quotes(cell->substr(0, 40)) +
                                               " is not what its mark says");
            values[i] = *value;
        }
        row(values);
    }
}

}  // namespace detail

/// Every row of a file whose columns are known. Throws: corrupt, io, and what `row` throws.
inline void read_rows(const RowFile& file, ProvenFile& bytes, const std::vector<ExportColumn>& columns,
                      const detail::OnRow& row) {
    if (file.format == "parquet") {
        bytes.drain();
        return detail::read_parquet_rows(bytes, columns, row);
    }
    try {
        if (file.format == "csv") {
            CsvReader reader(bytes.pull(), bytes.name());
            std::vector<CsvCell> header;
            reader.next(header);
            detail::check_header(reader, header, columns);
            detail::read_csv_rows(reader, columns, file.is_foreign, row);
        } else {
            std::vector<ExportColumn> keys = columns;
            for (ExportColumn& c : keys) c.name = json_text(c.name);
            JsonStream stream(bytes.pull(), bytes.name());
            JsonRows(stream, file.format == "json" ? JsonShape::document : JsonShape::lines, keys, row)
                .read();
        }
    } catch (const Error& e) {
        if (e.kind() == Kind::corrupt) bytes.drain();
        throw;
    }
    bytes.drain();
}

}  // namespace holdfast::ops
