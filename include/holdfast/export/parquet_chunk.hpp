// export/parquet_chunk.hpp - a column of a row group as the bytes of its column chunk.
//
// Encodings are chosen by trial: all that fit are compressed, and what came out shortest is kept for the chunks to come,
// until the next trial.
#pragma once

#include <optional>
#include <utility>

#include "holdfast/export/parquet_dictionary.hpp"
#include "holdfast/export/parquet_encode.hpp"
#include "holdfast/export/parquet_pages.hpp"
#include "holdfast/export/parquet_statistics.hpp"

namespace holdfast {

inline constexpr std::uint64_t kParquetPageBytes = 1_MiB;  // plain; a single value may take more
inline constexpr int kChunksBetweenTrials = 32;            // a trial costs as much as two to four chunks

struct EncodedChunk {
    Bytes bytes;                         // pages with their headers
    std::uint64_t plain_bytes = 0;       // the same, had nothing been compressed
    std::uint64_t dictionary_bytes = 0;  // of the dictionary page, which comes first; 0: there is none
    ParquetEncoding encoding{};          // of the data pages
    std::uint64_t rows = 0;
    ParquetStatistics statistics;
};

/// Writes the pages of one chunk in one encoding.
class ChunkEncoder {
public:
    ChunkEncoder(const ColumnBuffer& values, ParquetEncoding encoding, PageCompressor& compressor)
        : values_(values), encoding_(encoding), pages_(compressor) {}

    /// Nothing if the encoding does not fit the values.
    std::optional<EncodedChunk> encode() {
        if (!fits()) return std::nullopt;
        EncodedChunk out;
        if (encoding_ == ParquetEncoding::rle_dictionary) {
            dictionary_ = make_dictionary(values_);
            if (!dictionary_) return std::nullopt;
            for (const std::size_t first : dictionary_->firsts) append_plain(first);
            pages_.add_dictionary(page_, dictionary_->firsts.size());
            out.dictionary_bytes = pages_.bytes().size();
        }
        add_data_pages();
        out.plain_bytes = pages_.plain_bytes();
        out.bytes = pages_.take_bytes();
        out.encoding = encoding_;
        out.rows = values_.rows();
        return out;
    }

private:
    bool fits() const {
        switch (encoding_) {
            case ParquetEncoding::rle_dictionary: return values_.size() > 0;
            case ParquetEncoding::delta_binary_packed:
                return parquet_type(values_.column().type) == ParquetType::int64;
            case ParquetEncoding::delta_length_bytes:
            case ParquetEncoding::delta_bytes: return values_.is_text();
            default: return true;
        }
    }
    void append_plain(std::size_t i) {
        if (!values_.is_text()) return holdfast::append_little_endian(page_, values_.numbers()[i]);
        const ByteSpan text = values_.text(i);
        holdfast::append_little_endian(page_, static_cast<std::uint32_t>(text.size()));
        append(page_, text);
    }
    /// A page ends before the row that would make it too long, and a longer value has a page of its own. Indexes of a whole
    /// row group are short enough.
    void add_data_pages() {
        std::size_t first_row = 0, first = 0, value = 0;
        std::uint64_t bytes = 0;
        const auto end_page = [&](std::size_t end_row) {
            add_data_page(first_row, end_row, first, value);
            first_row = end_row;
            first = value;
            bytes = 0;
        };
        for (std::size_t row = 0; row < values_.rows(); ++row) {
            if (!values_.present().empty() && values_.present()[row] == 0) continue;
            const std::uint64_t n = dictionary_ ? 0 : values_.is_text() ? 4 + values_.text(value).size() : 8;
            if (row > first_row && bytes + n > kParquetPageBytes) end_page(row);
            bytes += n;
            ++value;
            if (bytes > kParquetPageBytes) end_page(row + 1);
        }
        if (first_row < values_.rows()) end_page(values_.rows());
    }
    void add_data_page(std::size_t first_row, std::size_t end_row, std::size_t first, std::size_t end) {
        levels_.clear();
        if (values_.column().may_be_null)
            append_runs(levels_, values_.present().subspan(first_row, end_row - first_row), 1);
        page_.clear();
        append_values(first, end - first);
        pages_.add_data(encoding_, end_row - first_row, end - first, levels_, page_);
    }
    void append_values(std::size_t first, std::size_t count) {
        const auto text_at = [&](std::size_t i) { return values_.text(first + i); };
        switch (encoding_) {
            case ParquetEncoding::rle_dictionary: {
                const std::span<const std::uint32_t> indexes = dictionary_->indexes;
                page_.push_back(static_cast<std::byte>(dictionary_->width));
                return append_runs(page_, indexes.subspan(first, count), dictionary_->width);
            }
            case ParquetEncoding::delta_binary_packed:
                return append_deltas(page_, values_.numbers().subspan(first, count));
            case ParquetEncoding::delta_length_bytes: return append_texts(page_, count, text_at);
            case ParquetEncoding::delta_bytes: return append_text_deltas(page_, count, text_at);
            default:
                for (std::size_t i = first; i < first + count; ++i) append_plain(i);
        }
    }

    const ColumnBuffer& values_;
    ParquetEncoding encoding_;
    PageWriter pages_;
    std::optional<ColumnDictionary> dictionary_;
    Bytes page_, levels_;
};

/// Chooses the encoding of one column's chunks, one after the other.
class EncodingChoice {
public:
    EncodedChunk encode(const ColumnBuffer& values, PageCompressor& compressor) {
        EncodedChunk chunk = shortest(values, compressor);
        chunk.statistics = parquet_statistics(values);
        return chunk;
    }

private:
    static constexpr ParquetEncoding kTried[] = {
        ParquetEncoding::plain, ParquetEncoding::rle_dictionary, ParquetEncoding::delta_binary_packed,
        ParquetEncoding::delta_length_bytes, ParquetEncoding::delta_bytes};

    EncodedChunk shortest(const ColumnBuffer& values, PageCompressor& compressor) {
        if (chunks_left_ > 0) {
            --chunks_left_;
            if (auto chunk = ChunkEncoder(values, chosen_, compressor).encode()) return *std::move(chunk);
        }
        std::optional<EncodedChunk> best;
        for (const ParquetEncoding encoding : kTried) {
            auto chunk = ChunkEncoder(values, encoding, compressor).encode();
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
