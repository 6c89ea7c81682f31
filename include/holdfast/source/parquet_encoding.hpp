// source/parquet_encoding.hpp - the values of a Parquet page, one after the other, in each encoding we know.
//
// Values are texts (BYTE_ARRAY) or numbers (INT64, and the bits of a DOUBLE). The decoders allocate nothing but the text that
// DELTA_BYTE_ARRAY puts together, and refuse with Kind::corrupt whatever the bytes do not hold. Format:
// Encodings.md of github.com/apache/parquet-format.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/byte_cursor.hpp"
#include "holdfast/source/parquet_format.hpp"

namespace holdfast {

struct ParquetValue {
    std::string_view text;    // of a BYTE_ARRAY; valid until the next value is read
    std::int64_t number = 0;  // of a DOUBLE: its bits
};

/// The `width` bits, at most 64, that start at bit `first`; the lowest bit of a byte is its first.
inline std::uint64_t bits_at(ByteSpan bytes, std::uint64_t first, unsigned width) {
    std::uint64_t value = 0;
    for (unsigned done = 0; done < width;) {
        const std::uint64_t at = first + done;
        const unsigned skipped = at % 8, n = std::min(8 - skipped, width - done);
        const std::uint64_t byte = std::to_integer<std::uint64_t>(bytes[static_cast<std::size_t>(at / 8)]);
        value |= (byte >> skipped & ((1U << n) - 1)) << done;
        done += n;
    }
    return value;
}

/// Levels and dictionary indexes: runs of one value, and runs of bit-packed ones (RLE = 3).
class RleDecoder {
public:
    /// `width` in bits, at most 32; 0 needs no bytes.
    RleDecoder(ByteCursor in, unsigned width) : in_(in), width_(width) {
        if (width > 32) in_.fail("has levels or indexes of more than 32 bits");
    }
    std::uint32_t next() {
        if (width_ == 0) return 0;
        while (left_ == 0) begin_run();
        --left_;
        if (!is_packed_) return value_;
        bit_ += width_;
        return static_cast<std::uint32_t>(bits_at(packed_, bit_ - width_, width_));
    }

private:
    void begin_run() {
        const std::uint64_t header = in_.varint();
        if (header >> 32 != 0) in_.fail("has a run that is too long");
        is_packed_ = (header & 1U) != 0;
        left_ = header >> 1;
        if (is_packed_) {  // counted in groups of 8; some writers cut the last one off
            packed_ = in_.take(std::min<std::uint64_t>(left_ * width_, in_.left()));
            left_ = std::min<std::uint64_t>(left_ * 8, packed_.size() * 8 / width_);
            bit_ = 0;
            return;
        }
        value_ = 0;
        const ByteSpan bytes = in_.take((width_ + 7) / 8);
        value_ = static_cast<std::uint32_t>(bits_at(bytes, 0, static_cast<unsigned>(bytes.size()) * 8));
    }

    ByteCursor in_;
    unsigned width_;
    std::uint64_t left_ = 0;  // values of the run
    bool is_packed_ = false;
    std::uint32_t value_ = 0;
    ByteSpan packed_;
    std::uint64_t bit_ = 0;
};

/// DELTA_BINARY_PACKED: blocks of miniblocks; each miniblock packs its differences in bits of its own width.
class DeltaDecoder {
public:
    /// `most` is what the page may hold. Throws: corrupt.
    DeltaDecoder(ByteCursor in, std::uint64_t most) : in_(in) {
        const std::uint64_t block = in_.varint();
        miniblocks_ = in_.varint();
        left_ = in_.varint();
        value_ = static_cast<std::uint64_t>(in_.zigzag());
        if (block >> 32 != 0 || miniblocks_ == 0 || block % miniblocks_ != 0)
            in_.fail("has a malformed delta block");
        per_miniblock_ = block / miniblocks_;
        if (per_miniblock_ == 0 || per_miniblock_ % 8 != 0) in_.fail("has a malformed delta block");
        if (left_ > most) in_.fail("holds more values than it says");
    }
    std::uint64_t left() const noexcept { return left_; }
    /// What follows; right only when nothing is left.
    ByteCursor rest() const noexcept { return in_; }

    std::int64_t next() {
        if (left_ == 0) in_.fail("holds fewer values than it says");
        --left_;
        if (std::exchange(is_first_, false)) return static_cast<std::int64_t>(value_);
        if (in_miniblock_ == 0) begin_miniblock();
        --in_miniblock_;
        value_ += min_delta_ + bits_at(packed_, bit_, width_);  // wraps, as the format wants it
        bit_ += width_;
        return static_cast<std::int64_t>(value_);
    }

private:
    void begin_miniblock() {
        if (widths_.empty()) {
            min_delta_ = static_cast<std::uint64_t>(in_.zigzag());
            widths_ = in_.take(miniblocks_);
        }
        width_ = std::to_integer<unsigned>(widths_[0]);
        widths_ = widths_.subspan(1);
        if (width_ > 64) in_.fail("has differences of more than 64 bits");
        packed_ = in_.take(per_miniblock_ / 8 * width_);
        in_miniblock_ = per_miniblock_;
        bit_ = 0;
    }

