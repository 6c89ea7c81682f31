// export/parquet_chunk.hpp - a column of a row group as the bytes of its column chunk.
//
// Pages are of version 1, which every reader knows. Encodings are chosen by trial: all that fit are compressed, and what
// came out shortest is kept for the chunks to come, until the next trial.
// Format: README.md and parquet.thrift of github.com/apache/parquet-format, "Data Pages" and PageHeader.
#pragma once

#include <optional>
#include <utility>

#include "holdfast/base/thrift_writer.hpp"
#include "holdfast/export/parquet_dictionary.hpp"
#include "holdfast/export/parquet_encode.hpp"
#include "holdfast/export/parquet_statistics.hpp"
#include "holdfast/wrap/gzip.hpp"
#include "holdfast/wrap/zstd.hpp"

namespace holdfast {

inline constexpr std::uint64_t kParquetPageBytes = 1_MiB;  // plain; a single value may take more
inline constexpr int kChunksBetweenTrials = 32;            // a trial costs about as much as two chunks

/// Compresses pages; one per thread.
class PageCompressor {
public:
    /// Throws: internal (a codec that is not written).
    PageCompressor(ParquetCodec codec, int level) : codec_(codec), level_(level) {
        if (codec == ParquetCodec::zstd) zstd_.emplace(level);
    }
    /// Valid until the next call.
    ByteSpan compress(ByteSpan plain) {
        switch (codec_) {
            case ParquetCodec::plain: return plain;
            case ParquetCodec::zstd: return stored_ = zstd_->compress(plain);
            case ParquetCodec::gzip: return stored_ = compress_gzip(plain, level_);
            case ParquetCodec::snappy:
            case ParquetCodec::lzo:
            case ParquetCodec::brotli:
            case ParquetCodec::lz4:
            case ParquetCodec::lz4_raw: break;
        }
        throw Error(Kind::internal,
                    "parquet codec " + std::to_string(static_cast<int>(codec_)) + " is not written");
    }

private:
    ParquetCodec codec_;
    int level_;
    std::optional<Compressor> zstd_;
    Bytes stored_;
};

struct EncodedChunk {
    Bytes bytes;                         // pages with their headers
    std::uint64_t plain_bytes = 0;       // the same, had nothing been compressed
    std::uint64_t dictionary_bytes = 0;  // of the dictionary page, which comes first; 0: there is none
    ParquetEncoding encoding{};          // of the data pages
    std::uint64_t rows = 0;
    ParquetStatistics statistics;
};

/// Writes the pages of one chunk.
class ChunkEncoder {
public:
    ChunkEncoder(const ColumnBuffer& values, PageCompressor& compressor)
        : values_(values), compressor_(compressor) {}

