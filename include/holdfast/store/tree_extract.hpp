// store/tree_extract.hpp - restores a tree from its tar stream and index, or verifies that it would.
//
// Both read the stream once and hold every record against the index; see tree_match.hpp for what they refuse
// and tree_writer.hpp for how entries are made. A failed extraction leaves a partial tree in the staging
// directory, which the caller throws away.
#pragma once

#include <sys/xattr.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/disk.hpp"
#include "holdfast/store/tree_match.hpp"
#include "holdfast/store/tree_select.hpp"
#include "holdfast/store/tree_writer.hpp"

namespace holdfast {

/// Every entry under its own name.
inline WantedSource want_all(EntrySource entries) {
    return [entries = std::move(entries)]() -> std::optional<WantedEntry> {
        auto entry = entries();
        if (!entry) return std::nullopt;
        WantedEntry wanted{*std::move(entry), {}, {}};
        wanted.path = wanted.entry.path;
        wanted.link = wanted.entry.link;
        return wanted;
    };
}

/// Makes the wanted entries in `staging`, an empty directory of the caller's own. `tar` yields their records
/// in stream order: the whole stream, or ranges_of() the same selection. Throws: refused (not empty),
/// corrupt, io, interrupted.
inline ExtractReport extract_tree(PullBytes tar, const WantedSource& wanted,
                                  const std::filesystem::path& staging, const ExtractOptions& options = {}) {
    if (!list_directory(staging).empty())
        throw Error(Kind::refused, "the staging directory " + in_quotes(staging.string()) + " is not empty");
    // A default ACL of the staging directory would become part of everything made in it.
    if (::removexattr(staging.c_str(), kDefaultAcl) != 0 && errno != ENODATA && errno != ENOTSUP)
        throw_os("prepare " + in_quotes(staging.string()));
    const auto open_top = [&] { return open_fd(staging.string(), O_PATH | O_DIRECTORY | O_NOFOLLOW); };
    ExtractReport report;
    TreeWriter writer(open_top(), open_top(), options, report);
    match_tree(std::move(tar), wanted, writer);
    writer.finish();
    return report;
}

struct TreeVerifyReport {
    static constexpr std::size_t kMaxListed = 1000;  // the count goes on

    std::uint64_t files = 0;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    std::vector<TreeFinding> findings;
    std::uint64_t finding_count = 0;
};

/// Reads the stream as extract_tree() does and writes nothing. A bad digest is a finding, and so is a stream that
/// is not what the index says: then the rest of it was not looked at. Throws what `tar` and `wanted` throw
/// unless it is Kind::corrupt.
inline TreeVerifyReport verify_tree(PullBytes tar, const WantedSource& wanted) {
    class Counter final : public TreeVisitor {
    public:
        TreeVerifyReport report;
        std::string at;
        void begin(const WantedEntry& w, const TarEntry&) override {
            at = w.entry.path;
            ++report.entries;
        }
        void data(std::uint64_t, ByteSpan bytes) override { report.bytes += bytes.size(); }
        void end(const WantedEntry& w) override { report.files += w.entry.type == EntryType::file ? 1 : 0; }
        void bad_content(const WantedEntry& w, const std::string& why) override { find(w.entry.path, why); }
        void find(const std::string& path, const std::string& what) {
            if (++report.finding_count <= TreeVerifyReport::kMaxListed)
                report.findings.push_back({path, what});
        }
    } counter;
    try {
        match_tree(std::move(tar), wanted, counter);
    } catch (const Error& e) {
        if (e.kind() != Kind::corrupt) throw;
        counter.find(counter.at, e.what());
    }
    return std::move(counter.report);
}

}  // namespace holdfast
