// base/random.hpp - random names from the kernel.
#pragma once

#include <sys/random.h>

#include <array>
#include <string>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"

namespace holdfast {

/// 2 x `N` hexadecimal digits. Throws: io.
template <std::size_t N>
std::string random_hex() {
    std::array<std::byte, N> bytes{};
    if (::getrandom(bytes.data(), N, 0) != static_cast<ssize_t>(N)) throw_os("get random bytes");
    return to_hex(bytes);
}

}  // namespace holdfast
