// wrap/zstd.hpp - zstd frames: one call in, one call out.
//
// Our frames carry their size and a checksum. The decoder is told the exact plain size and refuses
// any other, so a hostile frame can take neither more memory nor more time than its length allows.
#pragma once

#include <zstd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"

namespace holdfast {

inline constexpr int kMinLevel = 1;
inline constexpr int kMaxLevel = 19;  // above it, zstd's own manual asks for far more memory

class Compressor {
public:
    explicit Compressor(int level) : context_(ZSTD_createCCtx()) {
        if (context_ == nullptr) throw std::bad_alloc();
        check(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
        check(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
    }
    Bytes compress(ByteSpan plain) {
        scratch_.resize(std::max(scratch_.size(), ZSTD_compressBound(plain.size())));
        const std::size_t n =
            ZSTD_compress2(context_.get(), scratch_.data(), scratch_.size(), plain.data(), plain.size());
        check(n);
        return {scratch_.begin(), scratch_.begin() + static_cast<std::ptrdiff_t>(n)};
    }

private:
    static void check(std::size_t code) {
        if (ZSTD_isError(code))
            throw Error(Kind::internal, std::string("compress: ") + ZSTD_getErrorName(code));
    }
    struct Free {
        void operator()(ZSTD_CCtx* c) const noexcept { ZSTD_freeCCtx(c); }
    };
    std::unique_ptr<ZSTD_CCtx, Free> context_;
    Bytes scratch_;  // kept: a fresh megabyte for each frame would be zeroed first
};

/// Decodes whole frames, whose sizes need not be written in them, into exactly `plain.size()` bytes; false if
/// `frames` is anything else.
inline bool decompress_frames(ByteSpan frames, std::span<std::byte> plain) {
    struct Free {
        void operator()(ZSTD_DCtx* c) const noexcept { ZSTD_freeDCtx(c); }
    };
    thread_local const std::unique_ptr<ZSTD_DCtx, Free> context{ZSTD_createDCtx()};
    if (context == nullptr) throw std::bad_alloc();
    const std::size_t n =
        ZSTD_decompressDCtx(context.get(), plain.data(), plain.size(), frames.data(), frames.size());
    return !ZSTD_isError(n) && n == plain.size();
}

/// Decodes exactly one frame into exactly `plain.size()` bytes; false if the frame is anything else.
inline bool decompress_frame(ByteSpan frame, std::span<std::byte> plain) {
    if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != plain.size()) return false;
    if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) return false;
    return decompress_frames(frame, plain);
}

}  // namespace holdfast
