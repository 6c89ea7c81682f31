// ops/alert_damping.hpp - what was last said about each key, kept beside the alerts that wait.
//
// Whoever decides about an alert holds the lock until it is kept: two runs at once forget nothing of each other.
#pragma once

#include <map>

#include "holdfast/ops/alert_spool.hpp"

namespace holdfast::ops {

class AlertDamping {
public:
    /// Makes the folder if it is not there.
    explicit AlertDamping(const fs::path& spool) : spool_(spool) {
        try {  // no channel has a name with a dot
            make_directories(spool);
            lock_.emplace(detail::lock_spool_file((spool / ".damping.lock").string(), kWait));
        } catch (const Error&) {  // somebody hangs, say: better an entry lost than the alert
        }
        read();
    }

    /// Nothing if it was not said since all was well.
    std::optional<AlertMemory> find(const std::string& key) const {
        const auto at = memory_.find(key);
        return at == memory_.end() ? std::nullopt : std::optional(at->second);
    }

    /// Silent if it cannot be written: then an alert too many is sent.
    void keep(const std::string& key, const std::optional<AlertMemory>& what) {
        memory_.erase(key);
        if (what) memory_.emplace(key, *what);
        std::string text = whole_text();
        for (; text.size() > kMost && !memory_.empty(); text = whole_text()) forget_old();
        try {
            detail::with_alert_reserve(spool_, [&] { publish_file(path(), as_bytes(text)); });
        } catch (const Error&) {}
    }

private:
    static constexpr std::chrono::seconds kWait{10};
    static constexpr std::uint64_t kMost = 1_MiB;  // of the file

    fs::path path() const { return spool_ / "damping.json"; }

    std::string whole_text() const {
        Json json = Json::object();
        for (const auto& [name, m] : memory_)
            json[json_text(name)] = {{"severity", word_for(m.severity)},
                                     {"time_utc", format_utc(m.time)},
                                     {"held_back", m.held_back},
                                     {"worst", word_for(m.worst)}};
        return dump_json(json, 2) + "\n";
    }

    /// The older half: keys that never became well would fill the file for ever.
    void forget_old() {
        std::vector<SystemSeconds> times;
        for (const auto& [name, m] : memory_) times.push_back(m.time);
        const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
        std::nth_element(times.begin(), middle, times.end());
        if (*middle == *std::min_element(times.begin(), times.end()))
            memory_.erase(memory_.begin());
        else
            std::erase_if(memory_, [&](const auto& one) { return one.second.time < *middle; });
    }

    /// Nothing if it cannot be read: then an alert too many is sent.
    void read() {
        try {
            const auto text = read_file_if_any(path(), kMost);
            if (!text) return;
            const Json json = parse_json(*text, "damping");
            for (const auto& [key, value] : json.items()) {
                const JsonFields f(value, "damping");
                const auto severity = parse_word<Severity>(f.text("severity"));
                const auto time = parse_utc(f.text("time_utc"));
                const auto worst = parse_word<Severity>(f.text_or("worst", f.text("severity")));
                if (severity && time && worst)
                    memory_[key] = {*severity, *time, f.number("held_back"), *worst};
            }
        } catch (const Error&) {
            memory_.clear();
        }
    }

    fs::path spool_;
    std::optional<FileLock> lock_;
    std::map<std::string, AlertMemory> memory_;
};

}  // namespace holdfast::ops
