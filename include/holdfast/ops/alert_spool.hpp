// ops/alert_spool.hpp - alerts wait here until their channel has taken them; nothing is lost by a crash or a full disk.
//
// One file of JSON lines per channel, oldest first. An alert is on stable storage before anybody tries to send it, and leaves
// after it was taken: killed in between, it is sent twice under one id. A reserve of real blocks is given up when the disk
// is full; what was taken is crossed out in place then. Adding waits for nobody who is sending. What a receiver refused for
// what it is lies in a file of its own, until somebody looks.
#pragma once

#include "holdfast/base/disk.hpp"
#include "holdfast/base/lock.hpp"
#include "holdfast/policy/alert.hpp"

namespace holdfast::ops {

inline constexpr std::uint64_t kAlertReserveBytes = 256_KiB, kMaxSpoolBytes = 256_MiB;

namespace detail {

/// Makes the file if it is not there. Throws: io, busy.
inline FileLock lock_spool_file(const std::string& path, std::chrono::seconds wait) {
    const UniqueFd made{::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!made) throw_os("open " + in_quotes(path));
    return FileLock(path, LockMode::exclusive, wait);
}

inline bool is_full(const OsError& e) { return e.number() == ENOSPC || e.number() == EDQUOT; }

/// Does `body`; on a full disk again, without the reserve. Returns whether that was needed.
template <class Body>
bool with_alert_reserve(const fs::path& folder, Body body) {
    try {
        body();
        return false;
    } catch (const OsError& e) {
        std::error_code error;
        if (!is_full(e) || !fs::remove(folder / "reserve", error)) throw;
        sync_directory(folder);
        body();
        return true;
    }
}

/// Takes back the blocks for the next full disk; silent if there is no space.
inline void keep_alert_reserve(const fs::path& folder) noexcept {
    try {
        const fs::path reserve = folder / "reserve";
        struct stat st {};
        if (::lstat(reserve.c_str(), &st) == 0 &&
            static_cast<std::uint64_t>(st.st_size) == kAlertReserveBytes)
            return;
        publish_file(reserve, Bytes(kAlertReserveBytes, std::byte{1}));
    } catch (const std::exception&) {
        std::error_code ignored;
        fs::remove(folder / "reserve", ignored);
    }
}

}  // namespace detail

class AlertSpool {
public:
    struct Content {
        std::vector<Alert> waiting;  // oldest first
        std::size_t damaged = 0;     // lines that cannot be read
        std::size_t refused = 0;     // set aside
    };

    /// Makes the folder if it is not there. Throws: io.
    AlertSpool(const fs::path& folder, const std::string& channel)
        : folder_(folder), path_(folder / (channel + ".jsonl")),
          refused_path_(folder / (channel + ".refused.jsonl")),
          lock_path_((folder / (channel + ".lock")).string()),
          sending_path_((folder / (channel + ".sending")).string()) {
        make_directories(folder_);
    }

    /// Throws: io, busy.
    Content read() const {
        const FileLock lock = detail::lock_spool_file(lock_path_, kShort);
        return read_locked();
    }

    /// Durable when it returns. Throws: refused (full), io, busy.
    void add(const Alert& alert, std::uint64_t most) const {
        const FileLock lock = detail::lock_spool_file(lock_path_, kShort);
        const std::size_t count = read_locked().waiting.size();
        if (count >= most)
            throw Error(Kind::refused,
                        std::to_string(count) + " alerts wait in " + in_quotes(path_.string()) +
                            ", the most there may be; this one is not kept: " + printable(alert.title),
                        "see why they are not delivered: alert buffer-status");
        const std::string line = dump_json(alert_json(alert)) + "\n";
        if (!detail::with_alert_reserve(folder_, [&] { append(path_, line); }))
            detail::keep_alert_reserve(folder_);
    }

    /// The first `n` were taken; what came since stays, and so does what cannot be read. Throws: io, busy.
    void remove_first(std::size_t n) const {
        const FileLock lock = detail::lock_spool_file(lock_path_, kShort);
        remove_locked(n);
    }

    /// Whoever holds it is the only one that delivers: so the order stays. Throws: busy, io.
    FileLock lock_sending(std::chrono::seconds wait) const {
        return detail::lock_spool_file(sending_path_, wait);
    }

    /// The first one goes to those that were refused. Throws: refused (too many there), io, busy.
    void set_aside_first(std::uint64_t most) const {
        const FileLock lock = detail::lock_spool_file(lock_path_, kShort);
        const Content content = read_locked();
        if (content.waiting.empty()) return;
        if (content.refused >= most)
            throw Error(Kind::refused,
                        std::to_string(content.refused) + " refused alerts lie in " +
                            in_quotes(refused_path_.string()) + ", the most there may be",
                        "see why they are refused, then alert flush --refused, or remove that file");
        detail::with_alert_reserve(
            folder_, [&] { append(refused_path_, dump_json(alert_json(content.waiting.front())) + "\n"); });
        remove_locked(1);
    }

