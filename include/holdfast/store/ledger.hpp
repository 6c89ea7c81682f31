// store/ledger.hpp - the append-only history of a repository, one JSON object per line.
//
// Each line carries the SHA-256 of the line before, so a removed or changed line shows, and so does a snapshot that
// vanished without having been pruned. Appending takes an exclusive flock on the file itself and syncs. A ledger that was
// put back from an older copy is a whole chain: only what this host remembers of it outside the repository can tell.
#pragma once

#include <functional>
#include <string>

#include "holdfast/base/clock.hpp"
#include "holdfast/store/recipe.hpp"
#include "holdfast/store/repository.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast {

struct LedgerLine {
    std::uint64_t line = 0;
    std::string event;     // created, snapshot, verified, restored, pruned …
    std::string snapshot;  // empty where none is meant
    Json json;
    std::uint64_t begin = 0;  // bytes of the ledger before it
};

inline constexpr std::size_t kMaxLedgerLine = 64_KiB;

/// Is the line still where it was? What was appended since does not matter. Throws: io.
inline bool holds_mark(int ledger, const LedgerMark& mark) {
    const std::string doing = "read the ledger";
    if (mark.bytes == 0 || mark.bytes > static_cast<std::uint64_t>(stat_fd(ledger, doing).st_size))
        return false;
    Bytes tail(std::min<std::uint64_t>(mark.bytes, kMaxLedgerLine + 1));
    pread_full(ledger, tail, mark.bytes - tail.size(), doing);
    std::string_view text = as_text(tail);
    if (!text.ends_with('\n')) return false;
    text.remove_suffix(1);
    const std::size_t begin = text.rfind('\n');
    return sha256(begin == std::string_view::npos ? text : text.substr(begin + 1)) == mark.line;
}

