// policy/remote_config.hpp - other places that hold a copy of the repository: the [[remote]] sections as checked values.
//
// The form of `url` says what it is: a folder (/mnt/usb/holdfast), an SSH account (sftp://user@server/path or
// user@server:/path), or a remote of rclone (NAME:bucket/path). Secrets never stand in it: they are in the files that the
// section names, or in environment variables that it names.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/policy/alerts_config.hpp"
#include "holdfast/policy/retention_config.hpp"
#include "holdfast/policy/toml_values.hpp"
#include "holdfast/policy/words.hpp"

namespace holdfast {

enum class RemoteKind { rclone, sftp, directory };
template <>
struct Words<RemoteKind> {
    static constexpr std::pair<const char*, RemoteKind> kAll[] = {
        {"rclone", RemoteKind::rclone}, {"sftp", RemoteKind::sftp}, {"directory", RemoteKind::directory}};
};

/// Where a remote is, as `url` says it.
struct RemotePlace {
    RemoteKind kind = RemoteKind::directory;
    std::string account, server;  // sftp; the account may be empty
    std::uint16_t port = 22;      // sftp
    std::string remote;           // rclone: the name of its remote
    std::string path;             // may be empty for rclone

    bool operator==(const RemotePlace&) const = default;
};

struct RemoteConfig {
    std::string name;
    std::string url;  // as written; of a folder its absolute path
    RemotePlace place;
    std::string host;  // the folder of this host's repository there; empty: the host's name
    std::string credentials, rclone_config, key_file, known_hosts;  // absolute; empty: none
    std::vector<std::string> environment;                           // variables that rclone may see
    bool off_site = true;                                           // a folder: false
    std::string medium;                                             // empty: one of its own
    std::chrono::seconds max_age = std::chrono::hours{26};          // of the newest snapshot there
    std::chrono::seconds time_limit = std::chrono::hours{6};        // of one push, verification or prune
    std::uint64_t bandwidth = 0;                                    // bytes a second; 0: no limit
    RetentionConfig retention;                                      // unset: nothing is removed there

    bool operator==(const RemoteConfig&) const = default;
};

namespace detail {

inline bool has_only(std::string_view text, std::string_view others) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    });
}

/// "[account@]server[:port]/path"
inline std::optional<RemotePlace> parse_sftp(std::string_view rest) {
    RemotePlace out{RemoteKind::sftp, {}, {}, 22, {}, {}};
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    out.path = rest.substr(slash);
    std::string_view server = rest.substr(0, slash);
    if (const std::size_t at = server.find('@'); at != std::string_view::npos) {
        out.account = server.substr(0, at);
        server.remove_prefix(at + 1);
        if (!has_only(out.account, "._-")) return std::nullopt;
    }
    if (const std::size_t colon = server.find(':'); colon != std::string_view::npos) {
        const auto port = parse_number<std::uint16_t>(server.substr(colon + 1));
        if (!port || *port == 0) return std::nullopt;
        out.port = *port;
        server = server.substr(0, colon);
    }
    out.server = server;
    if (!has_only(server, "._-") || server.starts_with('-')) return std::nullopt;
    return out;
}

/// Nothing if it is none of the three forms.
inline std::optional<RemotePlace> parse_remote_url(std::string_view url) {
    if (url.starts_with('/') || url.starts_with("./") || url.starts_with("../"))
        return RemotePlace{RemoteKind::directory, {}, {}, 22, {}, std::string(url)};
    for (const std::string_view scheme : {"sftp://", "ssh://"})
        if (url.starts_with(scheme)) return parse_sftp(url.substr(scheme.size()));
    const std::size_t colon = url.find(':');
    if (colon == std::string_view::npos || url.substr(colon).starts_with("://")) return std::nullopt;
    const std::string_view name = url.substr(0, colon), path = url.substr(colon + 1);
    if (name.find('@') != std::string_view::npos) {
        if (!path.starts_with('/')) return std::nullopt;
        return parse_sftp(std::string(name) + std::string(path));
    }
    if (path.substr(0, path.find('/')).find('@') != std::string_view::npos)
        return std::nullopt;  // account:password@
    if (!has_only(name, "_.-") || name.starts_with('-') || name == "HOLDFAST") return std::nullopt;
    return RemotePlace{RemoteKind::rclone, {}, {}, 22, std::string(name), std::string(path)};
}

