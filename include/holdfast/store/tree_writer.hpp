// store/tree_writer.hpp - makes the entries of a tree in an empty private directory.
//
// Every name is made below a directory descriptor that no link leads to, and never over something that is
// there; hard links go only to files made here. Directories stay private until their content is complete
// and get their mode and time when the stream leaves them. Owners are set on request only; setuid, setgid
// and capabilities only after the owner was. What the system refuses to set is a warning, not a failure.
// Nothing is synced: the caller syncs the file system once. Throws: corrupt, io.
#pragma once

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "holdfast/base/directory_chain.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/store/tree_match.hpp"

namespace holdfast {

struct TreeFinding {
    std::string path;
    std::string what;
};

struct ExtractOptions {
    bool with_owners = ::geteuid() == 0;
    bool with_devices = false;  // device nodes; otherwise they are left out with a warning
};

struct ExtractReport {
    static constexpr std::size_t kMaxListed = 1000;  // the count goes on

    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t others = 0;
    std::uint64_t bytes = 0;
    std::vector<TreeFinding> warnings;  // what is not exactly as it was captured
    std::uint64_t warning_count = 0;

    void warn(const std::string& path, const std::string& what) {
        if (++warning_count <= kMaxListed) warnings.push_back({path, what});
    }
};

class TreeWriter final : public TreeVisitor {
public:
    /// `root` is open (O_PATH will do) on the empty directory; twice, for the two ways down.
    TreeWriter(UniqueFd root, UniqueFd root_again, const ExtractOptions& options, ExtractReport& report)
        : chain_(std::move(root)), links_(std::move(root_again)), options_(options), report_(report),
          pending_(1) {}

    void begin(const WantedEntry& wanted, const TarEntry& record) override {
        path_ = wanted.path;
        doing_ = "restore " + in_quotes(path_);
        if (wanted.entry.type == EntryType::directory) return make_directory_entry(wanted, record);
        enter(tree_parent(path_));
        const std::string name{tree_name(path_)};
        switch (wanted.entry.type) {
            case EntryType::file: return make_file(name, record);
            case EntryType::symlink: return make_symlink(name, wanted.entry, record);
            case EntryType::hardlink: return make_hard_link(name, wanted.link);
            default: return make_special(name, wanted.entry, record);
        }
    }
    void data(std::uint64_t offset, ByteSpan bytes) override {
        report_.bytes += bytes.size();
        while (!bytes.empty()) {
            const ssize_t n = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) throw_os(doing_);
            bytes = bytes.subspan(static_cast<std::size_t>(n));
            offset += static_cast<std::uint64_t>(n);
        }
    }
    void end(const WantedEntry& wanted) override {
        if (wanted.entry.type != EntryType::file) return;
        if (::ftruncate(file_.get(), static_cast<off_t>(wanted.entry.content_bytes())) != 0) throw_os(doing_);
        apply(file_.get(), path_, {wanted.entry, std::move(file_xattrs_)});
        file_.close(doing_);
        if (wanted.entry.is_changed || wanted.entry.truncated)
            report_.warn(path_, wanted.entry.truncated
                                    ? "is not complete: it could not be read to its end when it was captured"
                                    : "was written to while it was captured");
    }
    void bad_content(const WantedEntry& wanted, const std::string& why) override {
        throw Error(Kind::corrupt, doing_ + ": " + why + " (" + wanted.entry.sha256.hex() + ")",
                    "restore an earlier snapshot; verify --deep tells which are whole");
    }
    /// Sets modes and times of the directories that are still open. Without it the tree is not finished.
    void finish() {
        while (chain_.depth() > 0) leave();
        if (!implied_.empty())
            throw Error(Kind::corrupt,
                        "directory " + in_quotes(*implied_.begin()) + " has no record of its own");
        apply_directory(".", [] {});
    }

private:
    struct Metadata {
        IndexEntry entry;
        std::vector<Xattr> xattrs;
    };

