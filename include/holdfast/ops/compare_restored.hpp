// ops/compare_restored.hpp - is a restored component the same as a folder or file that is known to be right?
//
// Names, types, bytes, links, modes and times of files, both ways. For rehearsals, where the original is at hand.
#pragma once

#include <map>

#include "holdfast/base/disk.hpp"
#include "holdfast/ops/check_result.hpp"
#include "holdfast/store/hash_file.hpp"

namespace holdfast::ops {

namespace detail {

/// What one path is, in a word that two paths can be compared by. Throws: io.
inline std::string likeness(const fs::path& path, Bytes& buffer) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) throw_os("look at " + in_quotes(path.string()));
    std::string out = std::to_string(st.st_mode);
    if (S_ISLNK(st.st_mode)) return out + " to " + fs::read_symlink(path).string();
    if (!S_ISREG(st.st_mode)) return out;
    const UniqueFd fd = open_fd(path.string(), O_RDONLY | O_NOFOLLOW);
    return out + " " + std::to_string(st.st_mtim.tv_sec) + "." + std::to_string(st.st_mtim.tv_nsec) + " " +
           hash_file(fd.get(), in_quotes(path.string()), buffer).hex();
}

inline std::map<std::string, std::string> likenesses(const fs::path& root) {
    std::map<std::string, std::string> out;
    Bytes buffer;
    out.emplace(".", likeness(root, buffer));
    if (!fs::is_directory(root) || fs::is_symlink(root)) return out;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
        check_interrupted();
        out.emplace(entry.path().lexically_relative(root).string(), likeness(entry.path(), buffer));
    }
    return out;
}

}  // namespace detail

/// Throws: io, interrupted.
inline CheckResult compare_restored(const std::string& component, const fs::path& restored,
                                    const fs::path& original) {
    CheckResult result{component, "same as the original", CheckResult::State::failed, {}};
    std::vector<std::string> differences;
    try {
        auto now = detail::likenesses(restored);
        const auto before = detail::likenesses(original);
        for (const auto& [path, what] : before) {
            const auto at = now.find(path);
            if (at == now.end())
                differences.push_back(in_quotes(path) + " is missing");
            else if (at->second != what)
                differences.push_back(in_quotes(path) + " differs");
            if (at != now.end()) now.erase(at);
        }
        for (const auto& [path, what] : now) differences.push_back(in_quotes(path) + " was not there");
        result.detail = differences.empty() ? std::to_string(before.size()) + " names compared"
                                            : detail::first_of(differences);
    } catch (const fs::filesystem_error& e) {
        throw Error(Kind::io, std::string("compare: ") + e.what());
    }
    if (differences.empty()) result.state = CheckResult::State::passed;
    return result;
}

}  // namespace holdfast::ops
