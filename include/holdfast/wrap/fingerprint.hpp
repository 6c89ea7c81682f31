// wrap/fingerprint.hpp - "are these the bytes of last time?", four times as fast as SHA-256.
//
// AES-GMAC by OpenSSL under a secret random key and a constant nonce: a universal hash, with which two different pages
// meet with a probability below 2^-115 for anybody who knows neither key nor values. Both stay in the private cache of
// this host, and nothing in the repository depends on them: what was captured is proven by its SHA-256.
#pragma once

#include <openssl/evp.h>
#include <sys/random.h>

#include <array>
#include <memory>
#include <vector>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"

namespace holdfast {

using Fingerprint = std::array<std::byte, 16>;
using FingerprintKey = std::array<std::byte, 16>;

/// Throws: io.
inline FingerprintKey random_fingerprint_key() {
    FingerprintKey key{};
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
        throw_os("get random bytes");
    return key;
}

/// One fingerprint per `page_bytes` of `data`, which is a whole number of pages.
inline std::vector<Fingerprint> fingerprint_pages(const FingerprintKey& key, ByteSpan data,
                                                  std::size_t page_bytes) {
    static const EVP_CIPHER* const cipher = EVP_aes_128_gcm();
    static constexpr std::array<unsigned char, 12> kNonce{};
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{EVP_CIPHER_CTX_new(),
                                                                                  &EVP_CIPHER_CTX_free};
    const auto raw = [](const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); };
    bool ok = context != nullptr &&
              EVP_EncryptInit_ex(context.get(), cipher, nullptr, raw(key.data()), kNonce.data()) == 1;
    std::vector<Fingerprint> out(data.size() / page_bytes);
    int n = 0;
    for (std::size_t i = 0; ok && i < out.size(); ++i) {
        ok = EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, kNonce.data()) == 1 &&
             EVP_EncryptUpdate(context.get(), nullptr, &n, raw(data.data() + i * page_bytes),
                               static_cast<int>(page_bytes)) == 1 &&
             EVP_EncryptFinal_ex(context.get(), nullptr, &n) == 1 &&
             EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(out[i].size()),
                                 out[i].data()) == 1;
    }
    if (!ok) throw Error(Kind::internal, "AES-GMAC is not available in this OpenSSL");
    return out;
}

}  // namespace holdfast