    /// What was refused waits again, after what waits already. Throws: io, busy.
    void put_back() const {
        const FileLock lock = detail::lock_spool_file(lock_path_, kShort);
        const auto text = read_file_if_any(refused_path_, kMaxSpoolBytes);
        if (!text) return;
        if (!text->empty()) detail::with_alert_reserve(folder_, [&] { append(path_, *text); });
        if (::unlink(refused_path_.c_str()) != 0) throw_os("remove " + in_quotes(refused_path_.string()));
        sync_directory(folder_);
    }

private:
    static constexpr std::chrono::seconds kShort{10};  // nobody holds it for long

    struct Line {
        std::size_t begin, size;  // without its newline
        std::optional<Alert>
            alert;  // none: cut off by a crash, so never acknowledged, or changed by somebody
    };

    /// All but empty ones, which were crossed out.
    static std::vector<Line> lines_of(std::string_view text) {
        std::vector<Line> out;
        std::size_t begin = 0;
        for (const std::string_view line : split(text, '\n')) {
            if (!line.empty()) {
                out.push_back({begin, line.size(), std::nullopt});
                try {
                    out.back().alert = parse_alert(line);
                } catch (const Error&) {  // it is counted
                }
            }
            begin += line.size() + 1;
        }
        return out;
    }

    Content read_locked() const {
        Content out;
        const std::string text = read_file_if_any(path_, kMaxSpoolBytes).value_or("");
        for (Line& line : lines_of(text))
            if (line.alert)
                out.waiting.push_back(*std::move(line.alert));
            else
                ++out.damaged;
        out.refused = lines_of(read_file_if_any(refused_path_, kMaxSpoolBytes).value_or("")).size();
        return out;
    }

    void remove_locked(std::size_t n) const {
        const std::string text = read_file_if_any(path_, kMaxSpoolBytes).value_or("");
        std::vector<Line> taken;
        std::string rest;
        for (const Line& line : lines_of(text))
            if (line.alert && taken.size() < n)
                taken.push_back(line);
            else
                rest += text.substr(line.begin, line.size) + "\n";
        if (taken.empty()) return;
        if (rest.empty()) return empty_file();
        try {
            publish_file(path_, as_bytes(rest));
        } catch (const OsError& e) {
            if (!detail::is_full(e)) throw;
            cross_out(taken);  // the reserve is for what is new
        }
    }

    void empty_file() const {
        const UniqueFd fd = open_fd(path_.string(), O_WRONLY);
        if (::ftruncate(fd.get(), 0) != 0) throw_os("empty " + in_quotes(path_.string()));
        sync_fd(fd.get(), "sync " + in_quotes(path_.string()));
    }

    /// Newlines over what they were: it needs no space. A crash on the way leaves some of them to be sent again.
    void cross_out(const std::vector<Line>& lines) const {
        const std::string doing = "cross out in " + in_quotes(path_.string());
        const UniqueFd fd = open_fd(path_.string(), O_WRONLY | O_NOFOLLOW);
        for (const Line& line : lines) {
            if (::lseek(fd.get(), static_cast<off_t>(line.begin), SEEK_SET) < 0) throw_os(doing);
            write_full(fd.get(), as_bytes(std::string(line.size, '\n')), doing);
        }
        sync_fd(fd.get(), doing);
    }

    void append(const fs::path& path, const std::string& line) const {
        std::error_code unknown;
        const bool is_new = !fs::exists(path, unknown);
        const std::string doing = "append to " + in_quotes(path.string());
        UniqueFd fd = open_fd(path.string(), O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
        const auto size = static_cast<std::uint64_t>(stat_fd(fd.get(), doing).st_size);
        std::string text = line;
        std::array<std::byte, 1> last{};
        if (size > 0 && pread_full(fd.get(), last, size - 1, doing) == 1 && last[0] != std::byte{'\n'})
            text = "\n" + line;  // after a line that a crash cut off
        if (::lseek(fd.get(), static_cast<off_t>(size), SEEK_SET) < 0) throw_os(doing);
        try {
            write_full(fd.get(), as_bytes(text), doing);
            sync_fd(fd.get(), doing);
        } catch (const Error&) {
            [[maybe_unused]] const int cut = ::ftruncate(fd.get(), static_cast<off_t>(size));
            throw;
        }
        if (is_new) sync_directory(folder_);
    }

    fs::path folder_, path_, refused_path_;
    std::string lock_path_, sending_path_;
};

}  // namespace holdfast::ops
