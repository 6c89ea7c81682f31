// changed_pages OLD NEW - writes the 4 KiB pages of NEW that are not at the same place in OLD; for bench/run.sh.
#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    std::ifstream old_file(argv[1], std::ios::binary), new_file(argv[2], std::ios::binary);
    std::array<char, 4096> old_page{}, new_page{};
    while (new_file.read(new_page.data(), new_page.size())) {
        const bool has_old = static_cast<bool>(old_file.read(old_page.data(), old_page.size()));
        if (!has_old || old_page != new_page) std::cout.write(new_page.data(), new_page.size());
    }
    return std::cout.flush() ? 0 : 1;
}
