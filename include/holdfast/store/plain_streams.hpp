// store/plain_streams.hpp - recipes of a sealed repository as plain text in this host's cache.
//
// A host that seals cannot open, but needs the recipes of its newest snapshots to refer to what they hold. Each is a file
// named by the SHA-256 of its content, which whoever reads it checks. Without them everything is stored again.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "holdfast/base/disk.hpp"
#include "holdfast/base/file_writer.hpp"
#include "holdfast/wrap/digest.hpp"
#include "holdfast/base/text.hpp"
namespace holdfast {

class PlainStreams {
public:
    explicit PlainStreams(fs::path folder) : folder_(std::move(folder)) {}

    /// Nothing if it was not kept. What is read must be held against the digest. Throws: io.
    std::optional<PullBytes> find(const Digest& digest) const {
        const fs::path path = folder_ / digest.hex();
        auto fd = std::make_shared<UniqueFd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (!*fd) return std::nullopt;
        return [fd, what = "read " + in_quotes(path.string())](std::span<std::byte> out) {
            return read_some(fd->get(), out, what);
        };
    }

    /// `write` is given where to put the text. Not synced: a torn file does not have its digest. Throws: io.
    void keep(const Digest& digest,
              const std::function<void(const std::function<void(std::string_view)>&)>& write) const {
        const fs::path path = folder_ / digest.hex();
        if (fs::exists(path)) return;
        make_directories(folder_);
        const TempName tmp{path.string() + ".tmp." + std::to_string(::getpid())};
        UniqueFd fd = open_fd(tmp.path().string(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
        const std::string what = "write " + in_quotes(tmp.path().string());
        write([&](std::string_view text) { write_full(fd.get(), as_bytes(text), what); });
        fd.close(what);
        rename_path(tmp.path(), path);
    }

    void forget_all_but(const std::set<Digest>& kept) const {
        if (!fs::exists(folder_)) return;
        for (const std::string& name : list_directory(folder_)) {
            const auto digest = Digest::parse(name);
            if (digest && !kept.contains(*digest)) ::unlink((folder_ / name).c_str());
        }
    }

private:
    fs::path folder_;
};

}  // namespace holdfast
