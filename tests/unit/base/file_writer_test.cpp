#include "holdfast/base/file_writer.hpp"

#include <doctest/doctest.h>

#include "holdfast/base/disk.hpp"
#include "support/catch_error.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::catch_error;
using holdfast::testing::TempDir;

namespace {

Bytes pattern(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + (i >> 12U));
    return out;
}
/// Writes it in pieces that fit nothing, and reads it back.
bool survives(const fs::path& path, std::size_t size, FileWriter::Purpose purpose) {
    const Bytes content = pattern(size);
    const UniqueFd fd = open_fd(path.string(), O_WRONLY | O_CREAT | O_EXCL);
    FileWriter file(fd.get(), purpose, "write the test");
    for (std::size_t at = 0; at < size; at += 1'000'003)
        file.write(ByteSpan(content).subspan(at, std::min<std::size_t>(1'000'003, size - at)));
    file.finish();
    const std::string back = read_file(path, 64_MiB);
    fs::remove(path);
    return back == as_text(content);
}

}  // namespace

TEST_CASE("file_writer: what went in comes back, whatever the length, on a disk and in memory") {
    const TempDir disk;
    for (const fs::path& folder : {disk.path(), fs::path("/dev/shm")})
        for (const auto purpose : {FileWriter::Purpose::durable, FileWriter::Purpose::scratch})
            for (const std::size_t size :
                 {0UL, 1UL, 4095UL, 4096UL, 4194304UL, 4194305UL, 12582912UL, 13000001UL}) {
                CAPTURE(size);
                CHECK(
                    survives(folder / ("holdfast-file-writer." + std::to_string(::getpid())), size, purpose));
            }
}

TEST_CASE("file_writer: a durable file goes past the page cache where the file system can do that") {
    const TempDir dir;
    const UniqueFd fd = open_fd((dir / "file").string(), O_WRONLY | O_CREAT | O_EXCL);
    const UniqueFd probe{::open((dir / "probe").c_str(), O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600)};
    FileWriter file(fd.get(), FileWriter::Purpose::durable, "write the test");
    CHECK(((::fcntl(fd.get(), F_GETFL) & O_DIRECT) != 0) == static_cast<bool>(probe));
    file.finish();
    CHECK((::fcntl(fd.get(), F_GETFL) & O_DIRECT) == 0);
}

TEST_CASE("file_writer: a failure in the background is thrown by what comes next") {
    const UniqueFd full = open_fd("/dev/full", O_WRONLY);
    const Bytes content = pattern(20_MiB);
    const Error e = catch_error([&] {
        FileWriter file(full.get(), FileWriter::Purpose::scratch, "write the test");
        file.write(content);
        file.finish();
    });
    CHECK(e.kind() == Kind::io);
}
