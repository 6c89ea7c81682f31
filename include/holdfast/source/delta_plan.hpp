// source/delta_plan.hpp - which files of a Delta table's log say what is live.
//
// Commits alone if they reach from version 0 to the end, otherwise the newest checkpoint of which all files
// are there, and the commits after it. A checkpoint that turns out to be unreadable is rejected, and the one
// before it takes its place if commits lead from it to what the newer one knew. Pure: it is fed names.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/error.hpp"
#include "holdfast/source/delta_names.hpp"

namespace holdfast {

class DeltaPlan {
public:
    using Checkpoint = std::pair<std::uint64_t, std::string>;  // its version and its set

    /// Versions must ascend.
    void saw_commit(std::uint64_t version) {
        if (!first_commit_) first_commit_ = version;
        has_gap_ = has_gap_ || (last_commit_ && version != *last_commit_ + 1);
        last_commit_ = version;
    }
    void saw_checkpoint(const DeltaCheckpoint& file) {
        Files& files = checkpoints_[{file.version, file.set}];
        files.wanted = file.files;
        ++files.seen;
    }
    /// Call once all files were seen.
    void choose() {
        std::string lacking;
        std::uint64_t version = 0;
        for (auto at = checkpoints_.begin(); at != checkpoints_.end();) {
            const Files files = at->second;
            if (files.seen == files.wanted) {
                ++at;
                continue;
            }
            version = at->first.first;
            lacking = std::to_string(files.wanted - files.seen) + " of its " + std::to_string(files.wanted) +
                      " files are missing";
            at = checkpoints_.erase(at);
        }
        const bool reaches = checkpoints_.empty() || last_commit_ >= checkpoints_.rbegin()->first.first;
        if (first_commit_ == 0U && !has_gap_ && reaches)
            checkpoints_.clear();
        else if (checkpoints_.empty() && !lacking.empty())
            rejected_.push_back({version, lacking, Kind::corrupt});
    }

    /// The checkpoint to start from; nothing: commits alone.
    const Checkpoint* base() const noexcept {
        return checkpoints_.empty() ? nullptr : &checkpoints_.rbegin()->first;
    }
    bool wants_commit(std::uint64_t version) const noexcept {
        return base() == nullptr || version > base()->first;
    }
    /// base() cannot be read, for that reason. Kind::corrupt is damage, any other only means not checked.
    void reject(const Error& why) {
        rejected_.push_back({base()->first, why.what(), why.kind()});
        checkpoints_.erase(std::prev(checkpoints_.end()));
        const std::uint64_t newest = rejected_.front().version;
        const bool reaches = last_commit_ >= newest || (base() != nullptr && base()->first == newest);
        if (!reaches || rejected_.size() == kTries) checkpoints_.clear();
    }

    /// Damage that nothing makes up for.
    std::vector<std::string> warnings() const {
        std::vector<std::string> all;
        for (const Rejected& r : rejected_)
            if (r.kind == Kind::corrupt && base() == nullptr) all.push_back(text(r));
        return all;
    }
    std::vector<std::string> notes() const {
        std::vector<std::string> all;
        for (const Rejected& r : rejected_) {
            if (base() != nullptr)
                all.push_back(text(r) + "; that of version " + std::to_string(base()->first) + " was used");
            else if (r.kind != Kind::corrupt)
                all.push_back(text(r) + "; files that only it names are not checked");
        }
        return all;
    }

private:
    static constexpr std::size_t kTries = 3;

    struct Files {
        std::uint64_t wanted = 0, seen = 0;
    };
    struct Rejected {
        std::uint64_t version;
        std::string why;
        Kind kind;
    };
    static std::string text(const Rejected& r) {
        return "the checkpoint of version " + std::to_string(r.version) + " cannot be read: " + r.why;
    }

    std::optional<std::uint64_t> first_commit_, last_commit_;
    bool has_gap_ = false;
    std::map<Checkpoint, Files> checkpoints_;
    std::vector<Rejected> rejected_;  // newest first
};

}  // namespace holdfast
