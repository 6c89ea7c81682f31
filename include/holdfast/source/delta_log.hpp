// source/delta_log.hpp - does a captured Delta Lake table have the data files that its log names?
//
// Pure: it is fed a checkpoint or none, the text of the JSON commits after it in version order, and then the
// paths and sizes of what was captured. What only older versions name is not known (a note says so), nor are
// deletion vectors and files that the log names by an absolute URI. Lines are bounded by kMaxDeltaLine, live
// files by kMaxDeltaFiles and kMaxDeltaPaths; beyond them the table is not checked, and a note says that.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/base/bytes.hpp"
#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/source/delta_names.hpp"
#include "holdfast/wrap/json.hpp"

namespace holdfast {

inline constexpr std::size_t kMaxDeltaLine = 16_MiB;      // one action; statistics make it long
inline constexpr std::size_t kMaxDeltaFiles = 4'000'000;  // some 150 bytes each
inline constexpr std::uint64_t kMaxDeltaPaths = 1_GiB;  // all their paths: a checkpoint can repeat long ones
inline constexpr std::size_t kMaxDeltaSidecars = 100'000;

/// Undoes %41; nothing if an escape is broken.
inline std::optional<std::string> decode_percent(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned value = 0;
        const char* end = text.data() + std::min(text.size(), i + 3);
        const auto [stop, error] = std::from_chars(text.data() + i + 1, end, value, 16);
        if (error != std::errc{} || stop != text.data() + i + 3) return std::nullopt;
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

struct DeltaFile {
    std::string path;  // relative to the table
    std::uint64_t bytes;
};

class DeltaLog {
public:
    /// Starts a file of the checkpoint of that version, before any commit: add_file(), add_sidecar() and, for
    /// JSON, feed() take what it holds. Unlike in a commit, what cannot be read is thrown (corrupt).
    void begin_checkpoint(std::uint64_t version) {
        version_ = version;
        next_version_ = version + 1;
        in_checkpoint_ = true;
    }
    /// Throws: corrupt.
    void add_file(std::string_view uri, std::uint64_t bytes) {
        const auto path = relative_path(uri);
        if (path) make_live(*path, bytes);
    }
    /// A file that is part of the checkpoint too. Throws: corrupt.
    void add_sidecar(std::string_view uri) {
        const auto name = decode_percent(uri.substr(uri.rfind('/') + 1));  // it always lies in _sidecars/
        if (!name || name->empty() || name->size() > 255)
            throw Error(Kind::corrupt, "a sidecar has an impossible name");
        sidecars_.insert(*name);
        if (sidecars_.size() > kMaxDeltaSidecars)
            throw Error(Kind::refused, "it has more than " + std::to_string(kMaxDeltaSidecars) + " sidecars");
    }
    /// Names in _delta_log/_sidecars/.
    const std::set<std::string>& sidecars() const noexcept { return sidecars_; }

    /// Starts a commit; versions must ascend.
    void begin_commit(std::uint64_t version) {
        if (!next_version_) {
            if (version != 0)
                notes_.push_back("the log starts at version " + std::to_string(version) +
                                 ", with no readable checkpoint: files that only older versions name are not "
                                 "checked");
        } else if (version != *next_version_) {
            warnings_.push_back(version < *next_version_
                                    ? "version " + std::to_string(version) + " comes out of order"
                                    : "version " + std::to_string(*next_version_) +
                                          " is missing from the log");
        }
        next_version_ = version + 1;
        version_ = version;
        in_checkpoint_ = false;
    }
    /// Any piece of the text of a commit or of a JSON checkpoint.
    void feed(ByteSpan bytes) {
        std::string_view text = as_text(bytes);
        for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;
             text.remove_prefix(end + 1)) {
            keep(text.substr(0, end));
            end_line();
        }
        keep(text);
    }
    /// Ends the text.
    void end_commit() {
        end_line();  // the last line needs no newline
        // Within a commit a file may be removed and added again with another deletion vector, in either order.
        for (const std::string& path : std::exchange(removed_, {}))
            if (live_.erase(path) != 0) path_bytes_ -= path.size();
        for (const auto& [path, bytes] : std::exchange(added_, {})) make_live(path, bytes);
    }

    /// A captured file; `path` is relative to the table.
    void captured(const std::string& path, std::uint64_t bytes) {
        const auto at = live_.find(path);
        if (at == live_.end()) return;
        at->second.was_captured = true;
        if (at->second.bytes != bytes)
            warnings_.push_back(in_quotes(path) + " has " + std::to_string(bytes) + " bytes, the log says " +
                                std::to_string(at->second.bytes));
    }

    std::vector<DeltaFile> live_files() const {
        std::vector<DeltaFile> files;
        for (const auto& [path, file] : live_) files.push_back({path, file.bytes});
        return files;
    }
    /// Call after all captured(): what is wrong, missing files included.
    std::vector<std::string> warnings() const {
        std::vector<std::string> all = warnings_;
        for (const auto& [path, file] : live_)
            if (!file.was_captured) all.push_back(in_quotes(path) + " is named by the log and missing");
        return all;
    }
    const std::vector<std::string>& notes() const noexcept { return notes_; }

private:
    struct Live {
        std::uint64_t bytes;
        bool was_captured;
    };

    void keep(std::string_view piece) {
        if (has_given_up_) return;
        if (line_.size() + piece.size() > kMaxDeltaLine)
            return give_up("version " + std::to_string(version_) + " has a line of more than 16 MiB");
        line_ += piece;
    }
    void end_line() {
        const std::string line = std::exchange(line_, {});
        if (has_given_up_ || line.find_first_not_of(" \t\r") == std::string::npos) return;
        try {
            const Json action = parse_json(line, "delta log version " + std::to_string(version_));
            const JsonFields fields{action, "delta log action"};
            if (const Json* add = fields.find("add")) take_add(JsonFields{*add, "add action"});
            if (const Json* remove = fields.find("remove"))
                if (const auto path = relative_path(JsonFields{*remove, "remove action"}.text("path")))
                    removed_.push_back(*path);
            if (const Json* sidecar = in_checkpoint_ ? fields.find("sidecar") : nullptr)
                add_sidecar(JsonFields{*sidecar, "sidecar action"}.text("path"));
        } catch (const Error& e) {
            if (in_checkpoint_) throw;
            warnings_.push_back("version " + std::to_string(version_) + " cannot be read: " + e.what());
        }
    }
    void take_add(const JsonFields& add) {
        const auto path = relative_path(add.text("path"));
        if (path) added_.emplace_back(*path, add.number("size"));
        if (added_.size() > kMaxDeltaFiles) give_up("one commit adds too many files");
    }
    /// Nothing for an absolute URI, as shallow clones have.
    std::optional<std::string> relative_path(std::string_view uri) {
        const auto path = decode_percent(uri);
        if (!path) throw Error(Kind::corrupt, in_quotes(uri.substr(0, 200)) + " is not a valid URI");
        const std::size_t colon = uri.find(':');
        if (uri.starts_with('/') || (colon != std::string_view::npos && uri.find('/') > colon)) {
            if (!std::exchange(has_foreign_, true))
                notes_.push_back("the log names files outside of the table, which are not checked");
            return std::nullopt;
        }
        return path;
    }
    void make_live(const std::string& path, std::uint64_t bytes) {
        if (has_given_up_) return;
        if (live_.insert_or_assign(path, Live{bytes, false}).second) path_bytes_ += path.size();
        if (live_.size() > kMaxDeltaFiles)
            give_up("the table has more than " + std::to_string(kMaxDeltaFiles) + " files");
        if (path_bytes_ > kMaxDeltaPaths)
            give_up("the paths of the table's files are longer than " + format_bytes(kMaxDeltaPaths));
    }
    void give_up(const std::string& why) {
        if (std::exchange(has_given_up_, true)) return;
        notes_.push_back(why + ": the table is not checked");
        live_.clear();
        added_.clear();
        removed_.clear();
        warnings_.clear();
        line_.clear();
    }

    std::optional<std::uint64_t> next_version_;
    std::uint64_t version_ = 0;
    std::string line_;
    std::vector<std::pair<std::string, std::uint64_t>> added_;
    std::vector<std::string> removed_;
    std::map<std::string, Live> live_;
    std::uint64_t path_bytes_ = 0;  // of live_
    std::set<std::string> sidecars_;
    bool in_checkpoint_ = false;
    std::vector<std::string> warnings_;
    std::vector<std::string> notes_;
    bool has_foreign_ = false;
    bool has_given_up_ = false;
};

}  // namespace holdfast
