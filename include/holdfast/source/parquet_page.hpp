// source/parquet_page.hpp - the pages of a column chunk, decompressed.
//
// One page at a time, and never one over kMaxParquetPage. Format: parquet.thrift, PageHeader.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "holdfast/base/thrift_compact.hpp"
#include "holdfast/source/parquet_footer.hpp"
#include "holdfast/wrap/gzip.hpp"
#include "holdfast/wrap/snappy.hpp"
#include "holdfast/wrap/zstd.hpp"

namespace holdfast {

struct ParquetPageHeader {
    ParquetPageType type{};
    std::uint64_t plain_bytes = 0, stored_bytes = 0;
    std::uint64_t values = 0;  // nulls included
    ParquetEncoding encoding{};
    ParquetEncoding level_encoding =
        ParquetEncoding::rle;  // of definition levels, in data pages of version 1
    std::uint64_t definition_bytes = 0,
                  repetition_bytes = 0;  // version 2: they stand before the values, plain
    bool is_compressed = true;
};

/// Throws: corrupt, refused (a type or an encoding that is not in the format).
inline ParquetPageHeader parse_page_header(ThriftReader& reader) {
    ParquetPageHeader h;
    const auto small = [&](ThriftType type) {
        const std::uint64_t code = reader.count(type);
        if (code > 100) refuse_parquet("page type or encoding " + std::to_string(code));
        return static_cast<int>(code);
    };
    // Fields 5, 7 and 8 are the parts of a data page, a dictionary page and a data page of version 2.
    const auto read_part = [&](int part, ThriftType element) {
        reader.read_struct(element, [&](int id, ThriftType type) {
            if (id == 1)
                h.values = reader.count(type);
            else if (id == (part == 8 ? 4 : 2))
                h.encoding = static_cast<ParquetEncoding>(small(type));
            else if (part == 5 && id == 3)
                h.level_encoding = static_cast<ParquetEncoding>(small(type));
            else if (part == 8 && id == 5)
                h.definition_bytes = reader.count(type);
            else if (part == 8 && id == 6)
                h.repetition_bytes = reader.count(type);
            else if (part == 8 && id == 7)
                h.is_compressed = reader.flag(type);
            else
                reader.skip(type);
        });
    };
    reader.read_struct([&](int id, ThriftType type) {
        switch (id) {
            case 1: h.type = static_cast<ParquetPageType>(small(type)); break;
            case 2: h.plain_bytes = reader.count(type); break;
            case 3: h.stored_bytes = reader.count(type); break;
            case 5:
            case 7:
            case 8: read_part(id, type); break;
            default: reader.skip(type);
        }
    });
    return h;
}

/// Throws: corrupt, refused (a codec that is not implemented).
inline void decompress_page(ParquetCodec codec, ByteSpan stored, std::span<std::byte> plain) {
    bool is_right = false;
    switch (codec) {
        case ParquetCodec::plain:
            is_right = stored.size() == plain.size();
            if (is_right) std::copy(stored.begin(), stored.end(), plain.begin());
            break;
        case ParquetCodec::snappy: is_right = decompress_snappy(stored, plain); break;
        case ParquetCodec::gzip: is_right = decompress_gzip(stored, plain); break;
        case ParquetCodec::zstd: is_right = decompress_frames(stored, plain); break;
        case ParquetCodec::lzo:
        case ParquetCodec::brotli:
        case ParquetCodec::lz4:
        case ParquetCodec::lz4_raw: refuse_parquet("codec " + std::to_string(static_cast<int>(codec)));
    }
    if (!is_right) throw Error(Kind::corrupt, "parquet page cannot be decompressed");
}

class ParquetPages {
public:
    /// `read` must outlive it. A page of one value alone may be of `most_for_one` bytes.
    ParquetPages(const ReadAt& read, const ParquetChunk& chunk, std::uint64_t most_for_one = kMaxParquetPage)
        : read_(&read), codec_(chunk.codec), at_(chunk.offset), end_(chunk.offset + chunk.stored_bytes),
          most_for_one_(most_for_one) {}

    /// The next page's header, and its bytes in `plain`; nothing at the end. Throws: corrupt, refused, io.
    std::optional<ParquetPageHeader> next(Bytes& plain) {
        if (at_ == end_) return std::nullopt;
        const ParquetPageHeader h = next_header();
        const std::uint64_t most = h.values == 1 ? most_for_one_ : kMaxParquetPage;
        if (h.plain_bytes > most || h.stored_bytes > most)
            refuse_parquet("page of " + format_bytes(std::max(h.plain_bytes, h.stored_bytes)));
        if (h.stored_bytes > end_ - at_) corrupt("is longer than its column");
        stored_.resize(static_cast<std::size_t>(h.stored_bytes));
        (*read_)(at_, stored_);
        at_ += h.stored_bytes;
        plain.resize(static_cast<std::size_t>(h.plain_bytes));
        const std::uint64_t levels = h.definition_bytes + h.repetition_bytes;
        if (levels > h.plain_bytes || levels > h.stored_bytes) corrupt("has levels that are longer than it");
        const auto n = static_cast<std::size_t>(levels);
        std::copy_n(stored_.begin(), n, plain.begin());
        decompress_page(h.is_compressed ? codec_ : ParquetCodec::plain, ByteSpan(stored_).subspan(n),
                        std::span(plain).subspan(n));
        return h;
    }

    /// Memory that is kept for pages as they are stored.
    std::uint64_t held_bytes() const noexcept { return stored_.capacity(); }

private:
    [[noreturn]] static void corrupt(const char* why) {
        throw Error(Kind::corrupt, std::string("parquet page ") + why);
    }
    /// A header does not say how long it is: usually some 50 bytes, with statistics more.
    ParquetPageHeader next_header() {
        for (std::uint64_t size = 4_KiB;; size *= 16) {
            const std::uint64_t n = std::min(size, end_ - at_);
            stored_.resize(static_cast<std::size_t>(n));
            (*read_)(at_, stored_);
            ThriftReader reader(stored_, "parquet page header");
            try {
                const ParquetPageHeader header = parse_page_header(reader);
                at_ += n - reader.left();
                return header;
            } catch (const Error& e) {
                if (e.kind() != Kind::corrupt || n < size || size >= kMaxParquetPageHeader) throw;
            }
        }
    }

    const ReadAt* read_;
    ParquetCodec codec_;
    std::uint64_t at_, end_;  // in the file
    std::uint64_t most_for_one_;
    Bytes stored_;
};

}  // namespace holdfast
