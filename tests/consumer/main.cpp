// consumer - uses the installed library as somebody else's program would: a header of every floor, compiled with the
// consumer's own flags, and a backup and a restore of one file.
#include <holdfast/base/utc.hpp>
#include <holdfast/cli/report.hpp>
#include <holdfast/ops/init.hpp>
#include <holdfast/ops/restore.hpp>
#include <holdfast/ops/snap.hpp>
#include <holdfast/policy/config.hpp>
#include <holdfast/source/chunker.hpp>
#include <holdfast/store/snapshot_index.hpp>
#include <holdfast/wrap/digest.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder that goes with the program; what the library remembers of the host lies there, too.
struct Workplace {
    fs::path path = fs::temp_directory_path() / "holdfast-consumer-XXXXXX";
    Workplace() {
        std::string name = path.string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder to work in");
        path = name;
        ::setenv("XDG_CACHE_HOME", (path / "cache").c_str(), 1);
        ::setenv("XDG_STATE_HOME", (path / "state").c_str(), 1);
    }
    ~Workplace() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
};

/// What comes back of the text when it was a file, backed up, lost and restored.
std::string there_and_back(const fs::path& folder, const std::string& text) {
    std::ofstream(folder / "notes.txt", std::ios::binary) << text;
    const holdfast::Repository repository = holdfast::ops::init(folder / "repository");
    holdfast::ops::SnapOptions options;
    holdfast::SourceConfig& source = options.sources.emplace_back();
    source.name = "notes";
    source.kind = holdfast::SourceKind::tree;
    source.paths = {(folder / "notes.txt").string()};
    const holdfast::Manifest taken = holdfast::ops::snap(repository, options).manifest;
    fs::remove(folder / "notes.txt");

    holdfast::ops::RestoreOptions restore;
    restore.target = folder / "restored";
    holdfast::ops::restore(repository, holdfast::read_checked_manifest(repository, taken.id), restore);
    return read(folder / "restored/notes");
}

}  // namespace

int main() try {
    const Workplace workplace;
    const std::string text = "what must not be lost\n";
    const bool is_right = there_and_back(workplace.path, text) == text &&
                          std::string_view{HOLDFAST_VERSION} == HOLDFAST_EXPECTED;
    std::cout << "holdfast " << HOLDFAST_VERSION << (is_right ? ": restored\n" : ": not the same\n");
    return is_right ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << "consumer: " << e.what() << '\n';
    return 1;
}
