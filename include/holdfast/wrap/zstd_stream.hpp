// wrap/zstd_stream.hpp - zstd streams of any length, piece by piece.
//
// The writer makes one frame with a checksum, on as many threads as it is told. The reader takes windows of up to
// 128 MiB, as zstd itself does, and refuses a stream that stops early.
#pragma once

#include <zstd.h>

#include <functional>
#include <memory>
#include <string>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"
#include "holdfast/base/units.hpp"

namespace holdfast {

class ZstdWriter {
public:
    ZstdWriter(std::function<void(ByteSpan)> out, int level, int workers)
        : out_(std::move(out)), context_(ZSTD_createCCtx()) {
        if (context_ == nullptr) throw std::bad_alloc();
        check(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
        check(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers,
                               workers);  // a zstd without threads uses none
    }

    void write(ByteSpan bytes) { run(bytes, ZSTD_e_continue); }
    void finish() { run({}, ZSTD_e_end); }

private:
    void run(ByteSpan bytes, ZSTD_EndDirective directive) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer out{piece_.data(), piece_.size(), 0};
            const std::size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
            check(left);
            if (out.pos > 0) out_(ByteSpan(piece_).first(out.pos));
            if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) break;
        }
    }
    static void check(std::size_t code) {
        if (ZSTD_isError(code))
            throw Error(Kind::internal, std::string("compress: ") + ZSTD_getErrorName(code));
    }
    struct Free {
        void operator()(ZSTD_CCtx* c) const noexcept { ZSTD_freeCCtx(c); }
    };

    std::function<void(ByteSpan)> out_;
    std::unique_ptr<ZSTD_CCtx, Free> context_;
    Bytes piece_ = Bytes(256_KiB);
};

/// Plain bytes of zstd frames. Throws: corrupt.
class ZstdReader {
public:
    ZstdReader(PullBytes frames, std::string what)
        : pull_(std::move(frames)), what_(std::move(what)), context_(ZSTD_createDCtx()) {
        if (context_ == nullptr) throw std::bad_alloc();
    }

    std::size_t read(std::span<std::byte> out) {
        ZSTD_outBuffer to{out.data(), out.size(), 0};
        while (to.pos == 0 && !out.empty()) {
            if (in_.pos == in_.size && !is_full_) {
                in_ = {piece_.data(), pull_(piece_), 0};
                if (in_.size == 0 && left_ != 0) refuse("stops early");
                if (in_.size == 0) break;
            }
            left_ = ZSTD_decompressStream(context_.get(), &to, &in_);
            if (ZSTD_isError(left_))
                refuse(std::string("does not decode as zstd: ") + ZSTD_getErrorName(left_));
            is_full_ = to.pos == to.size && left_ != 0;
        }
        return to.pos;
    }

private:
    [[noreturn]] void refuse(const std::string& why) const { throw Error(Kind::corrupt, what_ + " " + why); }
    struct Free {
        void operator()(ZSTD_DCtx* c) const noexcept { ZSTD_freeDCtx(c); }
    };

    PullBytes pull_;
    std::string what_;
    std::unique_ptr<ZSTD_DCtx, Free> context_;
    Bytes piece_ = Bytes(256_KiB);
    ZSTD_inBuffer in_{nullptr, 0, 0};
    std::size_t left_ = 1;  // 0: a frame has ended
    bool is_full_ = false;  // there may be more plain bytes without more input
};

}  // namespace holdfast