    /// Pages in that encoding; nothing if it does not fit the values.
    std::optional<EncodedChunk> encode(ParquetEncoding encoding) {
        const bool is_integer = parquet_type(values_.column().type) == ParquetType::int64;
        if (encoding == ParquetEncoding::delta_binary_packed && !is_integer) return std::nullopt;
        out_ = {};
        out_.encoding = encoding;
        out_.rows = values_.rows();
        dictionary_.reset();
        if (encoding == ParquetEncoding::rle_dictionary) {
            if (values_.size() == 0) return std::nullopt;
            dictionary_ = make_dictionary(values_);
            if (!dictionary_) return std::nullopt;
            add_dictionary_page();
        }
        add_data_pages();
        return std::move(out_);
    }

private:
    void append_plain(std::size_t i) {
        if (!values_.is_text()) return append_little_endian(page_, values_.numbers()[i]);
        const ByteSpan text = values_.text(i);
        append_little_endian(page_, static_cast<std::uint32_t>(text.size()));
        append(page_, text);
    }
    void add_dictionary_page() {
        page_.clear();
        for (const std::size_t first : dictionary_->firsts) append_plain(first);
        add_page(ParquetPageType::dictionary, dictionary_->firsts.size());
        out_.dictionary_bytes = out_.bytes.size();
    }
    /// A page ends before the row that would make it too long.
    void add_data_pages() {
        std::size_t first_row = 0, first_value = 0, value = 0;
        std::uint64_t bytes = 0;
        for (std::size_t row = 0; row < values_.rows(); ++row) {
            if (!values_.present().empty() && values_.present()[row] == 0) continue;
            const std::uint64_t n = dictionary_ ? 0 : values_.is_text() ? 4 + values_.text(value).size() : 8;
            if (bytes > 0 && bytes + n > kParquetPageBytes) {
                add_data_page(first_row, row, first_value, value);
                first_row = row;
                first_value = value;
                bytes = 0;
            }
            bytes += n;
            ++value;
        }
        add_data_page(first_row, values_.rows(), first_value, value);
    }
    void add_data_page(std::size_t first_row, std::size_t end_row, std::size_t first, std::size_t end) {
        page_.clear();
        if (values_.column().may_be_null) {
            append_little_endian(page_, std::uint32_t{0});
            append_runs(page_, values_.present().subspan(first_row, end_row - first_row), 1);
            Bytes length;
            append_little_endian(length, static_cast<std::uint32_t>(page_.size() - 4));
            std::copy(length.begin(), length.end(), page_.begin());
        }
        switch (out_.encoding) {
            case ParquetEncoding::rle_dictionary:
                page_.push_back(static_cast<std::byte>(dictionary_->width));
                append_runs(page_,
                            std::span<const std::uint32_t>(dictionary_->indexes).subspan(first, end - first),
                            dictionary_->width);
                break;
            case ParquetEncoding::delta_binary_packed:
                append_deltas(page_, values_.numbers().subspan(first, end - first));
                break;
            default:
                for (std::size_t i = first; i < end; ++i) append_plain(i);
        }
        add_page(ParquetPageType::data, end_row - first_row);
    }
    /// `page_` with its header.
    void add_page(ParquetPageType type, std::size_t count) {
        const ByteSpan stored = compressor_.compress(page_);
        const std::size_t start = out_.bytes.size();
        ThriftWriter thrift(out_.bytes);
        thrift.write_struct([&] {
            thrift.write_i32(1, static_cast<std::int32_t>(type));
            thrift.write_i32(2, static_cast<std::int32_t>(page_.size()));
            thrift.write_i32(3, static_cast<std::int32_t>(stored.size()));
            const bool is_data = type == ParquetPageType::data;
            thrift.write_struct(is_data ? 5 : 7, [&] {
                thrift.write_i32(1, static_cast<std::int32_t>(count));
                thrift.write_i32(2,
                                 static_cast<std::int32_t>(is_data ? out_.encoding : ParquetEncoding::plain));
                if (!is_data) return;
                thrift.write_i32(3, static_cast<std::int32_t>(ParquetEncoding::rle));  // of definition levels
                thrift.write_i32(
                    4, static_cast<std::int32_t>(ParquetEncoding::rle));  // of repetition levels: none
            });
        });
        out_.plain_bytes += out_.bytes.size() - start + page_.size();
        append(out_.bytes, stored);
    }

    const ColumnBuffer& values_;
    PageCompressor& compressor_;
    std::optional<ColumnDictionary> dictionary_;
    EncodedChunk out_;
    Bytes page_;
};

/// Chooses the encoding of one column's chunks, one after the other.
class EncodingChoice {
public:
    EncodedChunk encode(const ColumnBuffer& values, PageCompressor& compressor) {
        ChunkEncoder encoder(values, compressor);
        EncodedChunk chunk = choose(encoder);
        chunk.statistics = parquet_statistics(values);
        return chunk;
    }

private:
    EncodedChunk choose(ChunkEncoder& encoder) {
        if (chunks_left_-- > 0)
            if (std::optional<EncodedChunk> chunk = encoder.encode(chosen_)) return *std::move(chunk);
        std::optional<EncodedChunk> best;
        for (const ParquetEncoding encoding : {ParquetEncoding::plain, ParquetEncoding::delta_binary_packed,
                                               ParquetEncoding::rle_dictionary}) {
            std::optional<EncodedChunk> chunk = encoder.encode(encoding);
            if (chunk && (!best || chunk->bytes.size() < best->bytes.size())) best = std::move(chunk);
        }
        chosen_ = best->encoding;
        chunks_left_ = kChunksBetweenTrials;
        return *std::move(best);
    }

    ParquetEncoding chosen_{};
    int chunks_left_ = 0;
};

}  // namespace holdfast
