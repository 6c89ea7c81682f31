// export/parquet_sink.hpp - rows written as a Parquet file.
//
// While rows gather for one row group, the columns of the one before are encoded on all cores. Memory: two row groups, their
// encoded bytes, and some 150 bytes per column chunk for the footer. Bytes are handed on in the order of the file, by the
// thread that hands in the rows.
#pragma once

#include <tbb/enumerable_thread_specific.h>
#include <tbb/task_group.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "holdfast/export/parquet_metadata.hpp"

namespace holdfast {

struct ParquetOptions {
    ParquetCodec codec = ParquetCodec::zstd;  // or gzip, plain
    int level = 3;                            // of the codec
    ParquetKeyValues key_values;              // for the footer, beside kDeclaredTypesKey
    std::size_t group_rows = 128 * 1024;
    std::uint64_t group_bytes = 32_MiB;  // plain
};

class ParquetSink final : public RowSink {
public:
    using Put = std::function<void(ByteSpan)>;

    ParquetSink(Put put, ParquetOptions options)
        : put_(std::move(put)), options_(std::move(options)),
          compressors_(
              [codec = options_.codec, level = options_.level] { return PageCompressor(codec, level); }) {}
    ~ParquetSink() override {
        if (encoding_ == nullptr) return;
        tasks_->cancel();
        try {
            tasks_->wait();
        } catch (...) {  // the file is given up anyway
        }
    }

    void begin(const std::vector<ExportColumn>& columns) override {
        footer_.emplace(columns, options_.codec);
        Json declared = Json::array();
        for (const ExportColumn& column : columns) declared.push_back(column.declared);
        options_.key_values.emplace_back(kDeclaredTypesKey, dump_json(declared));
        choices_.resize(columns.size());
        for (Group& group : groups_) {
            for (const ExportColumn& column : columns) group.columns.emplace_back(column);
            group.chunks.resize(columns.size());
        }
        put(as_bytes(kParquetMagic));
    }

    void row(std::span<const ExportValue> values) override {
        for (std::size_t i = 0; i < filling_->columns.size(); ++i)
            filling_->bytes += filling_->columns[i].add(values[i]);
        if (++filling_->rows >= options_.group_rows || filling_->bytes >= options_.group_bytes)
            encode_group();
    }

    void finish() override {
        if (filling_->rows > 0) encode_group();
        write_encoded();
        put(footer_->finish(options_.key_values));
    }

private:
    struct Group {
        std::deque<ColumnBuffer> columns;
        std::vector<EncodedChunk> chunks;
        std::size_t rows = 0;
        std::uint64_t bytes = 0;
    };

    void put(ByteSpan bytes) {
        put_(bytes);
        at_ += bytes.size();
    }
    /// Starts to encode the rows that have gathered.
    void encode_group() {
        write_encoded();
        encoding_ = filling_;
        filling_ = encoding_ == &groups_[0] ? &groups_[1] : &groups_[0];
        for (std::size_t i = 0; i < encoding_->columns.size(); ++i)
            tasks_->run([this, i, group = encoding_] {
                group->chunks[i] = choices_[i].encode(group->columns[i], compressors_.local());
            });
    }
    void write_encoded() {
        if (encoding_ == nullptr) return;
        Group& group = *std::exchange(encoding_, nullptr);
        tasks_->wait();
        footer_->add_group(group.chunks, at_);
        for (EncodedChunk& chunk : group.chunks) {
            put(chunk.bytes);
            chunk = {};
        }
        for (ColumnBuffer& column : group.columns) column.clear();
        group.rows = 0;
        group.bytes = 0;
    }

    Put put_;
    ParquetOptions options_;
    std::uint64_t at_ = 0;  // in the file
    std::optional<ParquetFooter> footer_;
    std::vector<EncodingChoice> choices_;  // one per column
    std::array<Group, 2> groups_;
    Group* filling_ = &groups_[0];
    Group* encoding_ = nullptr;
    tbb::enumerable_thread_specific<PageCompressor> compressors_;
    // Behind a pointer because its destructor may throw, which a sink's must not: nothing runs any more when it is called.
    std::unique_ptr<tbb::task_group> tasks_ = std::make_unique<tbb::task_group>();
};

}  // namespace holdfast
