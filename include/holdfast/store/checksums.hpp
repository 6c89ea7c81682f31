// store/checksums.hpp - SHA256SUMS of a snapshot: every file it needs, for sha256sum -c and for us.
//
// Objects first ("../../objects/ab/<name>"), then manifest.json and summary.txt. The object names of all snapshots
// together are what a prune must keep and an off-site copy must hold; no key and no recipe is needed to know them.
#pragma once

#include <set>
#include <string>

#include "holdfast/store/recipe.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

struct Checksums {
    std::set<Digest> objects;
    std::optional<Digest> manifest;
    std::optional<Digest> summary;
};

inline std::string format_checksums(const Checksums& sums) {
    std::string text;
    for (const Digest& object : sums.objects)
        text += object.hex() + "  ../../" + Repository::object_path(object.hex()) + "\n";
    if (sums.manifest) text += sums.manifest->hex() + "  manifest.json\n";
    if (sums.summary) text += sums.summary->hex() + "  summary.txt\n";
    return text;
}

/// Reads a file line by line, so that memory holds names only. Throws: corrupt, io.
inline Checksums read_checksums(const fs::path& path) {
    const UniqueFd fd = open_fd(path.string(), O_RDONLY | O_NOFOLLOW);
    const std::string what = in_quotes(path.string());
    LineReader lines([&](std::span<std::byte> out) { return read_some(fd.get(), out, "read " + what); }, 256,
                     what);
    Checksums sums;
    while (const auto line = lines.next()) {
        const auto digest = line->size() > 66 ? Digest::parse(line->substr(0, 64)) : std::nullopt;
        const std::string_view name = digest ? line->substr(66) : std::string_view{};
        if (digest && line->substr(64, 2) == "  " &&
            name == "../../" + Repository::object_path(digest->hex()))
            sums.objects.insert(*digest);
        else if (name == "manifest.json" && !sums.manifest)
            sums.manifest = digest;
        else if (name == "summary.txt" && !sums.summary)
            sums.summary = digest;
        else
            throw Error(Kind::corrupt,
                        what + " has a line that does not belong there: " + in_quotes(line->substr(0, 100)));
    }
    if (!sums.manifest || !sums.summary)
        throw Error(Kind::corrupt, what + " does not name the manifest and the summary");
    return sums;
}

}  // namespace holdfast
