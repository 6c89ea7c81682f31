// ops/read_secret.hpp - a password or an address from a file of this user.
#pragma once

#include "holdfast/base/disk.hpp"
#include "holdfast/base/text.hpp"

namespace holdfast::ops {

/// One line of a file that nobody else may read. Throws: config.
inline std::string read_secret(const std::string& path) {
    try {
        const UniqueFd fd = open_fd(path, O_RDONLY);
        const struct stat st = stat_fd(fd.get(), "stat " + in_quotes(path));
        if ((st.st_mode & 077) != 0 || (st.st_uid != ::geteuid() && st.st_uid != 0))
            throw Error(Kind::config, in_quotes(path) + " holds a secret, but others may read it or own it",
                        "chown it to the user that runs holdfast, and chmod 600");
        std::string text(4096, '\0');
        text.resize(read_full(fd.get(), std::as_writable_bytes(std::span(text)), "read " + in_quotes(path)));
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
        if (text.empty())
            throw Error(Kind::config, in_quotes(path) + " is empty", "write the secret into it");
        return text;
    } catch (const OsError& e) {
        throw Error(Kind::config, e.what(), "check the path and mode of that file");
    }
}
}  // namespace holdfast::ops
