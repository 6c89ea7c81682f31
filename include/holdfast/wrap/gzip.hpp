// wrap/gzip.hpp - gzip streams (RFC 1952): one call in, one call out.
//
// The decoder is told the exact plain size and refuses any other, so a hostile stream can take neither more
// memory nor more time than its length allows. Several members one after the other are one stream.
#pragma once

#include <zlib.h>

#include <limits>
#include <new>

#include "holdfast/base/bytes.hpp"

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

}  // namespace holdfast
