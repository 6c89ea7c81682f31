// page_deltas OLD NEW [LEVEL] - what the changed pages of a database take: compressed alone, as snap does it, and against what
// was at the same place before (zstd with a prefix). An experiment of docs/benchmarks.md.
#include <zstd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kBlock = std::size_t{1} << 20;

using Bytes = std::vector<char>;

struct Sum {
    std::size_t bytes = 0;
    double compress_s = 0, decompress_s = 0;
};

double seconds_of(const auto& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// One frame of `now`; `before` may be empty. Ends the program if it does not come back as it was.
void add_frame(const char* now, const char* before, std::size_t size, std::size_t before_size, int level,
               Sum& sum) {
    static ZSTD_CCtx* const compress = ZSTD_createCCtx();
    static ZSTD_DCtx* const decompress = ZSTD_createDCtx();
    static Bytes packed, back;
    packed.resize(ZSTD_compressBound(size));
    back.resize(size);
    ZSTD_CCtx_setParameter(compress, ZSTD_c_compressionLevel, level);
    if (before_size != 0) {  // the window has to reach over both
        ZSTD_CCtx_setParameter(compress, ZSTD_c_windowLog, size > kPage ? 21 : 14);
        ZSTD_CCtx_setParameter(compress, ZSTD_c_enableLongDistanceMatching, size > kPage);
    }
    std::size_t n = 0;
    sum.compress_s += seconds_of([&] {
        ZSTD_CCtx_refPrefix(compress, before, before_size);
        n = ZSTD_compress2(compress, packed.data(), packed.size(), now, size);
    });
    sum.decompress_s += seconds_of([&] {
        ZSTD_DCtx_refPrefix(decompress, before, before_size);
        if (!ZSTD_isError(n) && ZSTD_decompressDCtx(decompress, back.data(), size, packed.data(), n) != size)
            std::exit(1);
    });
    if (ZSTD_isError(n) || std::memcmp(back.data(), now, size) != 0) std::exit(1);
    sum.bytes += n;
}

void print(const char* what, const Sum& sum, std::size_t plain) {
    std::printf("%-44s %8.2f MB  %5.1f %%  compress %5.2f s  decompress %5.2f s\n", what,
                static_cast<double>(sum.bytes) / 1e6,
                100.0 * static_cast<double>(sum.bytes) / static_cast<double>(plain), sum.compress_s,
                sum.decompress_s);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const int level = argc > 3 ? std::atoi(argv[3]) : 3;
    std::ifstream old_file(argv[1], std::ios::binary), new_file(argv[2], std::ios::binary);
    Bytes old_page(kPage), new_page(kPage), before, now, added;
    while (new_file.read(new_page.data(), kPage)) {
        if (!old_file.read(old_page.data(), kPage)) {
            added.insert(added.end(), new_page.begin(), new_page.end());
        } else if (old_page != new_page) {
            before.insert(before.end(), old_page.begin(), old_page.end());
            now.insert(now.end(), new_page.begin(), new_page.end());
        }
    }
    Sum alone, by_page, by_block, new_pages;
    for (std::size_t at = 0; at < now.size(); at += kBlock) {
        const std::size_t n = std::min(kBlock, now.size() - at);
        add_frame(now.data() + at, nullptr, n, 0, level, alone);
        add_frame(now.data() + at, before.data() + at, n, n, level, by_block);
    }
    for (std::size_t at = 0; at < now.size(); at += kPage)
        add_frame(now.data() + at, before.data() + at, kPage, kPage, level, by_page);
    for (std::size_t at = 0; at < added.size(); at += kBlock)
        add_frame(added.data() + at, nullptr, std::min(kBlock, added.size() - at), 0, level, new_pages);
    std::printf("%zu pages changed, %zu added\n", now.size() / kPage, added.size() / kPage);
    print("changed pages in blocks of 1 MiB, alone", alone, now.size());
    print("changed pages, each against its former one", by_page, now.size());
    print("blocks of 1 MiB against the former pages", by_block, now.size());
    print("added pages in blocks of 1 MiB", new_pages, added.empty() ? 1 : added.size());
    return 0;
}
