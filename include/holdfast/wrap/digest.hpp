// wrap/digest.hpp - SHA-256 by OpenSSL, which uses the processor's instructions for it.
//
// A Digest names objects and proves streams. A Hasher is used by one thread at a time.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <compare>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"

namespace holdfast {

struct Digest {
    std::array<std::byte, 32> bytes{};

    std::string hex() const { return to_hex(bytes); }
    auto operator<=>(const Digest&) const = default;

    /// 64 lower-case hexadecimal digits, nothing else.
    static std::optional<Digest> parse(std::string_view hex) {
        Digest digest;
        if (!from_hex(hex, digest.bytes)) return std::nullopt;
        return digest;
    }
};

struct DigestHash {  // for unordered containers: a digest is already evenly spread
    std::size_t operator()(const Digest& d) const noexcept {
        std::size_t h = 0;
        std::memcpy(&h, d.bytes.data(), sizeof h);
        return h;
    }
};

class Hasher {
public:
    Hasher() : context_(EVP_MD_CTX_new()) {
        static const EVP_MD* const algorithm = EVP_sha256();
        require(context_ != nullptr && EVP_DigestInit_ex(context_.get(), algorithm, nullptr) == 1);
    }
    void update(ByteSpan bytes) {
        require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    }
    /// The digest of everything so far; the hasher then starts anew.
    Digest finish() {
        Digest digest;
        require(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.bytes.data()),
                                   nullptr) == 1);
        require(EVP_DigestInit_ex(context_.get(), nullptr, nullptr) == 1);
        return digest;
    }

private:
    static void require(bool ok) {
        if (!ok) throw Error(Kind::internal, "SHA-256 is not available in this OpenSSL");
    }
    struct Free {
        void operator()(EVP_MD_CTX* c) const noexcept { EVP_MD_CTX_free(c); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

inline Digest sha256(ByteSpan bytes) {
    thread_local Hasher hasher;
    hasher.update(bytes);
    return hasher.finish();
}
inline Digest sha256(std::string_view text) { return sha256(as_bytes(text)); }

}  // namespace holdfast
