// wrap/gzip.hpp - gzip (RFC 1952): whole streams in one call, and streams of any length piece by piece.
//
// decompress_gzip() is told the exact plain size and refuses any other, so a hostile stream can take neither more
// memory nor more time than its length allows. Several members one after the other are one stream.
#pragma once

#include <zlib.h>

#include <functional>
#include <limits>
#include <new>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

namespace detail {
inline constexpr int kOnlyGzip = 15 + 16;  // the largest window; zlib's flag for a gzip header
}

/// One member; `plain` is less than 4 GiB. `level` is 1 to 9.
inline Bytes compress_gzip(ByteSpan plain, int level) {
    struct Stream : z_stream {
        explicit Stream(int level) : z_stream() {
            if (deflateInit2(this, level, Z_DEFLATED, detail::kOnlyGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
                throw std::bad_alloc();
        }
        Stream(const Stream&) = delete;
        Stream& operator=(const Stream&) = delete;
        ~Stream() { deflateEnd(this); }
    } z(level);
    Bytes out(deflateBound(&z, plain.size()));
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(plain.data()));  // zlib only reads it
    z.avail_in = static_cast<uInt>(plain.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) throw std::bad_alloc();  // the bound holds, so nothing else
    out.erase(out.end() - static_cast<std::ptrdiff_t>(z.avail_out), out.end());
    return out;
}

/// Decodes whole members into exactly `plain.size()` bytes; false if `gzip` is anything else. Both sides are
/// less than 4 GiB.
inline bool decompress_gzip(ByteSpan gzip, std::span<std::byte> plain) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    if (gzip.size() > kMost || plain.size() > kMost) return false;
    struct Stream : z_stream {
        Stream() : z_stream() {
            if (inflateInit2(this, detail::kOnlyGzip) != Z_OK) throw std::bad_alloc();
        }
        Stream(const Stream&) = delete;
        Stream& operator=(const Stream&) = delete;
        ~Stream() { inflateEnd(this); }
    } z;
    std::byte nothing{};  // inflate() wants a pointer also where nothing is to be written
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(gzip.data()));  // zlib only reads it
    z.avail_in = static_cast<uInt>(gzip.size());
    z.next_out = reinterpret_cast<Bytef*>(plain.empty() ? &nothing : plain.data());
    z.avail_out = static_cast<uInt>(plain.size());
    do {
        if (inflate(&z, Z_FINISH) != Z_STREAM_END) return false;
    } while (z.avail_in > 0 && inflateReset(&z) == Z_OK);
    return z.avail_in == 0 && z.avail_out == 0;
}

/// One member, without a name and a time in it: equal input makes equal output.
class GzipWriter {
public:
    explicit GzipWriter(std::function<void(ByteSpan)> out) : out_(std::move(out)) {
        if (deflateInit2(&z_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    GzipWriter(const GzipWriter&) = delete;
    GzipWriter& operator=(const GzipWriter&) = delete;
    ~GzipWriter() { deflateEnd(&z_); }

    void write(ByteSpan bytes) { run(bytes, Z_NO_FLUSH); }
    void finish() { run({}, Z_FINISH); }

private:
    void run(ByteSpan bytes, int flush) {
        z_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));  // zlib only reads it
        z_.avail_in = static_cast<uInt>(bytes.size());
        do {
            z_.next_out = reinterpret_cast<Bytef*>(piece_.data());
            z_.avail_out = static_cast<uInt>(piece_.size());
            if (deflate(&z_, flush) == Z_STREAM_ERROR) throw Error(Kind::internal, "compress: zlib refused");
            out_(ByteSpan(piece_).first(piece_.size() - z_.avail_out));
        } while (z_.avail_out == 0);
    }

    std::function<void(ByteSpan)> out_;
    Bytes piece_ = Bytes(256_KiB);
    z_stream z_{};
};

/// Plain bytes of gzip ones, member after member. Throws: corrupt, also for a stream that stops early.
class GzipReader {
public:
    GzipReader(PullBytes gzip, std::string what) : pull_(std::move(gzip)), what_(std::move(what)) {
        if (inflateInit2(&z_, 15 + 16) != Z_OK) throw std::bad_alloc();
    }
    GzipReader(const GzipReader&) = delete;
    GzipReader& operator=(const GzipReader&) = delete;
    ~GzipReader() { inflateEnd(&z_); }

    std::size_t read(std::span<std::byte> out) {
        z_.next_out = reinterpret_cast<Bytef*>(out.data());
        z_.avail_out = static_cast<uInt>(out.size());
        while (z_.avail_out == out.size()) {
            if (z_.avail_in == 0) {
                z_.avail_in = static_cast<uInt>(pull_(piece_));
                z_.next_in = reinterpret_cast<Bytef*>(piece_.data());
                if (z_.avail_in == 0 && !is_between_) refuse("stops early");
                if (z_.avail_in == 0) break;
            }
            is_between_ = false;
            const int rc = inflate(&z_, Z_NO_FLUSH);
            if (rc == Z_STREAM_END) {
                is_between_ = true;
                inflateReset(&z_);
            } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
                refuse("does not decode as gzip");
            }
        }
        return out.size() - z_.avail_out;
    }

private:
    [[noreturn]] void refuse(const char* why) const { throw Error(Kind::corrupt, what_ + " " + why); }

    PullBytes pull_;
    std::string what_;
    Bytes piece_ = Bytes(256_KiB);
    z_stream z_{};
    bool is_between_ = false;
};

}  // namespace holdfast
