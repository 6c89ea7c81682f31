// store/hash_file.hpp - the SHA-256 of a whole file, read in pieces.
#pragma once

#include <string>

#include "holdfast/base/fd.hpp"
#include "holdfast/base/signals.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/wrap/digest.hpp"

namespace holdfast {

/// `buffer` is scratch that a caller may use again; `what` names the file in messages. Throws: io, interrupted.
inline Digest hash_file(int fd, const std::string& what, Bytes& buffer) {
    Hasher hasher;
    buffer.resize(256_KiB);  // stays in a core's cache between the read and the hash
    for (std::uint64_t at = 0;; at += buffer.size()) {
        const std::size_t n = pread_full(fd, buffer, at, "read " + what);
        hasher.update(ByteSpan(buffer).first(n));
        if (n < buffer.size()) return hasher.finish();
        check_interrupted();
    }
}

}  // namespace holdfast
