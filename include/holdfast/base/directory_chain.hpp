// base/directory_chain.hpp - a way down a directory tree by descriptors, never by path.
//
// Every step opens one name below the directory before it and refuses symbolic links, so nothing outside
// the tree is reached and a path may be longer than PATH_MAX. At most kMaxOpen + 1 descriptors are open:
// deeper levels are found again through "..", which counts only if device and inode are as they were.
// One thread at a time.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/fd.hpp"

namespace holdfast {

/// "a/b" for ("a", "b"); "b" for (".", "b").
inline std::string join_tree_path(std::string_view directory, std::string_view name) {
    if (directory == ".") return std::string{name};
    std::string path;
    path.reserve(directory.size() + 1 + name.size());
    return path.append(directory).append("/").append(name);
}

/// The directory part of "a/b" is "a", of "b" it is ".".
inline std::string_view tree_parent(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{"."} : path.substr(0, slash);
}
inline std::string_view tree_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

class DirectoryChain {
public:
    static constexpr std::size_t kMaxOpen = 64;  // levels kept open; ordinary trees are 5 to 20 deep

    /// `root` is a descriptor of the top directory.
    explicit DirectoryChain(UniqueFd root) { push({}, std::move(root)); }

    std::size_t depth() const noexcept { return levels_.size() - 1; }
    /// The innermost directory; -1 if it could not be found again after leave(), so that every use of it fails.
    int fd() const noexcept { return levels_.back().fd.get(); }
    /// From the top: "." or "a/b". Valid until the next step.
    std::string_view path() const noexcept { return path_.empty() ? std::string_view{"."} : path_; }

    /// One step down. Throws: io (OsError; ELOOP or ENOTDIR for anything but a directory).
    void enter(const std::string& name) {
        UniqueFd next = step(fd(), name.c_str());
        if (!next) throw_os("open directory '" + name + "'");
        push(name, std::move(next));
        if (!path_.empty()) path_ += '/';
        path_ += name;
        if (levels_.size() > kMaxOpen + 1) levels_[levels_.size() - 2].fd.reset();
    }

    /// One step up.
    void leave() noexcept {
        Level& parent = levels_[levels_.size() - 2];
        if (!parent.fd) parent.fd = reopen(levels_.size() - 2);
        path_.erase(path_.size() - std::min(path_.size(), levels_.back().name.size() + 1));
        levels_.pop_back();
    }

    /// Goes to "." or "a/b" by the shortest way; after a failure the chain stands where it came to.
    void go(std::string_view directory) {
        if (directory == ".") directory = {};
        std::size_t shared = 0;
        while (shared < depth() && !directory.empty() && first_part(directory) == levels_[shared + 1].name) {
            drop_part(directory);
            ++shared;
        }
        while (depth() > shared) leave();
        for (; !directory.empty(); drop_part(directory)) enter(std::string{first_part(directory)});
    }

private:
    struct Level {
        std::string name;
        dev_t device;
        ino_t inode;
        UniqueFd fd;
    };
    static UniqueFd step(int at, const char* name) noexcept {
        return UniqueFd{::openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    }
    void push(std::string name, UniqueFd fd) {
        const struct stat st = stat_fd(fd.get(), "stat directory '" + name + "'");
        levels_.push_back({std::move(name), st.st_dev, st.st_ino, std::move(fd)});
    }
    static bool is_level(const UniqueFd& fd, const Level& level) noexcept {
        struct stat st {};
        return fd && ::fstat(fd.get(), &st) == 0 && st.st_dev == level.device && st.st_ino == level.inode;
    }
    UniqueFd reopen(std::size_t level) const noexcept {
        UniqueFd fd = step(levels_[level + 1].fd.get(), "..");
        if (is_level(fd, levels_[level])) return fd;
        std::size_t i = kMaxOpen - 1;  // the directory was moved meanwhile: take the long way down
        fd = step(levels_[i].fd.get(), ".");
        while (fd && i < level) fd = step(fd.get(), levels_[++i].name.c_str());
        return is_level(fd, levels_[level]) ? std::move(fd) : UniqueFd{};
    }
    static std::string_view first_part(std::string_view path) { return path.substr(0, path.find('/')); }
    static void drop_part(std::string_view& path) {
        path.remove_prefix(std::min(path.size(), first_part(path).size() + 1));
    }

    std::vector<Level> levels_;
    std::string path_;
};

}  // namespace holdfast
