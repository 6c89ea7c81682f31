// source/parquet_column.hpp - one column of a Parquet file, row by row.
//
// Columns of one file have the same rows, so several can be walked through side by side. Memory per column is
// two pages and a dictionary with its index, each bounded by kMaxParquetPage; a ParquetMemory bounds that of
// all columns together. All that is read is untrusted.
#pragma once

#include <bit>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/source/parquet_encoding.hpp"
#include "holdfast/source/parquet_page.hpp"

namespace holdfast {

/// What several columns may hold together, pages and dictionaries.
struct ParquetMemory {
    std::uint64_t most_bytes = 0;
    std::uint64_t most_for_one = kMaxParquetPage;  // a page of one value alone
    std::uint64_t held_bytes = 0;
};

class ParquetColumn {
public:
    /// `type` is bytes, int64 or real64. The file must outlive the column. Throws: corrupt, refused (another type).
    ParquetColumn(const ParquetFile& file, const ParquetLeaf& leaf, ParquetType type)
        : file_(file), leaf_(leaf), chunks_(file.chunks(leaf)) {
        if (leaf.type != type) refuse_parquet("column of another type than it should have");
    }
    /// Its rows in one row group. File and memory must outlive the column.
    ParquetColumn(const ParquetFile& file, const ParquetLeaf& leaf, const ParquetChunk& chunk,
                  ParquetMemory& memory)
        : file_(file), leaf_(leaf), chunks_{chunk}, memory_(&memory) {}
    ~ParquetColumn() {
        if (memory_ != nullptr) memory_->held_bytes -= held_bytes_;
    }
    ParquetColumn(const ParquetColumn&) = delete;
    ParquetColumn& operator=(const ParquetColumn&) = delete;

    /// Goes to the next row; false after the last. Throws: corrupt, refused, io.
    bool next() {
        while (rows_left_ == 0) {
            if (next_chunk_ == chunks_.size()) return false;
            begin_chunk(chunks_[next_chunk_++]);
        }
        while (page_left_ == 0) begin_page();
        --rows_left_;
        --page_left_;
        const std::uint32_t level = definitions_ ? definitions_->next() : 0;
        if (level > leaf_.max_definition) corrupt("has an impossible level");
        value_.reset();
        if (level < leaf_.max_definition) return true;
        // Not before: a page of nulls need not have values at all.
        if (!values_)
            values_ = decode_values(page_.encoding, leaf_.type, *data_, page_.values,
                                    dictionary_ ? &*dictionary_ : nullptr);
        value_ = values_->next();
        spend(value_->text.size());
        return true;
    }
    /// This row's value, valid until next(); nothing for a null.
    const std::optional<ParquetValue>& value() const noexcept { return value_; }

private:
    [[noreturn]] static void corrupt(const char* why) {
        throw Error(Kind::corrupt, std::string("parquet column ") + why);
    }
    /// Small stored bytes can stand for any number of plain ones; somewhere it must end.
    void spend(std::uint64_t bytes) {
        spent_ += bytes;
        if (spent_ > kMaxParquetColumn)
            refuse_parquet("column of more than " + format_bytes(kMaxParquetColumn));
    }
    void hold() {
        if (memory_ == nullptr) return;
        const std::uint64_t held =
            plain_.capacity() + pages_->held_bytes() + (dictionary_ ? dictionary_->held_bytes() : 0);
        memory_->held_bytes += held - std::exchange(held_bytes_, held);
        if (memory_->held_bytes > memory_->most_bytes)
            refuse_parquet("row group whose pages take more than " + format_bytes(memory_->most_bytes));
    }
    void begin_chunk(const ParquetChunk& chunk) {
        rows_left_ = chunk.rows;
        pages_.emplace(file_.read(), chunk, memory_ != nullptr ? memory_->most_for_one : kMaxParquetPage);
        end_page();
        dictionary_.reset();
    }
    void end_page() {
        values_.reset();
        definitions_.reset();
        data_.reset();
        page_left_ = 0;
    }
    void begin_page() {
        end_page();
        const auto header = pages_->next(plain_);
        if (!header) corrupt("ends before its last row");
        spend(header->plain_bytes);
        hold();
        page_ = *header;
        switch (page_.type) {
            case ParquetPageType::index: return;
            case ParquetPageType::dictionary: return begin_dictionary();
            case ParquetPageType::data:
            case ParquetPageType::data_v2: return begin_data();
        }
        refuse_parquet("page type " + std::to_string(static_cast<int>(page_.type)));
    }
    void begin_dictionary() {
        if (dictionary_) corrupt("has two dictionaries");
        if (page_.encoding != ParquetEncoding::plain && page_.encoding != ParquetEncoding::plain_dictionary)
            refuse_parquet("encoding of a dictionary");
        dictionary_.emplace(std::exchange(plain_, {}), leaf_.type, page_.values);
    }
    void begin_data() {
        if (page_.values > rows_left_) corrupt("has more values than rows");
        page_left_ = page_.values;
        ByteCursor in(plain_, "parquet page");
        if (page_.type == ParquetPageType::data_v2) in.take(page_.repetition_bytes);
        if (leaf_.max_definition > 0) {
            if (page_.level_encoding != ParquetEncoding::rle) refuse_parquet("encoding of levels");
            const std::uint64_t bytes = page_.type == ParquetPageType::data_v2
                                            ? page_.definition_bytes
                                            : in.little_endian<std::uint32_t>();
            definitions_.emplace(ByteCursor(in.take(bytes), "parquet levels"),
                                 static_cast<unsigned>(std::bit_width(leaf_.max_definition)));
        }
        data_ = in;
    }

    const ParquetFile& file_;
    ParquetLeaf leaf_;
    std::vector<ParquetChunk> chunks_;
    ParquetMemory* memory_ = nullptr;
    std::uint64_t held_bytes_ = 0;  // of the memory
    std::size_t next_chunk_ = 0;
    std::uint64_t rows_left_ = 0;  // of the chunk
    std::uint64_t spent_ = 0;

    std::optional<ParquetPages> pages_;
    std::optional<ParquetDictionary> dictionary_;
    ParquetPageHeader page_;
    Bytes plain_;                  // of the page
    std::uint64_t page_left_ = 0;  // values of the page
    std::optional<RleDecoder> definitions_;
    std::optional<ByteCursor> data_;  // the page's values
    std::unique_ptr<ParquetValues> values_;
    std::optional<ParquetValue> value_;
};

}  // namespace holdfast
