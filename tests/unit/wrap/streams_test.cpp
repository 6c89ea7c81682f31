#include "holdfast/wrap/zstd_stream.hpp"

#include <doctest/doctest.h>

#include "holdfast/wrap/gzip.hpp"
#include "support/catch_error.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;

namespace {

std::string long_text() {
    std::string text;
    for (int i = 0; text.size() < 3'000'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
    return text;
}

PullBytes pull_from(const std::string& text, std::size_t piece) {
    return [&text, piece, at = std::size_t{0}](std::span<std::byte> out) mutable {
        const std::size_t n = std::min({piece, out.size(), text.size() - at});
        std::copy_n(as_bytes(text).begin() + static_cast<std::ptrdiff_t>(at), n, out.begin());
        at += n;
        return n;
    };
}

template <class Reader>
std::string read_all(Reader& reader) {
    std::string out;
    Bytes piece(100'000);
    while (const std::size_t n = reader.read(piece)) out += as_text(ByteSpan(piece).first(n));
    return out;
}

template <class Writer>
std::string written(Writer& writer, std::string& out, const std::string& text) {
    for (std::size_t at = 0; at < text.size(); at += 77'777)
        writer.write(as_bytes(std::string_view(text).substr(at, 77'777)));
    writer.finish();
    return out;
}

}  // namespace

TEST_CASE_TEMPLATE("streams: what is written piece by piece is read back piece by piece", Reader, GzipReader,
                   ZstdReader) {
    const std::string text = long_text();
    std::string stored;
    const auto put = [&](ByteSpan bytes) { stored += as_text(bytes); };
    if constexpr (std::is_same_v<Reader, GzipReader>) {
        GzipWriter writer(put);
        written(writer, stored, text);
    } else {
        ZstdWriter writer(put, 3, 2);
        written(writer, stored, text);
    }
    CHECK(stored.size() < text.size() / 2);
    const std::string twice = stored + stored;  // members and frames may follow each other
    for (const std::size_t piece : {std::size_t{1000}, twice.size()}) {
        Reader reader(pull_from(twice, piece), "'f'");
        CHECK(read_all(reader) == text + text);
    }
    for (const std::size_t cut : {std::size_t{1}, std::size_t{9}, stored.size() / 2, stored.size() - 1}) {
        const std::string half = stored.substr(0, cut);
        Reader reader(pull_from(half, 1000), "'f'");
        CHECK(catch_error([&] { read_all(reader); }).kind() == Kind::corrupt);
    }
    std::string damaged = stored;
    damaged[damaged.size() / 2] ^= 4;
    Reader reader(pull_from(damaged, 1000), "'f'");
    CHECK(catch_error([&] { read_all(reader); }).kind() == Kind::corrupt);
    const std::string nothing;
    Reader empty(pull_from(nothing, 1), "'f'");
    CHECK(catch_error([&] { read_all(empty); }).kind() == Kind::corrupt);
}
