#include "holdfast/base/mounts.hpp"

#include <doctest/doctest.h>

#include "support/temp_dir.hpp"

using namespace holdfast;
using holdfast::testing::TempDir;

namespace {
const std::string kDisk =
    "36 35 98:0 / /srv/data rw,noatime shared:1 master:7 - ext4 /dev/sdb1 rw,errors=continue";
}

TEST_CASE("mounts: a place is the mount point, what is mounted there, and the path within it") {
    CHECK(detail::parse_mount(kDisk, "36", "/srv/data/db/t.db") ==
          MountPlace{"/srv/data", "ext4 /dev/sdb1", "/db/t.db"});
    CHECK(detail::parse_mount("36 35 98:0 /vol/a /srv rw - btrfs /dev/sdb1 rw", "36", "/srv") ==
          MountPlace{"/srv", "btrfs /dev/sdb1", "/vol/a"});
    CHECK(detail::parse_mount("36 35 98:0 / /a\\040b\\134c rw - nfs4 host:/x\\011y rw", "36", "/a b\\c/d") ==
          MountPlace{"/a b\\c", "nfs4 host:/x\ty", "/d"});
}

TEST_CASE("mounts: a bind mount leads to the same path of the same file system") {
    const auto plain = detail::parse_mount("25 1 8:2 / / rw - ext4 /dev/sda2 rw", "25", "/srv/data/x");
    const auto bound =
        detail::parse_mount("80 25 8:2 /srv/data /srv/data ro - ext4 /dev/sda2 rw", "80", "/srv/data/x");
    REQUIRE(plain);
    REQUIRE(bound);
    CHECK(plain->point != bound->point);
    CHECK(plain->file_system == bound->file_system);
    CHECK(plain->path == bound->path);
    const auto itself =
        detail::parse_mount("80 25 8:2 /srv/data/x /srv/data/x ro - ext4 /dev/sda2 rw", "80", "/srv/data/x");
    REQUIRE(itself);
    CHECK(itself->path == plain->path);
}

TEST_CASE("mounts: a line of another mount, of another folder, or cut short, is no answer") {
    CHECK_FALSE(detail::parse_mount(kDisk, "35", "/srv/data/x"));
    CHECK_FALSE(detail::parse_mount(kDisk, "36", "/srv/database"));
    for (std::size_t length = 0; length < kDisk.find("ext4"); ++length)
        CHECK_FALSE(detail::parse_mount(kDisk.substr(0, length), "36", "/srv/data/x"));
}

TEST_CASE("mounts: the kernel's own list is understood, links are followed") {
    const auto proc = find_mount("/proc/self/status");
    REQUIRE(proc);
    CHECK(proc->point == "/proc");
    CHECK(proc->file_system.starts_with("proc "));
    const TempDir dir;
    fs::create_symlink("/proc/version", dir / "link");
    CHECK(find_mount((dir / "link").string())->path == "/version");
    CHECK_FALSE(find_mount((dir / "none").string()));
}
