// policy/health_remotes.hpp - copies at other places, judged by what was proven to be there, not by what is configured.
//
// offsite.sh records what it found at a remote each time that it looks. A record of another address or repository is none.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "holdfast/policy/health.hpp"
#include "holdfast/policy/health_backups.hpp"
#include "holdfast/policy/remote_config.hpp"

namespace holdfast {

/// What was found at a remote.
struct RemoteFacts {
    std::optional<SystemSeconds> looked;  // when names and sizes there were last held against ours
    std::optional<SystemSeconds>
        newest;  // the end of the newest snapshot that is there with all that it needs
    std::string newest_id;
    std::optional<SystemSeconds> hashed;  // since when every byte there was read again, part by part
    std::uint64_t snapshots = 0, bytes = 0;
    std::uint64_t damaged = 0;  // files that are missing or wrong there
    bool is_same_disk = false;  // as the repository's
    std::string trouble;        // why the record cannot be read
};

namespace detail {

/// Its newest snapshot is whole, young, and was seen lately.
inline bool is_good_copy(const RemoteConfig& remote, const RemoteFacts& facts, SystemSeconds now) {
    const auto is_young = [&](const std::optional<SystemSeconds>& at) {
        return at && *at <= now + kClockSlack && (remote.max_age >= kForever || now - *at <= remote.max_age);
    };
    return facts.damaged == 0 && is_young(facts.newest) && is_young(facts.looked);
}

}  // namespace detail

inline HealthResult judge_remote(const RemoteConfig& remote, const RemoteFacts& facts, SystemSeconds now) {
    detail::HealthVerdict verdict("off_site", remote.name);
    const std::string push = "offsite.sh push " + remote.name + "; is it scheduled?";
    const auto is_old = [&](SystemSeconds at) {
        return remote.max_age < kForever && now - at > remote.max_age;
    };
    if (!facts.trouble.empty()) verdict.add(Health::degraded, facts.trouble, push);
    if (facts.damaged != 0)
        verdict.add(Health::unhealthy, std::to_string(facts.damaged) + " files there are missing or damaged",
                    "offsite.sh verify " + remote.name + " puts back what is whole here");
    if (!facts.looked || !facts.newest) {
        if (facts.trouble.empty())
            verdict.add(Health::degraded, "no snapshot was ever proven to be there", push);
        return verdict.take();
    }
    verdict.sample({"backup_remote_timestamp", detail::unix_time(*facts.newest), {{"remote", remote.name}}});
    verdict.sample(
        {"backup_remote_looked_timestamp", detail::unix_time(*facts.looked), {{"remote", remote.name}}});
    verdict.sample({"backup_remote_bytes", static_cast<double>(facts.bytes), {{"remote", remote.name}}});
    const std::string newest = "the newest snapshot there is of " + detail::ago(*facts.newest, now);
    const std::string looked = "last looked at " + detail::ago(*facts.looked, now);
    if (*facts.newest > now + kClockSlack || *facts.looked > now + kClockSlack)
        verdict.add(Health::degraded, newest + ", " + looked, "correct this host's clock; date -u");
    if (is_old(*facts.newest))
        verdict.add(Health::degraded, newest + ", the limit is " + format_duration(remote.max_age), push);
    if (is_old(*facts.looked))
        verdict.add(Health::degraded, looked + ", the limit is " + format_duration(remote.max_age), push);
    if (verdict.is_healthy())
        verdict.note(newest + ", " + std::to_string(facts.snapshots) + " in all, " + looked);
    return verdict.take();
}

/// What there is beside the remotes.
struct LocalCopies {
    bool is_proven = false;     // the repository has a young snapshot and was verified lately
    bool is_same_disk = false;  // as the live data
};

/// Three copies (the live data is one), on two media, one of them off-site. `facts` is in the order of `remotes`.
inline HealthResult judge_copies(const LocalCopies& local, const std::vector<RemoteConfig>& remotes,
                                 const std::vector<RemoteFacts>& facts, SystemSeconds now) {
    detail::HealthVerdict verdict("copies", "");
    if (remotes.empty()) return verdict.take("no [[remote]] is configured: this host has the only copies");
    std::set<std::string> media = {"live"};
    std::size_t copies = 1, off_site = 0;
    const std::string repository = local.is_same_disk ? "live" : "repository";
    if (local.is_proven) {
        ++copies;
        media.insert(repository);
    }
    for (std::size_t i = 0; i < remotes.size(); ++i) {
        if (!detail::is_good_copy(remotes[i], facts.at(i), now)) continue;
        ++copies;
        media.insert(facts[i].is_same_disk       ? repository
                     : remotes[i].medium.empty() ? "remote " + remotes[i].name
                                                 : remotes[i].medium);
        off_site += remotes[i].off_site && !facts[i].is_same_disk ? 1 : 0;
    }
    const auto want = [&](std::size_t have, std::size_t least, const std::string& what) {
        const std::string found = std::to_string(have) + " " + what;
        if (have < least)
            verdict.add(Health::degraded, found + " of " + std::to_string(least),
                        "see off_site, verification and backup_age; offsite.sh status");
        else
            verdict.note(found);
    };
    want(copies, 3, "proven copies");
    want(media.size(), 2, "media");
    want(off_site, 1, "off-site");
    verdict.sample({"backup_copies", static_cast<double>(copies), {}});
    verdict.sample({"backup_media", static_cast<double>(media.size()), {}});
    verdict.sample({"backup_off_site_copies", static_cast<double>(off_site), {}});
    return verdict.take();
}

}  // namespace holdfast
