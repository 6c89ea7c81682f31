// store/own_prunes.hpp - which snapshots this host pruned, kept outside the repository.
//
// Who removes a snapshot from the storage can write into the ledger that it was pruned. So a host knows its own prunes, since
// it began to count them; those of others it can tell, and judge. A small text file: "from <bytes of the ledger then>", and ids.
#pragma once

#include <set>
#include <string>

#include "holdfast/base/units.hpp"
#include "holdfast/store/ledger.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast {

class OwnPrunes {
public:
    /// Without a file, or with one that cannot be read, no prune is foreign.
    explicit OwnPrunes(const Repository& repository)
        : path_(host_state_folder() / (repository.id() + ".pruned")) {
        std::string text;
        try {
            text = read_file_if_any(path_, 1_GiB).value_or("");
        } catch (const Error&) {
            return;
        }
        for (const std::string_view line : split(text, '\n')) {
            if (line.starts_with("from ")) from_ = parse_number<std::uint64_t>(line.substr(5));
            if (is_snapshot_id(line)) ids_.emplace(line);
        }
    }
    bool has_begun() const { return from_.has_value(); }

    /// From here on every prune that the ledger names must be in this memory. Throws: io.
    void begin(const Repository& repository) {
        struct stat st {};
        from_ = ::stat(repository.ledger().c_str(), &st) == 0 ? static_cast<std::uint64_t>(st.st_size) : 0;
        ids_.clear();
        save();
    }
    /// Before they are removed: that a prune was meant is no harm. Throws: io.
    void add(const std::vector<std::string>& ids) {
        if (ids.empty()) return;
        ids_.insert(ids.begin(), ids.end());
        save();
    }

    /// Called with every line of the ledger.
    void note(const LedgerLine& line) {
        if (line.event == "pruned" && from_ && line.begin >= *from_ && !ids_.contains(line.snapshot))
            foreign_.insert(line.snapshot);
        if (line.event == "undeleted") foreign_.erase(line.snapshot);
    }
    /// Pruned, by the lines so far, but not by this host.
    const std::set<std::string>& foreign() const { return foreign_; }

private:
    void save() const {
        make_directories(path_.parent_path());
        std::string text = "from " + std::to_string(from_.value_or(0)) + "\n";
        for (const std::string& id : ids_) text += id + "\n";
        publish_file(path_, as_bytes(text));
    }

    fs::path path_;
    std::optional<std::uint64_t> from_;
    std::set<std::string> ids_, foreign_;
};

}  // namespace holdfast
