// base/moves.hpp - several files and folders get other names: all of them, or it is as if none had.
//
// What commit() did not keep is taken back, last move first, when the object goes. Folders that their owner may not
// write are moved too, and have their mode again at the end.
#pragma once

#include <vector>

#include "holdfast/base/disk.hpp"
#include "holdfast/base/text.hpp"

namespace holdfast {

class Moves {
public:
    Moves() = default;
    Moves(const Moves&) = delete;
    Moves& operator=(const Moves&) = delete;
    ~Moves() {
        for (auto at = done_.rbegin(); at != done_.rend(); ++at)
            ::renameat2(AT_FDCWD, at->to.c_str(), AT_FDCWD, at->from.c_str(), at->undo_flags);
        for (const Unlocked& folder : unlocked_) ::fchmod(folder.fd.get(), folder.mode);
    }

    /// `to` must not exist. Throws: io.
    void move(const fs::path& from, const fs::path& to) {
        unlock(from, to);
        if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
            if (errno != EINVAL)
                throw_os("rename " + in_quotes(from.string()) + " to " + in_quotes(to.string()));
            rename_path(from, to);  // a file system without NOREPLACE
        }
        done_.push_back({from, to, 0});
    }

    /// `to` is the whole old or the whole new one at every instant, and `from` the old one afterwards. Where the file
    /// system cannot exchange names, the old one goes to `aside` first. Throws: io.
    void replace(const fs::path& from, const fs::path& to, const fs::path& aside) {
        unlock(from, to);
        unlock(to, from);
        if (exchange_paths(from, to)) {
            done_.push_back({from, to, RENAME_EXCHANGE});
        } else {
            move(to, aside);
            move(from, to);
        }
    }

    /// Keeps everything; a mode that could not be set again is a warning.
    void commit(std::vector<std::string>& warnings) {
        done_.clear();
        for (const Unlocked& folder : unlocked_)
            if (::fchmod(folder.fd.get(), folder.mode) != 0)
                warnings.emplace_back(OsError(errno, "set the mode of " + in_quotes(folder.name)).what());
        unlocked_.clear();
    }

private:
    struct Done {
        fs::path from, to;
        unsigned undo_flags;
    };
    struct Unlocked {
        UniqueFd fd;  // wherever the folder is by then
        mode_t mode;
        std::string name;
    };

    /// To move a folder, its owner must be able to write into it.
    void unlock(const fs::path& folder, const fs::path& new_name) {
        struct stat st {};
        if (::lstat(folder.c_str(), &st) != 0 || !S_ISDIR(st.st_mode) || (st.st_mode & S_IWUSR) != 0) return;
        if (::chmod(folder.c_str(), st.st_mode | S_IRWXU) != 0)
            throw_os("set the mode of " + in_quotes(folder.string()));
        unlocked_.push_back({open_fd(folder.string(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
                             st.st_mode & 07777U, new_name.string()});
    }

    std::vector<Done> done_;
    std::vector<Unlocked> unlocked_;
};

}  // namespace holdfast
