// base/mounts.hpp - on which mounted file system does a path lie, and where in it?
//
// Device numbers are no answer: many file systems get new ones with every boot. The kernel's list of mounts has names
// that stay.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/disk.hpp"
#include "holdfast/base/text.hpp"

namespace holdfast {

struct MountPlace {
    std::string point;        // /srv/data
    std::string file_system;  // type and what was mounted: ext4 /dev/sdb1
    std::string path;         // within that file system, so that a bind mount of it leads to the same

    bool operator==(const MountPlace&) const = default;
};

namespace detail {

/// /proc/self/mountinfo has blanks, tabs, line breaks and backslashes as \040 and so on.
inline std::string unescape_mount(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto is_octal = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '7'; };
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(i + 1) && is_octal(i + 2) && is_octal(i + 3)) {
            out +=
                static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// The place of an absolute path without links by one line of mountinfo(5), proc(5); nothing if that is not its mount:
/// `36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sdb1 rw`
inline std::optional<MountPlace> parse_mount(std::string_view line, const std::string& id,
                                             const fs::path& path) {
    const auto cells = split(line, ' ');
    if (cells.size() < 10 || cells[0] != id) return std::nullopt;
    std::size_t dash = 6;  // optional fields end with it
    while (dash < cells.size() && cells[dash] != "-") ++dash;
    if (dash + 2 >= cells.size()) return std::nullopt;
    const std::string point = unescape_mount(cells[4]);
    const fs::path below = path.lexically_relative(point);
    if (below.empty() || *below.begin() == "..") return std::nullopt;
    const fs::path root = unescape_mount(cells[3]), inside = below == "." ? root : root / below;
    return MountPlace{point, unescape_mount(cells[dash + 1]) + " " + unescape_mount(cells[dash + 2]),
                      inside.lexically_normal().string()};
}

}  // namespace detail

/// Where a path, links followed, lies now; nothing if that cannot be told.
inline std::optional<MountPlace> find_mount(const std::string& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    struct statx st {};
    if (error || ::statx(AT_FDCWD, real.c_str(), AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &st) != 0 ||
        (st.stx_mask & STATX_MNT_ID) == 0)
        return std::nullopt;
    const std::string id = std::to_string(st.stx_mnt_id);
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);)
        if (auto place = detail::parse_mount(line, id, real)) return place;
    return std::nullopt;
}

/// What is mounted at a path or below it, which has no links; the deepest last. Empty if that cannot be told.
inline std::vector<std::string> mount_points_in(const fs::path& folder) {
    std::vector<std::string> found;
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        const auto cells = split(line, ' ');
        if (cells.size() < 10) continue;
        const std::string point = detail::unescape_mount(cells[4]);
        if (point == folder.string() || point.starts_with(folder.string() + "/")) found.push_back(point);
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace holdfast