inline void read_remote_place(TomlTable& table, const std::filesystem::path& folder, RemoteConfig& out) {
    const auto url = table.text("url");
    if (!url)
        table.fail("url", "is missing",
                   "url = \"backup@nas:/srv/holdfast\", \"/mnt/usb/holdfast\" or \"s3:bucket\"");
    check_path(table, "url", *url);
    if (std::any_of(url->begin(), url->end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        table.fail("url", "holds a control character");
    if (url->find("/../") != std::string::npos || url->ends_with("/.."))
        table.fail("url", "leads upward", "write the path itself");
    const auto place = parse_remote_url(*url);
    if (!place)
        table.fail("url", "cannot be " + in_quotes(*url),
                   "a folder, user@server:/path (no password), or NAME:bucket/path for a remote of rclone, "
                   "which also knows S3, Azure, GCS, WebDAV and others");
    out.place = *place;
    std::string& path = out.place.path;
    if (place->kind == RemoteKind::directory) path = (folder / path).lexically_normal().string();
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (path == "/") table.fail("url", "cannot be the whole file system");
    out.url = place->kind == RemoteKind::directory ? path : *url;
    out.off_site = place->kind != RemoteKind::directory;
}

inline void read_remote_access(TomlTable& table, const std::filesystem::path& folder, RemoteConfig& out) {
    read_file_name(table, "credentials", folder, out.credentials);
    read_file_name(table, "rclone_config", folder, out.rclone_config);
    read_file_name(table, "key_file", folder, out.key_file);
    read_file_name(table, "known_hosts", folder, out.known_hosts);
    out.environment = table.text_or_texts("environment");
    for (const std::string& name : out.environment)
        if (!has_only(name, "_") || (name[0] >= '0' && name[0] <= '9'))
            table.fail("environment", "cannot hold " + in_quotes(name),
                       "names of variables, not their values");
    const auto only_for = [&](const char* key, RemoteKind kind) {
        if (table.has(key) && out.place.kind != kind)
            table.fail(key, std::string("is not for a ") + word_for(out.place.kind) + " remote");
    };
    only_for("rclone_config", RemoteKind::rclone);
    only_for("key_file", RemoteKind::sftp);
    only_for("known_hosts", RemoteKind::sftp);
}

inline RemoteConfig read_remote(TomlTable& table, const std::filesystem::path& folder) {
    RemoteConfig out;
    const auto name = table.text("name");
    if (!name) table.fail("name", "is missing", "every [[remote]] needs a name of its own");
    const auto check_name = [&](const char* key, const std::string& text) {
        if (!has_only(text, "._-") || text.size() > 64 || text[0] == '.' || text[0] == '-')
            table.fail(key, "cannot be " + in_quotes(text),
                       "use letters, digits, '.', '_' and '-', at most 64");
    };
    check_name("name", *name);
    out.name = *name;
    read_remote_place(table, folder, out);
    if (const auto host = table.text("host")) {
        check_name("host", *host);
        out.host = *host;
    }
    read_remote_access(table, folder, out);
    if (const auto is_off_site = table.flag("off_site")) out.off_site = *is_off_site;
    if (const auto medium = table.text("medium")) {
        check_text(table, "medium", *medium);
        out.medium = *medium;
    }
    read_duration(table, "max_age", std::chrono::minutes{1}, out.max_age);
    read_duration(table, "time_limit", std::chrono::seconds{1}, out.time_limit);
    if (const auto text = table.text("bandwidth")) {
        const auto bytes = parse_bytes(*text);
        if (!bytes || *bytes < 1024)
            table.fail("bandwidth", "is not a size a second: " + in_quotes(*text), "write 10MB");
        out.bandwidth = *bytes;
    }
    if (auto retention = table.table("retention")) out.retention = read_retention(*retention);
    table.finish();
    return out;
}

}  // namespace detail

/// Throws: config.
inline std::vector<RemoteConfig> read_remotes(TomlTable& root, const std::filesystem::path& folder) {
    std::vector<RemoteConfig> out;
    std::map<std::string, TomlPlace> first_seen;
    for (TomlTable& table : root.tables("remote")) {
        out.push_back(detail::read_remote(table, folder));
        const auto [seen, is_new] = first_seen.emplace(out.back().name, table.place("name"));
        if (!is_new)
            table.fail("name", in_quotes(out.back().name) + " is used twice",
                       "the first one is in line " + std::to_string(seen->second.line));
    }
    return out;
}

}  // namespace holdfast
