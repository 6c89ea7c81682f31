// wrap/hmac.hpp - HMAC-SHA-256 (RFC 2104) by OpenSSL.
#pragma once

#include <openssl/hmac.h>

#include "holdfast/wrap/digest.hpp"

namespace holdfast {

inline Digest hmac_sha256(std::string_view secret, std::string_view message) {
    Digest out;
    unsigned int size = 0;
    const unsigned char* done = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                                     reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                                     reinterpret_cast<unsigned char*>(out.bytes.data()), &size);
    if (done == nullptr || size != out.bytes.size())
        throw Error(Kind::crypto, "compute an HMAC: OpenSSL refused");
    return out;
}

}  // namespace holdfast
