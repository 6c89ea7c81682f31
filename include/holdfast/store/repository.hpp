// store/repository.hpp - where things lie in a repository, and opening one.
//
// open() checks format.json before anything else is believed: another format or a newer version is
// refused, and nothing is ever created by opening. ops/init makes repositories. docs/format.md.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "holdfast/base/disk.hpp"
#include "holdfast/base/lock.hpp"
#include "holdfast/base/random.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/store/host_folders.hpp"
#include "holdfast/store/keyring.hpp"
#include "holdfast/wrap/digest.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

inline constexpr std::uint64_t kFormatVersion = 1;
inline constexpr std::uint64_t kSealedFormatVersion =
    2;  // whose frames are sealed; older programs must not touch it
inline constexpr const char* kFormatName = "holdfast-repository";

class Repository {
public:
    /// `unlock` gives the private keys of a sealed repository to who wants to read; without it objects stay closed.
    /// Throws: not_found (no such folder, or not a repository), config (newer version), corrupt, io.
    static Repository open(const fs::path& root, Unlock unlock = {}) {
        const std::string where = "'" + printable(root.string()) + "'";
        std::error_code error;
        if (!fs::exists(root, error) && !error)
            throw Error(Kind::not_found, "repository " + where + " does not exist",
                        "is its disk mounted? a new one is made with: init --repo " + where);
        std::optional<std::string> text;
        try {
            text = read_file_if_any(root / "format.json", 64_KiB);
        } catch (const OsError& e) {
            throw Error(Kind::io, std::string("repository not opened: ") + e.what(),
                        "check that " + where + " is mounted and that this user may read it");
        }
        if (!text)
            throw Error(Kind::not_found, where + " is not a holdfast repository: it has no format.json",
                        fs::exists(root / "objects")
                            ? "it has objects/, so it lost that file: put it back from another copy, do not "
                              "init over it"
                            : "check the path; a new repository is made with: init --repo " + where);
        const Json json = parse_json(*text, "format.json of " + where);
        const JsonFields fields(json, "format.json of " + where);
        if (fields.text("format") != kFormatName)
            throw Error(Kind::not_found, where + " is not a holdfast repository", "check the path");
        const std::uint64_t version = fields.number("version");
        if (version != kFormatVersion && version != kSealedFormatVersion)
            throw Error(Kind::config,
                        where + " has format version " + std::to_string(version) +
                            ", this program reads versions 1 and 2",
                        "use a newer holdfast; nothing was changed");
        Repository repository;
        repository.root_ = fs::absolute(root).lexically_normal();
        repository.id_ = fields.text("id");
        if (repository.id_.empty() || repository.id_.size() > 64 ||
            repository.id_.find_first_not_of("0123456789abcdef-") != std::string::npos)
            fields.fail("id", "is malformed");
        if (version == kFormatVersion) return repository;
        const auto certificate = Digest::parse(fields.text("certificate"));
        if (!certificate) fields.fail("certificate", "is not a SHA-256");
        repository.keyring_ = std::make_shared<Keyring>(repository.root_, *certificate, std::move(unlock));
        return repository;
    }

    const fs::path& root() const { return root_; }
    const std::string& id() const { return id_; }
    /// Null if objects are not sealed.
    Keyring* keyring() const { return keyring_.get(); }
    fs::path snapshots() const { return root_ / "snapshots"; }
    fs::path snapshot(const std::string& id) const { return root_ / "snapshots" / id; }
    fs::path tmp() const { return root_ / "tmp"; }
    /// For plain data that is needed for a moment: in a sealed repository it would be there for whoever has its disk, so then
    /// it lies in this host's cache. The folder need not exist yet: make_staging().
    fs::path staging() const { return keyring_ == nullptr ? tmp() : host_cache_folder(id_) / "staging"; }
    fs::path make_staging() const {
        make_directories(staging());
        return staging();
    }
    fs::path trash() const { return root_ / "trash"; }
    fs::path quarantine() const { return root_ / "quarantine"; }
    fs::path ledger() const { return root_ / "ledger.jsonl"; }
    fs::path lock_path() const { return root_ / "lock"; }
    fs::path object(const Digest& name) const { return root_ / object_path(name.hex()); }
    static std::string object_path(const std::string& hex) {
        return "objects/" + hex.substr(0, 2) + "/" + hex;
    }

    /// Writers and readers share the lock; only what removes objects takes it alone. Throws: busy, io.
    FileLock lock(LockMode mode, std::chrono::seconds budget) const {
        return FileLock(lock_path().string(), mode, budget);
    }

    /// A name in tmp/ that says which process of which boot made it, so that leftovers can be told apart.
    fs::path temporary(const std::string& purpose) const {
        static std::atomic<unsigned> counter{0};
        static const std::string boot = [] {
            std::array<std::byte, 8> id{};  // a file in /proc has no size to go by
            const UniqueFd fd{::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)};
            const bool known = fd && read_full(fd.get(), id, "read the boot id") == id.size();
            return (known ? std::string(as_text(id)) : "unknown0") + "." +
                   random_hex<3>();  // containers share boots and pids
        }();
        return tmp() /
               (purpose + "." + boot + "." + std::to_string(::getpid()) + "." + std::to_string(counter++));
    }

    /// A file in staging() without a name: it is gone when the descriptor closes. Throws: io.
    UniqueFd anonymous_file() const {
        const fs::path folder = make_staging();
        UniqueFd fd{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
        if (fd) return fd;
        const TempName name{folder / temporary("spool").filename()};  // a file system without O_TMPFILE
        return open_fd(name.path().string(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    }

private:
    Repository() = default;
    fs::path root_;
    std::string id_;
    std::shared_ptr<Keyring> keyring_;
};

}  // namespace holdfast
