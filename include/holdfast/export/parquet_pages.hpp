// export/parquet_pages.hpp - compressed pages with their headers, back to back in a column chunk.
//
// Dictionary indexes and PLAIN values go into data pages of version 1, which every reader knows. The delta encodings came with
// version 2, and some readers look for them only there: its levels stand before the values and are not compressed.
// Format: README.md and parquet.thrift of github.com/apache/parquet-format, "Data Pages" and PageHeader.
#pragma once

#include <optional>
#include <string>

#include "holdfast/base/thrift_writer.hpp"
#include "holdfast/source/parquet_format.hpp"
#include "holdfast/wrap/gzip.hpp"
#include "holdfast/wrap/zstd.hpp"

namespace holdfast {

/// Compresses pages; one per thread.
class PageCompressor {
public:
    PageCompressor(ParquetCodec codec, int level) : codec_(codec), level_(level) {
        if (codec == ParquetCodec::zstd) zstd_.emplace(level);
    }
    /// Valid until the next call. Throws: internal (a codec that is not written).
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

/// Appends pages to the bytes of a chunk.
class PageWriter {
public:
    explicit PageWriter(PageCompressor& compressor) : compressor_(compressor) {}

    /// `values` are PLAIN.
    void add_dictionary(ByteSpan values, std::size_t count) {
        const ByteSpan stored = compressor_.compress(values);
        add(ParquetPageType::dictionary, values.size(), stored, {}, [&](ThriftWriter& thrift) {
            thrift.write_struct(7, [&] {
                thrift.write_i32(1, as_i32(count));
                thrift.write_i32(2, as_i32(ParquetEncoding::plain));
            });
        });
    }
    /// `levels` are runs, empty if the column may not be null; `values` are those of `count` rows that are not null.
    void add_data(ParquetEncoding encoding, std::size_t rows, std::size_t count, ByteSpan levels,
                  ByteSpan values) {
        if (encoding == ParquetEncoding::plain || encoding == ParquetEncoding::rle_dictionary)
            return add_data_v1(encoding, rows, levels, values);
        const ByteSpan stored = compressor_.compress(values);
        add(ParquetPageType::data_v2, values.size(), stored, levels, [&](ThriftWriter& thrift) {
            thrift.write_struct(8, [&] {
                thrift.write_i32(1, as_i32(rows));
                thrift.write_i32(2, as_i32(rows - count));
                thrift.write_i32(3, as_i32(rows));
                thrift.write_i32(4, as_i32(encoding));
                thrift.write_i32(5, as_i32(levels.size()));
                thrift.write_i32(6, 0);  // of repetition levels
                thrift.write_flag(7, true);
            });
        });
    }

    const Bytes& bytes() const noexcept { return bytes_; }
    Bytes take_bytes() noexcept { return std::move(bytes_); }
    /// What bytes() would be, had nothing been compressed.
    std::uint64_t plain_bytes() const noexcept { return plain_bytes_; }

private:
    template <class Number>
    static std::int32_t as_i32(Number number) {
        return static_cast<std::int32_t>(number);
    }
    void add_data_v1(ParquetEncoding encoding, std::size_t rows, ByteSpan levels, ByteSpan values) {
        body_.clear();
        if (!levels.empty()) {
            holdfast::append_little_endian(body_, static_cast<std::uint32_t>(levels.size()));
            append(body_, levels);
        }
        append(body_, values);
        const ByteSpan stored = compressor_.compress(body_);
        add(ParquetPageType::data, body_.size(), stored, {}, [&](ThriftWriter& thrift) {
            thrift.write_struct(5, [&] {
                thrift.write_i32(1, as_i32(rows));
                thrift.write_i32(2, as_i32(encoding));
                thrift.write_i32(3, as_i32(ParquetEncoding::rle));  // of definition levels
                thrift.write_i32(4,
                                 as_i32(ParquetEncoding::rle));  // of repetition levels, which are not there
            });
        });
    }
    /// `uncompressed` stands before `stored`.
    template <class Part>
    void add(ParquetPageType type, std::size_t plain, ByteSpan stored, ByteSpan uncompressed, Part part) {
        const std::size_t start = bytes_.size();
        ThriftWriter thrift(bytes_);
        thrift.write_struct([&] {
            thrift.write_i32(1, as_i32(type));
            thrift.write_i32(2, as_i32(uncompressed.size() + plain));
            thrift.write_i32(3, as_i32(uncompressed.size() + stored.size()));
            part(thrift);
        });
        plain_bytes_ += bytes_.size() - start + uncompressed.size() + plain;
        append(bytes_, uncompressed);
        append(bytes_, stored);
    }

    PageCompressor& compressor_;
    Bytes bytes_, body_;
    std::uint64_t plain_bytes_ = 0;
};

}  // namespace holdfast
