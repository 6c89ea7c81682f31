// ops/hash_objects.hpp - are the bytes of objects what their names say? On all cores, each object once.
#pragma once

#include <tbb/parallel_for.h>

#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "holdfast/base/progress.hpp"
#include "holdfast/store/hash_file.hpp"
#include "holdfast/store/repository.hpp"

namespace holdfast::ops {

enum class ObjectState {
    whole,
    missing,
    damaged,    // no file, or its bytes are not those of its name, or the disk cannot give them
    unreadable  // this process may not look
};

struct ObjectLook {
    ObjectState state = ObjectState::whole;
    std::string why;  // of any state but whole
    std::uint64_t stored_bytes = 0;
};

/// `buffer` is scratch. Throws: interrupted.
inline ObjectLook look_at_object(const Repository& repository, const Digest& name, Bytes& buffer) {
    const std::string path = repository.object(name).string();
    // A FIFO of that name must not hold us up.
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!fd && errno == ENOENT) return {ObjectState::missing, "is missing", 0};
    if (!fd && errno == ELOOP) return {ObjectState::damaged, "is a link, not an object file", 0};
    if (!fd) return {ObjectState::unreadable, OsError(errno, "cannot be opened").what(), 0};
    try {
        const struct stat st = stat_fd(fd.get(), "stat " + in_quotes(path));
        if (!S_ISREG(st.st_mode)) return {ObjectState::damaged, "is not an object file", 0};
        const auto size = static_cast<std::uint64_t>(st.st_size);
        if (hash_file(fd.get(), in_quotes(path), buffer) == name) return {ObjectState::whole, "", size};
        return {ObjectState::damaged, "is damaged: its bytes do not hash to its name", size};
    } catch (const OsError& e) {
        return {e.number() == EIO ? ObjectState::damaged : ObjectState::unreadable, e.what(), 0};
    }
}

struct BadObject {
    Digest name;
    ObjectState state;
    std::string why;
};

struct HashedObjects {
    std::vector<Digest> whole;  // in no order
    std::vector<BadObject> bad;
    std::uint64_t stored_bytes = 0;
};

/// Adds what it finds to `out`. Once `is_over` says so no further object is begun; the first one always is.
/// Throws: interrupted.
inline void hash_objects(const Repository& repository, std::span<const Digest> names, HashedObjects& out,
                         Progress& progress, const std::function<bool()>& is_over = {}) {
    std::mutex mutex;
    tbb::parallel_for(std::size_t{0}, names.size(), [&](std::size_t i) {
        check_interrupted();
        if (i != 0 && is_over && is_over()) return;
        thread_local Bytes buffer;
        ObjectLook look = look_at_object(repository, names[i], buffer);
        progress.add(look.stored_bytes);
        const std::lock_guard guard(mutex);
        out.stored_bytes += look.stored_bytes;
        if (look.state == ObjectState::whole)
            out.whole.push_back(names[i]);
        else
            out.bad.push_back({names[i], look.state, std::move(look.why)});
    });
}

}  // namespace holdfast::ops
