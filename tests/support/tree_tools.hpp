// support/tree_tools.hpp - a sink that keeps a captured tree in memory, and a description of a tree on
// disk that two trees can be compared by.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/source/file_tree.hpp"
#include "holdfast/store/tree_extract.hpp"

namespace holdfast::testing {

/// A stream that gives out `text` in odd pieces.
inline PullBytes pull_text(std::string text) {
    return [text = std::move(text), at = std::size_t{0}](std::span<std::byte> out) mutable {
        const std::size_t n = std::min({out.size(), text.size() - at, std::size_t{65521}});
        std::copy_n(as_bytes(text).begin() + static_cast<std::ptrdiff_t>(at), n, out.begin());
        at += n;
        return n;
    };
}

class MemorySink final : public TreeSink {
public:
    struct Segment {
        std::string tar, index;
    };
    std::string tar, index;
    std::map<Digest, Segment> known;  // what earlier captures left, for reuse()
    std::vector<Digest> reused;
    std::function<void()> on_segment = [] {};  // runs before any file of a segment is opened
    std::function<void()> on_write = [] {};    // runs while files are being read

    bool reuse(const Digest& key) override {
        on_segment();
        const auto at = known.find(key);
        if (at == known.end()) return false;
        reused.push_back(key);
        tar += at->second.tar;
        index += at->second.index;
        return true;
    }
    void write(ByteSpan bytes) override {
        segment_ += as_text(bytes);
        tar += as_text(bytes);
        on_write();
    }
    void end_segment(const std::optional<Digest>& key, std::string_view lines) override {
        index += lines;
        ++segments;
        if (key) known[*key] = {segment_, std::string{lines}};
        segment_.clear();
    }
    std::uint64_t segments = 0;

    EntrySource entries() const {
        return [reader = std::make_shared<IndexReader>(pull_text(index))] { return reader->next(); };
    }
    std::map<std::string, IndexEntry> by_path() const {
        std::map<std::string, IndexEntry> all;
        const EntrySource next = entries();
        while (auto entry = next()) all.emplace(entry->path, *entry);
        return all;
    }

private:
    std::string segment_;
};

struct Captured {
    TreeReport report;
    std::unique_ptr<MemorySink> sink = std::make_unique<MemorySink>();
};
inline Captured capture(const std::filesystem::path& path) {
    Captured c;
    TreeOptions options;
    options.path = path.string();
    c.report = capture_tree(options, *c.sink);
    return c;
}
inline ExtractReport extract_all(const MemorySink& sink, const std::filesystem::path& to,
                                 const ExtractOptions& options = {}) {
    std::filesystem::create_directory(to);
    return extract_tree(pull_text(sink.tar), want_all(sink.entries()), to, options);
}

namespace detail {
inline std::string describe_xattrs(const std::string& path) {
    std::string names(65536, '\0'), value(65536, '\0'), all;
    const ssize_t n = ::llistxattr(path.c_str(), names.data(), names.size());
    std::vector<std::string> sorted;
    for (std::size_t at = 0; n > 0 && at < static_cast<std::size_t>(n); at += sorted.back().size() + 1)
        sorted.emplace_back(names.data() + at);
    std::sort(sorted.begin(), sorted.end());
    for (const std::string& name : sorted) {
        const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
        all += " " + name + "=" +
               to_hex(as_bytes(
                   std::string_view{value}.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)))));
    }
    return all;
}
inline std::string digest_at(int directory, const std::string& name) {
    const UniqueFd fd{::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    Hasher hasher;
    Bytes buffer(1 << 20);
    while (const std::size_t n = read_full(fd.get(), buffer, "read"))
        hasher.update(ByteSpan(buffer).first(n));
    return hasher.finish().hex();
}
inline void describe_into(std::map<std::string, std::string>& out, int parent, const std::string& name,
                          const std::string& path, std::map<std::pair<dev_t, ino_t>, std::string>& links) {
    struct stat st {};
    if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) throw_os("describe");
    char line[200];
    std::snprintf(line, sizeof line, "%06o %u:%u %lld.%09ld", st.st_mode, st.st_uid, st.st_gid,
                  static_cast<long long>(st.st_mtim.tv_sec), st.st_mtim.tv_nsec);
    std::string text = line;
    text += describe_xattrs("/proc/self/fd/" + std::to_string(parent) + "/" + name);
    if (S_ISREG(st.st_mode)) {
        text += " size " + std::to_string(st.st_size) + " " + digest_at(parent, name);
        if (st.st_nlink > 1)
            text += " links to " + links.try_emplace({st.st_dev, st.st_ino}, path).first->second;
    }
    if (S_ISLNK(st.st_mode)) {
        std::string target(4096, '\0');
        target.resize(
            static_cast<std::size_t>(::readlinkat(parent, name.c_str(), target.data(), target.size())));
        text += " -> " + target;
    }
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) text += " device " + std::to_string(st.st_rdev);
    out[path] = text;
    if (!S_ISDIR(st.st_mode)) return;
    const int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR* dir = ::fdopendir(fd);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir)) names.emplace_back(entry->d_name);
    std::sort(names.begin(), names.end());
    for (const std::string& n : names)
        if (n != "." && n != "..") describe_into(out, fd, n, path + "/" + n, links);
    ::closedir(dir);
}
}  // namespace detail

/// Everything that a restore must bring back, by path; works below PATH_MAX too.
inline std::map<std::string, std::string> describe(const std::filesystem::path& top) {
    const UniqueFd fd = open_fd(top.string(), O_PATH | O_DIRECTORY);
    std::map<std::string, std::string> out;
    std::map<std::pair<dev_t, ino_t>, std::string> links;
    detail::describe_into(out, fd.get(), ".", ".", links);
    return out;
}
/// The first difference, or nothing.
inline std::string difference(const std::map<std::string, std::string>& a,
                              const std::map<std::string, std::string>& b) {
    for (const auto& [path, text] : a) {
        const auto at = b.find(path);
        if (at == b.end()) return printable(path) + " is missing";
        if (at->second != text) return printable(path) + ": " + text + " | " + at->second;
    }
    for (const auto& [path, text] : b)
        if (!a.contains(path)) return printable(path) + " is additional";
    return {};
}

inline void set_time(const std::filesystem::path& path, std::int64_t seconds, long nanoseconds) {
    const struct timespec times[2] = {{0, UTIME_OMIT}, {seconds, nanoseconds}};
    if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) throw_os("set time");
}
inline bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }

}  // namespace holdfast::testing
