// ops/gather_remotes.hpp - what offsite.sh recorded of each remote, and which copies of the data lie on one disk.
#pragma once

#include <sys/stat.h>

#include "holdfast/ops/health_context.hpp"
#include "holdfast/policy/health_remotes.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast::ops {

/// Written by scripts/lib/offsite_record.sh.
inline fs::path remote_record_path(const Repository& repository, const std::string& remote) {
    return host_state_folder() / "remotes" / repository.id() / (remote + ".json");
}

/// Never throws for a record: what cannot be read is said in it.
inline RemoteFacts read_remote_record(const Repository& repository, const RemoteConfig& remote) {
    RemoteFacts facts;
    try {
        const fs::path path = remote_record_path(repository, remote.name);
        const std::optional<std::string> text = read_file_if_any(path, 64_MiB);
        if (!text) return facts;
        const std::string what = "record " + in_quotes(path.string());
        const Json json = parse_json(*text, what);
        const JsonFields f(json, what);
        if (f.text("url") != remote.url) {
            facts.trouble = "what is known is of another address, " + in_quotes(f.text("url"));
            return facts;
        }
        const auto time = [&](const char* key) { return parse_utc(f.text_or(key, "")); };
        facts.looked = time("looked_utc");
        facts.newest = time("newest_utc");
        facts.hashed = time("hashed_utc");
        facts.newest_id = f.text_or("newest", "");
        facts.snapshots = f.number("snapshots");
        facts.bytes = f.number("bytes");
        facts.damaged = f.number("damaged");
        struct stat there {
        }, here{};
        facts.is_same_disk = remote.place.kind == RemoteKind::directory &&
                             ::stat(remote.place.path.c_str(), &there) == 0 &&
                             ::stat(repository.root().c_str(), &here) == 0 && there.st_dev == here.st_dev;
    } catch (const Error& e) {
        facts = {};
        facts.trouble = e.what();
    }
    return facts;
}

namespace detail {

using holdfast::detail::HealthVerdict;
using holdfast::detail::newest_backup;

inline HealthResults check_off_site(HealthContext& c) {
    HealthResults out;
    for (const RemoteConfig& remote : c.options.config.remotes)
        out.push_back(judge_remote(remote, read_remote_record(c.repository(), remote), c.options.now));
    if (out.empty()) out.push_back(HealthVerdict("off_site", "").take("no [[remote]] is configured"));
    return out;
}

inline LocalCopies local_copies(HealthContext& c) {
    LocalCopies out;
    const BackupFacts& facts = c.backups();
    const Manifest* newest = newest_backup(facts, [](const Manifest&) { return true; });
    const auto is_within = [&](SystemSeconds at, std::chrono::seconds limit) {
        return limit >= kForever || c.options.now - at <= limit;
    };
    out.is_proven = newest != nullptr && is_within(newest->finished, c.limits().max_age) &&
                    facts.last_verified && is_within(facts.last_verified->at, c.limits().max_verify_age) &&
                    std::find(facts.damaged.begin(), facts.damaged.end(), newest->id) == facts.damaged.end();
    struct stat here {
    }, source{};
    if (::stat(c.repository().root().c_str(), &here) != 0) return out;
    for (const CaptureTask& task : c.plan().tasks)
        out.is_same_disk =
            out.is_same_disk ||
            (!task.path.empty() && ::stat(task.path.c_str(), &source) == 0 && source.st_dev == here.st_dev);
    return out;
}

inline HealthResults check_copies(HealthContext& c) {
    const std::vector<RemoteConfig>& remotes = c.options.config.remotes;
    std::vector<RemoteFacts> facts;
    for (const RemoteConfig& remote : remotes) facts.push_back(read_remote_record(c.repository(), remote));
    return {judge_copies(remotes.empty() ? LocalCopies{} : local_copies(c), remotes, facts, c.options.now)};
}

}  // namespace detail

}  // namespace holdfast::ops
