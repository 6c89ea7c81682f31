// store/checksums.hpp - SHA256SUMS of a snapshot: every file it needs, for sha256sum -c and for us.
//
// Objects first ("../../objects/ab/<name>"), then manifest.json and summary.txt. The object names of all snapshots
// together are what a prune must keep and an off-site copy must hold; no key and no recipe is needed to know them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "holdfast/store/recipe.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast {

struct Checksums {
    std::vector<Digest> objects;  // ascending, each once
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

namespace detail {

/// "<name>  ../../objects/<ab>/<name>": the two names must be the same.
inline std::optional<Digest> parse_object_line(std::string_view line) {
    constexpr std::string_view kFolder = "  ../../objects/";
    if (line.size() != 64 + kFolder.size() + 3 + 64 || line.substr(64, kFolder.size()) != kFolder)
        return std::nullopt;
    const std::string_view name = line.substr(0, 64), path = line.substr(64 + kFolder.size());
    if (path.substr(0, 2) != name.substr(0, 2) || path[2] != '/' || path.substr(3) != name)
        return std::nullopt;
    return Digest::parse(name);
}

}  // namespace detail

/// Reads a file line by line, so that memory holds names only. Throws: corrupt, io.
inline Checksums read_checksums(const fs::path& path) {
    const UniqueFd fd = open_fd(path.string(), O_RDONLY | O_NOFOLLOW);
    const std::string what = in_quotes(path.string());
    LineReader lines([&](std::span<std::byte> out) { return read_some(fd.get(), out, "read " + what); }, 256,
                     what);
    Checksums sums;
    while (const auto line = lines.next()) {
        if (const auto object = detail::parse_object_line(*line)) {
            sums.objects.push_back(*object);
            continue;
        }
        const auto digest = line->size() > 66 ? Digest::parse(line->substr(0, 64)) : std::nullopt;
        const std::string_view name =
            digest && line->substr(64, 2) == "  " ? line->substr(66) : std::string_view{};
        if (name == "manifest.json" && !sums.manifest)
            sums.manifest = digest;
        else if (name == "summary.txt" && !sums.summary)
            sums.summary = digest;
        else
            throw Error(Kind::corrupt,
                        what + " has a line that does not belong there: " + in_quotes(line->substr(0, 100)));
    }
    if (!std::is_sorted(sums.objects.begin(), sums.objects.end(), std::less_equal<>{}))
        throw Error(Kind::corrupt, what + " does not have its objects in order");
    if (!sums.manifest || !sums.summary)
        throw Error(Kind::corrupt, what + " does not name the manifest and the summary");
    return sums;
}

}  // namespace holdfast
