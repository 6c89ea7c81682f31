// support/fixture.hpp - files of tests/fixtures, which other programs wrote.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace holdfast::testing {

inline std::string read_fixture(const std::string& name) {
    const auto path = std::filesystem::path(__FILE__).parent_path().parent_path() / "fixtures" / name;
    std::ifstream in(path, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), "no fixture ", path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Calls `read` with every beginning of `text` and with every byte changed in three ways: it must return.
template <class Read>
void damage_every_byte(const std::string& text, Read read) {
    for (std::size_t n = 0; n < text.size(); ++n) read(text.substr(0, n));
    for (std::size_t at = 0; at < text.size(); ++at)
        for (const unsigned mask : {0xFFU, 0x80U, 0x01U}) {
            std::string changed = text;
            changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ mask);
            read(changed);
        }
}

}  // namespace holdfast::testing
