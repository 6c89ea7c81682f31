// wrap/posix_acl.hpp - POSIX ACLs between the bytes Linux keeps and the entries of libarchive.
//
// Linux stores an ACL as an extended attribute (linux/posix_acl_xattr.h): a version, then tag, permissions
// and id of each entry, little-endian. GNU tar and libarchive carry it as text in SCHILY.acl.*.
#pragma once

#include <archive_entry.h>

#include <array>
#include <string>
#include <string_view>

#include "holdfast/base/error.hpp"

namespace holdfast::detail {

struct AclTag {
    std::uint16_t linux_tag;
    int archive_tag;
};
/// In the order that the kernel demands.
inline constexpr std::array<AclTag, 6> kAclTags{{{0x01, ARCHIVE_ENTRY_ACL_USER_OBJ},
                                                 {0x02, ARCHIVE_ENTRY_ACL_USER},
                                                 {0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ},
                                                 {0x08, ARCHIVE_ENTRY_ACL_GROUP},
                                                 {0x10, ARCHIVE_ENTRY_ACL_MASK},
                                                 {0x20, ARCHIVE_ENTRY_ACL_OTHER}}};
inline constexpr std::uint32_t kAclVersion = 2;
inline constexpr std::uint32_t kAclNoId = 0xFFFFFFFF;

inline std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint32_t value = 0;
    for (std::size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}
inline void append_little_endian(std::string& out, std::uint32_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 0xFFU);
}

/// Adds the ACL in `raw` to `entry`; false if the bytes are not an ACL that we know.
inline bool add_acl(archive_entry* entry, int type, std::string_view raw) {
    if (raw.size() < 4 || raw.size() % 8 != 4 || little_endian(raw, 0, 4) != kAclVersion) return false;
    for (std::size_t at = 4; at < raw.size(); at += 8) {
        const std::uint32_t tag = little_endian(raw, at, 2);
        const auto permissions = static_cast<int>(little_endian(raw, at + 2, 2));
        const std::uint32_t id = little_endian(raw, at + 4, 4);
        const int id_or_none = id == kAclNoId ? -1 : static_cast<int>(id);
        bool known = false;
        for (const AclTag& t : kAclTags)
            if (t.linux_tag == tag)
                known = archive_entry_acl_add_entry(entry, type, permissions, t.archive_tag, id_or_none,
                                                    nullptr) == 0;
        if (!known) return false;
    }
    return true;
}

/// The ACL of `entry` as Linux wants it; empty if there is none.
inline std::string take_acl(archive_entry* entry, int type) {
    std::array<std::string, kAclTags.size()> by_tag;
    bool any = false;
    archive_entry_acl_reset(entry, type);
    int got_type = 0, permissions = 0, tag = 0, id = 0;
    const char* name = nullptr;
    while (archive_entry_acl_next(entry, type, &got_type, &permissions, &tag, &id, &name) == 0) {
        any = true;
        for (std::size_t i = 0; i < kAclTags.size(); ++i) {
            if (kAclTags[i].archive_tag != tag) continue;
            append_little_endian(by_tag[i], kAclTags[i].linux_tag, 2);
            append_little_endian(by_tag[i], static_cast<std::uint32_t>(permissions) & 7U, 2);
            append_little_endian(by_tag[i], id < 0 ? kAclNoId : static_cast<std::uint32_t>(id), 4);
        }
    }
    std::string raw;
    if (!any) return raw;
    append_little_endian(raw, kAclVersion, 4);
    for (const std::string& entries : by_tag) raw += entries;
    return raw;
}

}  // namespace holdfast::detail