    // Down and up.
    void enter(std::string_view directory) {
        while (!leads_to(directory)) leave();
        while (chain_.path() != directory) {
            std::string_view rest = directory;
            if (chain_.depth() > 0) rest.remove_prefix(chain_.path().size() + 1);
            const std::string name{rest.substr(0, rest.find('/'))};
            const std::string path = join_tree_path(chain_.path(), name);
            make_or_find(name, path);
            implied_.insert(path);  // its own record is still to come
        }
    }
    bool leads_to(std::string_view directory) const {
        const std::string_view here = chain_.path();
        return here == "." || directory == here ||
               (directory.starts_with(here) && directory[here.size()] == '/');
    }
    void make_or_find(const std::string& name, const std::string& path) {
        if (::mkdirat(chain_.fd(), name.c_str(), 0700) != 0) {
            if (errno != EEXIST) throw_os(doing_);
            if (implied_.erase(path) == 0)
                throw Error(Kind::corrupt,
                            doing_ + ": directory " + in_quotes(path) + " comes twice or out of order");
        }
        chain_.enter(name);
        pending_.emplace_back();
    }
    void leave() {
        apply_directory(std::string{chain_.path()}, [&] { chain_.leave(); });
        pending_.pop_back();
    }
    template <class Before>
    void apply_directory(const std::string& path, const Before& before) {
        const UniqueFd fd{::openat(chain_.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!fd) throw_os("open directory " + in_quotes(path));
        before();  // the way up may need rights that the final mode does not give
        if (pending_.back()) apply(fd.get(), path, *pending_.back());
    }

    // One entry each.
    void make_directory_entry(const WantedEntry& wanted, const TarEntry& record) {
        if (path_ != ".") {
            enter(tree_parent(path_));
            make_or_find(std::string{tree_name(path_)}, path_);
        } else if (chain_.depth() != 0 || pending_.front()) {
            throw Error(Kind::corrupt, doing_ + ": the top comes twice or late");
        }
        ++report_.directories;
        pending_.back() = Metadata{wanted.entry, record.xattrs};
    }
    void make_file(const std::string& name, const TarEntry& record) {
        file_ = UniqueFd{
            ::openat(chain_.fd(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (!file_) refuse_or_throw();
        file_xattrs_ = record.xattrs;
        ++report_.files;
    }
    void make_hard_link(const std::string& name, const std::string& target) {
        const std::string why = doing_ + ": its other name " + in_quotes(target) + " ";
        struct stat st {};
        try {
            links_.go(tree_parent(target));
        } catch (const OsError& e) {
            if (e.number() != ENOENT && e.number() != ENOTDIR && e.number() != ELOOP) throw;
            throw Error(Kind::corrupt, why + "is not in a directory of this restore: " + e.what());
        }
        const std::string target_name{tree_name(target)};
        if (::fstatat(links_.fd(), target_name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            throw Error(Kind::corrupt, why + "is not a file of this restore");
        if (::linkat(links_.fd(), target_name.c_str(), chain_.fd(), name.c_str(), 0) != 0) refuse_or_throw();
        ++report_.files;
    }
    void make_symlink(const std::string& name, const IndexEntry& entry, const TarEntry& record) {
        if (::symlinkat(entry.link.c_str(), chain_.fd(), name.c_str()) != 0) refuse_or_throw();
        ++report_.others;
        const UniqueFd fd{::openat(chain_.fd(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!fd) throw_os(doing_);
        apply(fd.get(), path_, {entry, record.xattrs});
    }
    void make_special(const std::string& name, const IndexEntry& entry, const TarEntry& record) {
        const bool is_fifo = entry.type == EntryType::fifo;
        if (!is_fifo && !options_.with_devices) return report_.warn(path_, "is a device node: left out");
        const mode_t type = is_fifo ? S_IFIFO : entry.type == EntryType::block_device ? S_IFBLK : S_IFCHR;
        if (::mknodat(chain_.fd(), name.c_str(), type | 0600U,
                      makedev(entry.device_major, entry.device_minor)) != 0) {
            if (errno != EPERM) refuse_or_throw();
            return report_.warn(path_, OsError(errno, "the device node cannot be made").what());
        }
        ++report_.others;
        const UniqueFd fd{::openat(chain_.fd(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!fd) throw_os(doing_);
        apply(fd.get(), path_, {entry, record.xattrs});
    }
    [[noreturn]] void refuse_or_throw() const {
        if (errno == EEXIST) throw Error(Kind::corrupt, doing_ + ": the tree names it twice");
        throw_os(doing_);
    }

    // Metadata, by descriptor. One that O_PATH opened has no calls of its own, but a name in /proc that leads to it.
    void apply(int fd, const std::string& path, const Metadata& m) {
        const bool is_open = m.entry.type == EntryType::file || m.entry.type == EntryType::directory;
        const std::string self = is_open ? "" : "/proc/self/fd/" + std::to_string(fd);
        const bool owns = set_owner(fd, path, m.entry);
        for (const Xattr& x : m.xattrs) {
            if (x.name == "security.capability" && !owns) {
                report_.warn(path, "its capabilities are not restored without its owner");
                continue;
            }
            const int rc = is_open
                               ? ::fsetxattr(fd, x.name.c_str(), x.value.data(), x.value.size(), 0)
                               : ::setxattr(self.c_str(), x.name.c_str(), x.value.data(), x.value.size(), 0);
            if (rc != 0) report_.warn(path, OsError(errno, "set " + in_quotes(x.name)).what());
        }
        if (m.entry.type != EntryType::symlink) {
            const mode_t mode = allowed_mode(path, m.entry, owns);
            if ((is_open ? ::fchmod(fd, mode) : ::chmod(self.c_str(), mode)) != 0)
                report_.warn(path, OsError(errno, "set its mode").what());
        }
        constexpr std::int64_t kBillion = 1'000'000'000;
        const std::int64_t ns = ((m.entry.mtime_ns % kBillion) + kBillion) % kBillion;
        const struct timespec times[2] = {{0, UTIME_OMIT}, {(m.entry.mtime_ns - ns) / kBillion, ns}};
        if ((is_open ? ::futimens(fd, times) : ::utimensat(AT_FDCWD, self.c_str(), times, 0)) != 0)
            report_.warn(path, OsError(errno, "set its time").what());
    }
    /// True if the owner is now as captured and was meant to be.
    bool set_owner(int fd, const std::string& path, const IndexEntry& entry) {
        struct stat st = stat_fd(fd, doing_);
        const bool differs = st.st_uid != entry.uid || st.st_gid != entry.gid;
        if (!options_.with_owners) {
            if (differs)
                report_.warn(path, "its owner " + std::to_string(entry.uid) + ":" +
                                       std::to_string(entry.gid) + " is not restored");
            return false;
        }
        if (!differs || ::fchownat(fd, "", entry.uid, entry.gid, AT_EMPTY_PATH) == 0) return true;
        report_.warn(path, OsError(errno, "set its owner").what());
        return false;
    }
    mode_t allowed_mode(const std::string& path, const IndexEntry& entry, bool owns) {
        if ((entry.mode & 06000U) == 0 || owns) return entry.mode;
        report_.warn(path, "its setuid and setgid bits are not restored without its owner");
        return entry.mode & ~06000U;
    }

    DirectoryChain chain_;
    DirectoryChain links_;
    ExtractOptions options_;
    ExtractReport& report_;
    std::vector<std::optional<Metadata>> pending_;  // of each directory on the chain, until it is left
    std::set<std::string> implied_;                 // made for a hard link before their own record
    std::string path_, doing_;
    UniqueFd file_;
    std::vector<Xattr> file_xattrs_;
};

}  // namespace holdfast
