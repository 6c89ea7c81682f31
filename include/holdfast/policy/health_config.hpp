// policy/health_config.hpp - when a host counts as healthy: the [health] section as checked values.
//
// "forever" (or 100 % of a disk) switches a limit off. What is exactly at a limit is fine.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "holdfast/policy/alerts_config.hpp"
#include "holdfast/policy/toml_values.hpp"
#include "holdfast/policy/words.hpp"

namespace holdfast {

struct EndpointConfig {
    std::string name;
    std::string url;
    std::string ca_file;
    long status = 200;
    std::chrono::milliseconds max_latency{2'000};  // a slower answer is a warning
    std::chrono::milliseconds timeout{10'000};     // no answer by then is none

    bool operator==(const EndpointConfig&) const = default;
};

struct StreamConfig {
    std::string name;
    std::string url;
    std::string ca_file;
    std::chrono::milliseconds within{30'000};  // an event must arrive in this time

    bool operator==(const StreamConfig&) const = default;
};

struct HealthConfig {
    std::chrono::seconds max_age = std::chrono::hours{25};   // of the newest backup, and of each source
    std::map<std::string, std::chrono::seconds> max_age_of;  // by snapshot type or source
    std::uint64_t min_free = 10'000'000'000;                 // bytes, of each disk
    double max_used = 0.8;                                   // of bytes and of inodes
    std::chrono::seconds min_left = std::chrono::days{14};   // until the repository's disk is full
    std::chrono::seconds max_verify_age = std::chrono::days{8};
    std::chrono::seconds max_drill_age = std::chrono::days{100};   // a quarter and some days
    std::chrono::seconds max_lock = std::chrono::hours{6};         // that one process works in the repository
    std::chrono::seconds max_open_restore = std::chrono::days{7};  // in place, neither accepted nor undone
    std::chrono::seconds min_key_left = std::chrono::days{30};  // until an OpenPGP key that is needed expires
    std::uint64_t min_recipients = 2;                           // that can open the backups
    std::uint64_t max_wal = 256'000'000;                        // bytes of a database's WAL
    std::chrono::milliseconds quick_check{300};                 // time for each database; 0s: none
    bool schedule = false;                                      // is one expected on this host?
    std::chrono::seconds remind_after = std::chrono::hours{24};  // that something is still not healthy
    std::string metrics;                                         // the file for Prometheus; empty: none
    std::string page;                                            // the status page; empty: none
    std::vector<EndpointConfig> endpoints;
    std::vector<StreamConfig> streams;

    bool operator==(const HealthConfig&) const = default;

    std::chrono::seconds max_age_for(const std::string& name) const {
        const auto at = max_age_of.find(name);
        return at == max_age_of.end() ? max_age : at->second;
    }
};

/// "250ms", or any duration that parse_duration() knows.
inline std::optional<std::chrono::milliseconds> parse_milliseconds(std::string_view text) {
    if (!text.ends_with("ms")) return parse_duration(text);
    const auto number = parse_number<std::uint32_t>(text.substr(0, text.size() - 2));
    return number ? std::optional(std::chrono::milliseconds{*number}) : std::nullopt;
}

namespace detail {

inline void read_milliseconds(TomlTable& table, const char* key, std::chrono::milliseconds least,
                              std::chrono::milliseconds& out) {
    const auto text = table.text(key);
    if (!text) return;
    const auto time = parse_milliseconds(*text);
    if (!time || *time > std::chrono::hours{1})
        table.fail(key, "is not a time of at most an hour: " + in_quotes(*text), "write 250ms, 5s or 2m");
    if (*time < least) table.fail(key, "is shorter than " + std::to_string(least.count()) + " ms");
    out = *time;
}

inline void read_size(TomlTable& table, const char* key, std::uint64_t& out) {
    const auto text = table.text(key);
    if (!text) return;
    const auto bytes = parse_bytes(*text);
    if (!bytes) table.fail(key, "is not a size: " + in_quotes(*text), "write 10GB or 512MiB");
    out = *bytes;
}

/// name, url and ca_file: what an endpoint and a stream have in common.
template <class Probe>
void read_probe(TomlTable& table, const std::filesystem::path& folder, Probe& out) {
    const auto name = table.text("name");
    if (!name) table.fail("name", "is missing", "name = \"api\"");
    check_text(table, "name", *name);
    out.name = *name;
    read_url(table, "url", out.url);
    if (out.url.empty()) table.fail("url", "is missing", "url = \"http://127.0.0.1:8080/health\"");
    read_file_name(table, "ca_file", folder, out.ca_file);
}

inline EndpointConfig read_endpoint(TomlTable& table, const std::filesystem::path& folder) {
    EndpointConfig out;
    read_probe(table, folder, out);
    if (const auto status = table.whole_number("status")) {
        if (*status < 100 || *status > 599) table.fail("status", "is not between 100 and 599");
        out.status = static_cast<long>(*status);
    }
    read_milliseconds(table, "max_latency", std::chrono::milliseconds{1}, out.max_latency);
    read_milliseconds(table, "timeout", std::chrono::milliseconds{1}, out.timeout);
    table.finish();
    return out;
}

inline StreamConfig read_stream(TomlTable& table, const std::filesystem::path& folder) {
    StreamConfig out;
    read_probe(table, folder, out);
    read_milliseconds(table, "within", std::chrono::milliseconds{1}, out.within);
    table.finish();
    return out;
}

template <class Probe, class Read>
void read_probes(TomlTable& health, const char* key, std::vector<Probe>& out, Read read) {
    std::map<std::string, TomlPlace> seen;
    for (TomlTable& table : health.tables(key)) {
        out.push_back(read(table));
        const auto [first, is_new] = seen.emplace(out.back().name, table.place("name"));
        if (!is_new)
            table.fail("name", in_quotes(out.back().name) + " is used twice",
                       "the first one is in line " + std::to_string(first->second.line));
    }
}

inline void read_max_age_of(TomlTable table, const std::vector<std::string>& sources, HealthConfig& out) {
    std::vector<std::string> names = words_of<SnapshotType>();
    for (const std::string& source : sources) {
        const bool is_type = parse_word<SnapshotType>(source).has_value();
        if (is_type && table.has(source.c_str()))
            table.fail(source.c_str(), "is a type of snapshots and a source", "give the source another name");
        if (!is_type) names.push_back(source);
    }
    for (const std::string& name : names)
        if (table.has(name.c_str()))
            read_duration(table, name.c_str(), std::chrono::minutes{1}, out.max_age_of[name]);
    table.finish();
}

}  // namespace detail

/// `folder` is the configuration's, `sources` the names that max_age_of may use. Throws: config.
inline HealthConfig read_health(TomlTable& table, const std::filesystem::path& folder,
                                const std::vector<std::string>& sources) {
    using namespace std::chrono_literals;
    HealthConfig out;
    detail::read_duration(table, "max_age", 1min, out.max_age);
    if (auto ages = table.table("max_age_of")) detail::read_max_age_of(*ages, sources, out);
    detail::read_size(table, "min_free", out.min_free);
    detail::read_share(table, "max_used", out.max_used);
    detail::read_duration(table, "min_left", 0s, out.min_left);
    detail::read_duration(table, "max_verify_age", 1min, out.max_verify_age);
    detail::read_duration(table, "max_drill_age", 1min, out.max_drill_age);
    detail::read_duration(table, "max_lock", 1min, out.max_lock);
    detail::read_duration(table, "max_open_restore", 1min, out.max_open_restore);
    detail::read_duration(table, "min_key_left", 0s, out.min_key_left);
    if (const auto n = table.whole_number("min_recipients")) {
        if (*n < 1 || *n > 100) table.fail("min_recipients", "is not between 1 and 100");
        out.min_recipients = static_cast<std::uint64_t>(*n);
    }
    detail::read_size(table, "max_wal", out.max_wal);
    detail::read_duration(table, "remind_after", 1min, out.remind_after);
    detail::read_milliseconds(table, "quick_check", 0ms, out.quick_check);
    out.schedule = table.flag("schedule").value_or(false);
    detail::read_file_name(table, "metrics", folder, out.metrics);
    if (!out.metrics.empty() && !out.metrics.ends_with(".prom"))
        table.fail("metrics", "does not end with .prom", "the textfile collector reads no other files");
    detail::read_file_name(table, "page", folder, out.page);
    if (!out.page.empty() && !out.page.ends_with(".html"))
        table.fail("page", "does not end with .html", "page = \"/var/lib/holdfast/status/index.html\"");
    detail::read_probes(table, "endpoint", out.endpoints,
                        [&](TomlTable& t) { return detail::read_endpoint(t, folder); });
    detail::read_probes(table, "stream", out.streams,
                        [&](TomlTable& t) { return detail::read_stream(t, folder); });
    table.finish();
    return out;
}

}  // namespace holdfast