    ByteCursor in_;
    std::uint64_t miniblocks_ = 0, per_miniblock_ = 0;
    std::uint64_t left_ = 0;  // values in all
    std::uint64_t value_ = 0, min_delta_ = 0;
    bool is_first_ = true;
    ByteSpan widths_;  // of the block's miniblocks to come
    std::uint64_t in_miniblock_ = 0;
    unsigned width_ = 0;
    ByteSpan packed_;
    std::uint64_t bit_ = 0;
};

/// The values of one page that are not null.
class ParquetValues {
public:
    ParquetValues() = default;
    ParquetValues(const ParquetValues&) = delete;
    ParquetValues& operator=(const ParquetValues&) = delete;
    virtual ~ParquetValues() = default;
    /// Throws: corrupt, also after the last.
    virtual ParquetValue next() = 0;
};

/// PLAIN: back to back.
inline ParquetValue read_plain(ByteCursor& in, ParquetType type) {
    if (type != ParquetType::bytes) return {{}, static_cast<std::int64_t>(in.little_endian<std::uint64_t>())};
    return {as_text(in.take(in.little_endian<std::uint32_t>())), 0};
}

class PlainValues final : public ParquetValues {
public:
    PlainValues(ByteCursor in, ParquetType type) : in_(in), type_(type) {}
    ParquetValue next() override { return read_plain(in_, type_); }

private:
    ByteCursor in_;
    ParquetType type_;
};

/// A dictionary page: its plain bytes, and where each of its values starts.
class ParquetDictionary {
public:
    ParquetDictionary(Bytes page, ParquetType type, std::uint64_t count)
        : page_(std::move(page)), type_(type) {
        ByteCursor in = cursor(0);
        for (std::uint64_t i = 0; i < count; ++i) {
            starts_.push_back(static_cast<std::uint32_t>(page_.size() - in.left()));
            read_plain(in, type_);
        }
    }
    std::uint64_t held_bytes() const noexcept {
        return page_.capacity() + starts_.capacity() * sizeof starts_[0];
    }
    ParquetValue at(std::uint32_t index) const {
        if (index >= starts_.size()) cursor(0).fail("has fewer values than a page wants of it");
        ByteCursor in = cursor(starts_[index]);
        return read_plain(in, type_);
    }

private:
    ByteCursor cursor(std::size_t start) const {
        return {ByteSpan(page_).subspan(start), "parquet dictionary"};
    }

    Bytes page_;
    ParquetType type_;
    std::vector<std::uint32_t> starts_;  // each value has 4 bytes or more, so this is no longer than the page
};
static_assert(kMaxParquetPage <= 0xFFFFFFFFU);

class DictionaryValues final : public ParquetValues {
public:
    DictionaryValues(ByteCursor in, const ParquetDictionary& dictionary)
        : indexes_(in, in.byte()), dictionary_(dictionary) {}
    ParquetValue next() override { return dictionary_.at(indexes_.next()); }

private:
    RleDecoder indexes_;
    const ParquetDictionary& dictionary_;
};

class DeltaNumbers final : public ParquetValues {
public:
    DeltaNumbers(ByteCursor in, std::uint64_t most) : numbers_(in, most) {}
    ParquetValue next() override { return {{}, numbers_.next()}; }

private:
    DeltaDecoder numbers_;
};

/// DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
class DeltaLengthTexts final : public ParquetValues {
public:
    DeltaLengthTexts(ByteCursor in, std::uint64_t most) : lengths_(in, most), bytes_(after(lengths_)) {}
    ParquetValue next() override {
        // A negative length is, as an unsigned one, longer than any page.
        return {as_text(bytes_.take(static_cast<std::uint64_t>(lengths_.next()))), 0};
    }
    /// What follows the numbers, found by reading a copy of them.
    static ByteCursor after(DeltaDecoder numbers) {
        while (numbers.left() > 0) numbers.next();
        return numbers.rest();
    }

private:
    DeltaDecoder lengths_;
    ByteCursor bytes_;
};

/// DELTA_BYTE_ARRAY: how much each text shares with the one before it, and what it has of its own.
class DeltaTexts final : public ParquetValues {
public:
    DeltaTexts(ByteCursor in, std::uint64_t most)
        : prefixes_(in, most), suffixes_(DeltaLengthTexts::after(prefixes_), most) {}
    ParquetValue next() override {
        const auto shared = static_cast<std::uint64_t>(prefixes_.next());
        if (shared > text_.size()) prefixes_.rest().fail("has a text that shares more than there is");
        text_.resize(static_cast<std::size_t>(shared));
        text_ += suffixes_.next().text;
        return {text_, 0};
    }

private:
    DeltaDecoder prefixes_;
    DeltaLengthTexts suffixes_;
    std::string text_;
};

/// `most` values at most; `dictionary` may be null. What it reads must outlive it. Throws: corrupt, refused.
inline std::unique_ptr<ParquetValues> decode_values(ParquetEncoding encoding, ParquetType type, ByteCursor in,
                                                    std::uint64_t most, const ParquetDictionary* dictionary) {
    const bool is_text = type == ParquetType::bytes;
    switch (encoding) {
        case ParquetEncoding::plain: return std::make_unique<PlainValues>(in, type);
        case ParquetEncoding::plain_dictionary:
        case ParquetEncoding::rle_dictionary:
            if (dictionary == nullptr) in.fail("needs a dictionary that is not there");
            return std::make_unique<DictionaryValues>(in, *dictionary);
        case ParquetEncoding::delta_binary_packed:
            if (type == ParquetType::int64) return std::make_unique<DeltaNumbers>(in, most);
            break;
        case ParquetEncoding::delta_length_bytes:
            if (is_text) return std::make_unique<DeltaLengthTexts>(in, most);
            break;
        case ParquetEncoding::delta_bytes:
            if (is_text) return std::make_unique<DeltaTexts>(in, most);
            break;
        case ParquetEncoding::rle:
        case ParquetEncoding::bit_packed:
        case ParquetEncoding::byte_stream_split: break;
    }
    refuse_parquet("encoding " + std::to_string(static_cast<int>(encoding)));
}

}  // namespace holdfast
