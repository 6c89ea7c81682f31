// ops/restore_file.hpp - a component that is one stream of bytes: to a file or to standard output.
#pragma once

#include "holdfast/base/file_writer.hpp"
#include "holdfast/base/progress.hpp"
#include "holdfast/source/sqlite_files.hpp"
#include "holdfast/store/component_reader.hpp"

namespace holdfast::ops {

/// Hands on every byte of the component in order and checks length and digest at the end: what was handed on is proven
/// only when this returns. Throws: corrupt, io, what `out` throws.
inline void read_component(ObjectReader& reader, const Component& c,
                           const std::function<void(ByteSpan)>& out) {
    Hasher hasher;
    std::uint64_t bytes = 0;
    StreamReader stream(reader, extents_of_component(reader, c));
    while (const auto piece = stream.next()) {
        hasher.update(*piece);
        bytes += piece->size();
        out(*piece);
    }
    if (bytes != c.bytes || (c.digest && hasher.finish() != *c.digest))
        throw Error(Kind::corrupt,
                    "component " + in_quotes(c.name) + " does not have the digest that the manifest names",
                    "use another snapshot; verify --all says which are whole");
}

namespace detail {

inline void set_file_facts(int fd, const Component& c, std::vector<std::string>& warnings) {
    if (!c.file) return;
    const FileFacts& f = *c.file;
    bool owned = f.uid == ::geteuid() && f.gid == ::getegid();
    if (::geteuid() == 0) {
        owned = ::fchown(fd, f.uid, f.gid) == 0;
        if (!owned) warnings.push_back(c.name + ": owner not set: " + OsError(errno, "chown").what());
    }
    const mode_t mode = f.mode & (owned ? 07777U : 0777U);  // setuid only for the owner it was meant for
    if (::fchmod(fd, mode) != 0)
        warnings.push_back(c.name + ": mode not set: " + OsError(errno, "chmod").what());
    constexpr std::int64_t kBillion = 1'000'000'000;
    const std::int64_t ns = ((f.mtime_ns % kBillion) + kBillion) % kBillion;
    const timespec times[2] = {{0, UTIME_NOW}, {(f.mtime_ns - ns) / kBillion, ns}};
    if (::futimens(fd, times) != 0)
        warnings.push_back(c.name + ": time not set: " + OsError(errno, "utimens").what());
}

}  // namespace detail

/// Makes `path`, which must not exist. Throws: corrupt, io.
inline void restore_file(ObjectReader& reader, const Component& c, const fs::path& path,
                         FileWriter::Purpose purpose, std::vector<std::string>& warnings,
                         Progress& progress) {
    const std::string doing = "write " + in_quotes(path.string());
    UniqueFd fd = open_fd(path.string(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (::fchmod(fd.get(), 0600) != 0) throw_os(doing);
    FileWriter file(fd.get(), purpose, doing);
    read_component(reader, c, [&](ByteSpan bytes) {
        file.write(bytes);
        progress.add(bytes.size());
    });
    file.finish();
    detail::set_file_facts(fd.get(), c, warnings);
    if (purpose == FileWriter::Purpose::durable) sync_fd(fd.get(), "sync " + in_quotes(path.string()));
    fd.close("close " + in_quotes(path.string()));
}

}  // namespace holdfast::ops