/// Why the ledger is not the one this host remembers; nothing if it is, or is missing. Throws: io.
inline std::optional<std::string> contradicts_ledger(const Repository& repository, const HostState& state) {
    const UniqueFd fd{::open(repository.ledger().c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd || !state.ledger || holds_mark(fd.get(), *state.ledger)) return std::nullopt;
    return "lacks lines that this host wrote (pins may be among them): put ledger.jsonl back from another "
           "copy, or "
           "take it as it is with prune --damaged-history-is-fine";
}

/// Holds the ledger exclusively: between construction and destruction no other run can append, so a run that numbers its
/// snapshot does it here. Throws: busy, io, corrupt (the last line is not one of ours).
class LedgerWriter {
public:
    LedgerWriter(const fs::path& path, std::chrono::seconds budget)
        : path_(path.string()), lock_(path_, LockMode::exclusive, budget), fd_(open_fd(path_, O_RDWR)) {
        const auto size = static_cast<std::uint64_t>(stat_fd(fd_.get(), "stat '" + path_ + "'").st_size);
        Bytes tail(std::min<std::uint64_t>(size, kMaxLedgerLine));
        pread_full(fd_.get(), tail, size - tail.size(), "read '" + path_ + "'");
        std::string_view text = as_text(tail);
        const std::size_t end = text.rfind('\n');
        // A line without its newline was never acknowledged: a crash cut it off.
        end_ = end == std::string_view::npos ? 0 : size - text.size() + end + 1;
        if (end == std::string_view::npos && size > 0)
            throw Error(Kind::corrupt, "'" + path_ + "' does not end in a ledger line; nothing was appended",
                        "put the ledger back from another copy of the repository");
        if (end == std::string_view::npos) return;
        text = text.substr(0, end);
        const std::size_t begin = text.rfind('\n');
        if (begin == std::string_view::npos && size > kMaxLedgerLine)
            throw Error(Kind::corrupt, "the last line of '" + path_ + "' is too long; nothing was appended",
                        "put the ledger back from another copy of the repository");
        previous_ = sha256(begin == std::string_view::npos ? text : text.substr(begin + 1)).hex();
    }

    LedgerWriter(const Repository& repository, std::chrono::seconds budget)
        : LedgerWriter(repository.ledger(), budget) {
        repository_ = &repository;
        try {
            if (const auto state = read_state(repository); state && state->ledger)
                if (!holds_mark(fd_.get(), *state->ledger)) lost_ = state->ledger;
        } catch (const Error&) {
            return;  // whoever compares the whole state reports it
        }
    }

    /// Remembers what it wrote, outside the repository. Best effort: an older memory is no false one. The ledger is still
    /// locked here, so memories follow each other as the lines do.
    ~LedgerWriter() {
        if (repository_ == nullptr || !is_news_) return;
        try {
            std::optional<HostState> state = read_state(*repository_);
            if (!state || state->ledger == memory()) return;
            state->ledger = memory();
            write_state(*repository_, *state);
        } catch (const std::exception&) {
            return;
        }
    }
    LedgerWriter(const LedgerWriter&) = delete;
    LedgerWriter& operator=(const LedgerWriter&) = delete;

    /// What the host's state file should remember: the last line, but as long as a remembered one is missing, that one.
    std::optional<LedgerMark> memory() const {
        const auto last = Digest::parse(previous_);
        return lost_ || !last ? lost_ : LedgerMark{end_, *last};
    }
    /// The same for who writes the state file: it is not written again here, least of all after a failure.
    std::optional<LedgerMark> take_memory() {
        is_news_ = false;
        return memory();
    }
    /// Lines that are missing shall be forgotten.
    void accept_losses() {
        lost_.reset();
        is_news_ = true;
    }

    /// One line to come; empty `snapshot` where none is meant.
    struct Entry {
        std::string event, snapshot;
        Json details = Json::object();
    };

    /// Adds the lines and returns when they are on stable storage; after an error none is there. Throws: io.
    void append(const std::vector<Entry>& entries) {
        if (entries.empty()) return;
        std::string text, previous = previous_;
        for (const Entry& entry : entries) {
            Json json;
            json["time_utc"] = format_utc(now_utc());
            json["event"] = entry.event;
            if (!entry.snapshot.empty()) json["snapshot"] = entry.snapshot;
            for (const auto& [key, value] : entry.details.items()) json[key] = value;
            json["previous"] = previous;
            const std::string line = dump_json(json);
            if (line.size() > kMaxLedgerLine)
                throw Error(Kind::usage,
                            "a line of the ledger would be longer than " + format_bytes(kMaxLedgerLine) +
                                "; nothing was appended",
                            "say it in fewer words");
            previous = sha256(line).hex();
            text += line + "\n";
        }
        const std::string doing = "append to '" + path_ + "'";
        if (::ftruncate(fd_.get(), static_cast<off_t>(end_)) != 0 ||
            ::lseek(fd_.get(), static_cast<off_t>(end_), SEEK_SET) < 0)
            throw_os(doing);
        try {
            write_full(fd_.get(), as_bytes(text), doing);
            sync_fd(fd_.get(), doing);
        } catch (const Error&) {
            [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), static_cast<off_t>(end_));
            throw;
        }
        end_ += text.size();
        previous_ = previous;
        is_news_ = true;
    }
    void append(const std::string& event, const std::string& snapshot, const Json& details = Json::object()) {
        append({Entry{event, snapshot, details}});
    }

private:
    std::string path_;
    FileLock lock_;
    UniqueFd fd_;
    std::uint64_t end_ = 0;
    std::string previous_;  // empty before the first line
    const Repository* repository_ = nullptr;
    std::optional<LedgerMark> lost_;  // remembered, and not there any more
    bool is_news_ = false;            // for the memory
};

struct LedgerReport {
    std::uint64_t lines = 0;
    std::vector<std::string> findings;
};

/// Visits every line and checks the chain; a torn last line is no finding. Throws: io.
inline LedgerReport read_ledger(const Repository& repository,
                                const std::function<void(const LedgerLine&)>& visit) {
    LedgerReport report;
    std::optional<std::string> text = read_file_if_any(repository.ledger(), 1_GiB);
    if (!text) {
        report.findings.push_back("the ledger is missing");
        return report;
    }
    std::string_view rest = *text;
    std::string previous;
    for (;;) {
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) break;
        const std::string_view line = rest.substr(0, end);
        const std::uint64_t begin = text->size() - rest.size();
        rest.remove_prefix(end + 1);
        ++report.lines;
        const std::string where = "ledger line " + std::to_string(report.lines);
        try {
            const Json json = parse_json(line, where);
            const JsonFields fields(json, where);
            if (fields.text("previous") != previous)
                report.findings.push_back(where + " does not follow the line before it");
            if (report.lines == 1 && fields.text("event") != "created")
                report.findings.push_back(
                    "the ledger does not begin with the repository's creation: lines are missing");
            visit({report.lines, fields.text("event"), fields.text_or("snapshot", ""), json, begin});
        } catch (const Error& e) {
            report.findings.push_back(e.what());
        }
        previous = sha256(line).hex();
    }
    if (report.lines == 0) report.findings.push_back("the ledger holds no whole line");
    return report;
}

}  // namespace holdfast
