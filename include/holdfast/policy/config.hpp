// policy/config.hpp - what to back up, where to, and how: the TOML file as checked values.
//
// Pure: text, file name and folder come in, a Config or an Error(config) with file:line:column goes out.
// Unknown keys, wrong types, values out of range and names used twice are errors. Relative paths in the
// file are relative to the folder of the file; those from the environment to the current folder.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/glob.hpp"
#include "holdfast/policy/alerts_config.hpp"
#include "holdfast/policy/checks_config.hpp"
#include "holdfast/policy/drill_config.hpp"
#include "holdfast/policy/health_config.hpp"
#include "holdfast/policy/remote_config.hpp"
#include "holdfast/policy/retention_config.hpp"
#include "holdfast/policy/server_config.hpp"
#include "holdfast/policy/services_config.hpp"
#include "holdfast/policy/toml_values.hpp"
#include "holdfast/policy/words.hpp"

namespace holdfast {

struct RepositoryConfig {
    std::string path;                     // absolute; empty: not named
    int level = 3;                        // zstd, 1..19
    std::chrono::seconds lock_wait{600};  // a prune of a large repository sweeps for minutes
    std::string certificate{};  // 64 hex digits: nothing else may be sealed to; empty: as remembered
    bool private_names =
        false;  // manifests of a sealed repository hide the names of sources, paths and tables
    std::string signing_key{};       // fingerprint, upper case; empty: snapshots are not signed
    bool require_signature = false;  // refuse snapshots that this key did not sign

    bool operator==(const RepositoryConfig&) const = default;
};

struct BackupConfig {
    VerifyAfter verify_after = VerifyAfter::deep;
    std::string log_dir;  // absolute
    std::chrono::seconds time_limit{6 * 3600};

    bool operator==(const BackupConfig&) const = default;
};

struct CleanupConfig {
    std::vector<std::string> log_dirs;  // absolute; empty: backup.log_dir
    std::chrono::seconds older_than = std::chrono::days{7};

    bool operator==(const CleanupConfig&) const = default;
};

struct SourceConfig {
    std::string name;
    SourceKind kind = SourceKind::tree;
    SourceClass source_class = SourceClass::data;
    std::vector<std::string> paths;    // absolute glob patterns (base/glob.hpp); of sqlite and tree
    std::vector<std::string> exclude;  // globs inside a tree
    std::optional<std::chrono::seconds> newer_than;  // tree: files that were changed since, and no others
    std::chrono::seconds busy_timeout{30};           // sqlite: how long a lock may keep us waiting
    std::vector<std::string> command;                // argv, or one line for bash if `shell`
    bool shell = false;
    ServerConfig server;                 // postgres, redis
    std::chrono::seconds timeout{3600};  // command, and each client of a server
    std::string expect_end;              // command: text that its output must end with; empty: any
    bool allow_empty = false;            // an empty source is no reason for suspicion
    bool allow_incompressible = false;   // nor is data that suddenly does not compress
    double max_shrink = 0.5;             // a larger loss than this share is one (policy/anomaly.hpp)
    std::vector<CheckConfig> checks;     // of what was restored

    bool operator==(const SourceConfig&) const = default;
};

struct Config {
    RepositoryConfig repository;
    BackupConfig backup;
    RetentionConfig retention;
    CleanupConfig cleanup;
    DrillConfig drill;
    AlertsConfig alerts;
    ServicesConfig services;
    HealthConfig health;
    std::vector<RemoteConfig> remotes;  // in the order of the file
    std::vector<SourceConfig> sources;  // in the order of the file

    bool operator==(const Config&) const = default;

    const SourceConfig* find_source(std::string_view name) const {
        const auto at = std::find_if(sources.begin(), sources.end(),
                                     [&](const SourceConfig& s) { return s.name == name; });
        return at == sources.end() ? nullptr : &*at;
    }
    const RemoteConfig* find_remote(std::string_view name) const {
        const auto at = std::find_if(remotes.begin(), remotes.end(),
                                     [&](const RemoteConfig& r) { return r.name == name; });
        return at == remotes.end() ? nullptr : &*at;
    }
    bool names_commands() const {
        if (alerts.names_commands()) return true;
        const auto runs = [](const CheckConfig& c) { return !c.command.empty(); };
        return !drill.start.empty() || services.runs_commands() ||
               std::any_of(sources.begin(), sources.end(), [&](const SourceConfig& s) {
                   return s.kind == SourceKind::command || is_server(s.kind) ||
                          std::any_of(s.checks.begin(), s.checks.end(), runs);
               });
    }
};

inline constexpr std::size_t kMaxSourceName = 64;

/// [A-Za-z0-9][A-Za-z0-9._-]*, at most 64: safe as a file name, in a shell and in a report.
inline bool is_source_name(std::string_view name) {
    const auto is_alnum = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= kMaxSourceName && is_alnum(name[0]) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

namespace detail {

namespace fs = std::filesystem;

inline std::string join_path(const fs::path& folder, std::string path) {
    while (path.starts_with("./")) path.erase(0, 2);
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path == "." ? folder.string() : (folder / path).string();
}

/// A folder whose own name looks like a pattern must not become one.
inline std::string join_pattern(const fs::path& folder, const std::string& pattern) {
    const bool quote = has_glob(pattern) || has_glob(folder.string());
    return join_path(quote ? fs::path(quote_glob(folder.string())) : folder, pattern);
}

/// A whole fingerprint: anything shorter can be forged.
inline void read_signing(TomlTable& table, RepositoryConfig& out) {
    if (const auto key = table.text("signing_key")) {
        for (const char c : *key)
            if (c != ' ') out.signing_key += c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
        if (out.signing_key.size() != 40 ||
            out.signing_key.find_first_not_of("0123456789ABCDEF") != std::string::npos)
            table.fail("signing_key", "is not an OpenPGP fingerprint of 40 digits",
                       "gpg --list-secret-keys shows it");
    }
    out.require_signature = table.flag("require_signature").value_or(false);
    if (out.require_signature && out.signing_key.empty())
        table.fail("require_signature", "needs signing_key: whose signature is meant?");
}

inline void read_repository(TomlTable table, const fs::path& folder, RepositoryConfig& out) {
    if (const auto path = table.text("path")) {
        check_path(table, "path", *path);
        out.path = join_path(folder, *path);
    }
    if (const auto level = table.whole_number("level")) {
        if (*level < 1 || *level > 19)
            table.fail("level", "is not between 1 and 19", "3 is a good start; zstd calls it the level");
        out.level = static_cast<int>(*level);
    }
    read_duration(table, "lock_wait", std::chrono::seconds{0}, out.lock_wait);
    if (const auto certificate = table.text("certificate")) {
        if (!Digest::parse(*certificate))
            table.fail("certificate", "is not a SHA-256 in 64 lower-case digits",
                       "it is the name of a file in keys/, without .crt");
        out.certificate = *certificate;
    }
    if (const auto hides = table.flag("private_names")) out.private_names = *hides;
    read_signing(table, out);
    table.finish();
}

inline void read_backup(TomlTable table, const fs::path& folder, BackupConfig& out) {
    read_word(table, "verify_after", out.verify_after);
    if (const auto path = table.text("log_dir")) {
        check_path(table, "log_dir", *path);
        out.log_dir = join_path(folder, *path);
    }
    read_duration(table, "time_limit", std::chrono::seconds{1}, out.time_limit);
    table.finish();
}

inline void read_cleanup(TomlTable table, const fs::path& folder, CleanupConfig& out) {
    for (const std::string& path : table.text_or_texts("log_dirs")) {
        check_path(table, "log_dirs", path);
        out.log_dirs.push_back(join_path(folder, path));
        if (fs::path(out.log_dirs.back()).lexically_normal() == "/")
            table.fail("log_dirs", "cannot be the whole file system");
        if (path.find('\n') != std::string::npos) table.fail("log_dirs", "holds a line break");
    }
    read_duration(table, "older_than", std::chrono::hours{1}, out.older_than);
    table.finish();
}

/// Keys that make sense for one kind only are errors elsewhere: ignored, they would deceive.
inline void check_kind_of_keys(TomlTable& table, SourceKind kind) {
    struct Rule {
        const char* key;
        SourceKind kind;
        SourceKind other;  // the same if there is only one
    };
    using enum SourceKind;
    static constexpr Rule kRules[] = {{"exclude", tree, tree},
                                      {"newer_than", tree, tree},
                                      {"busy_timeout", sqlite, sqlite},
                                      {"command", command, command},
                                      {"expect_end", command, command},
                                      {"database", postgres, postgres},
                                      {"tables", postgres, postgres},
                                      {"mode", postgres, postgres},
                                      {"globals", postgres, postgres},
                                      {"service", postgres, postgres},
                                      {"service_file", postgres, postgres},
                                      {"socket", redis, redis},
                                      {"data_dir", redis, redis},
                                      {"host", postgres, redis},
                                      {"port", postgres, redis},
                                      {"user", postgres, redis},
                                      {"password_file", postgres, redis},
                                      {"via", postgres, redis}};
    for (const Rule& rule : kRules)
        if (table.has(rule.key) && kind != rule.kind && kind != rule.other)
            table.fail(rule.key,
                       std::string("is for kind = \"") + word_for(rule.kind) +
                           (rule.kind == rule.other ? "" : "\" or \"" + std::string(word_for(rule.other))) +
                           "\" only");
    if (table.has("timeout") && kind != command && !is_server(kind))
        table.fail("timeout", "is for kind = \"command\" and servers only");
    if (table.has("path") && (kind == command || is_server(kind)))
        table.fail("path", std::string("is not for kind = \"") + word_for(kind) + "\"",
                   kind == command ? "name the file in the command" : "say host, or socket");
}

inline SourceClass default_class(SourceKind kind) {
    if (kind == SourceKind::redis) return SourceClass::cache;
    const bool is_database = kind == SourceKind::sqlite || kind == SourceKind::postgres;
    return is_database ? SourceClass::database : SourceClass::data;
}

inline SourceConfig read_source(TomlTable& table, const fs::path& folder) {
    SourceConfig out;
    const std::optional<std::string> name = table.text("name");
    if (!name) table.fail("name", "is missing", "every [[source]] needs a name of its own");
    if (!is_source_name(*name))
        table.fail("name", "cannot be " + in_quotes(*name),
                   "use letters, digits, '.', '_' and '-', at most 64, a letter or digit first");
    out.name = *name;
    if (!table.has("kind"))
        table.fail("kind", "is missing for source " + in_quotes(out.name),
                   "one of sqlite, tree, command, postgres, redis");
    read_word(table, "kind", out.kind);
    out.source_class = default_class(out.kind);
    read_word(table, "class", out.source_class);
    check_kind_of_keys(table, out.kind);
    const bool has_path = out.kind == SourceKind::sqlite || out.kind == SourceKind::tree;

    for (const std::string& path : table.text_or_texts("path")) {
        check_path(table, "path", path);
        out.paths.push_back(join_pattern(folder, path));
    }
    if (out.paths.empty() && has_path)
        table.fail("path", table.has("path") ? "is empty" : "is missing for source " + in_quotes(out.name));
    out.exclude = table.text_or_texts("exclude");
    for (const std::string& pattern : out.exclude) check_text(table, "exclude", pattern);
    if (table.has("newer_than"))
        read_duration(table, "newer_than", std::chrono::seconds{1}, out.newer_than.emplace());
    read_duration(table, "busy_timeout", std::chrono::seconds{0}, out.busy_timeout);
    if (is_server(out.kind))
        out.server = read_server(table, out.kind, [&](const char* key, const std::string& path) {
            check_path(table, key, path);
            return join_path(folder, path);
        });
    if (out.kind == SourceKind::command)
        read_command(table, "command",
                     "command = [\"pg_dump\", \"-Fc\", \"orders\"], or one line for bash in quotes",
                     out.command, out.shell);
    read_duration(table, "timeout", std::chrono::seconds{1}, out.timeout);
    out.expect_end = table.text("expect_end").value_or("");
    out.allow_empty = table.flag("allow_empty").value_or(false);
    out.allow_incompressible = table.flag("allow_incompressible").value_or(false);
    read_share(table, "max_shrink", out.max_shrink);
    out.checks = read_checks(table, out.kind);
    table.finish();
    return out;
}

}  // namespace detail

/// What holds where the file says nothing; `folder` is absolute.
inline Config default_config(const std::filesystem::path& folder) {
    Config config;
    config.backup.log_dir = (folder / "logs/backups").string();
    return config;
}

/// `file` names the text in messages; `folder` is the absolute folder it lies in. Throws: config.
inline Config parse_config(std::string_view text, const std::string& file,
                           const std::filesystem::path& folder) {
    const TomlDocument document = TomlDocument::parse(text, file);
    TomlTable root = document.root();
    Config config = default_config(folder);
    if (auto table = root.table("repository")) detail::read_repository(*table, folder, config.repository);
    if (auto table = root.table("backup")) detail::read_backup(*table, folder, config.backup);
    if (auto table = root.table("cleanup")) detail::read_cleanup(*table, folder, config.cleanup);
    if (auto table = root.table("alerts")) config.alerts = read_alerts(*table, folder);
    if (auto table = root.table("retention")) config.retention = read_retention(*table);
    if (auto table = root.table("drill"))
        config.drill = detail::read_drill(*table, [&](const char* key, const std::string& path) {
            detail::check_path(*table, key, path);
            return detail::join_path(folder, path);
        });
    if (auto table = root.table("services")) config.services = read_services(*table);
    config.remotes = read_remotes(root, folder);
    std::map<std::string, TomlPlace> first_seen;
    for (TomlTable& table : root.tables("source")) {
        config.sources.push_back(detail::read_source(table, folder));
        const std::string& name = config.sources.back().name;
        const auto [seen, is_new] = first_seen.emplace(name, table.place("name"));
        if (!is_new)
            table.fail("name", in_quotes(name) + " is used twice",
                       "the first one is in line " + std::to_string(seen->second.line));
    }
    if (auto table = root.table("health")) {
        std::vector<std::string> names;
        for (const SourceConfig& source : config.sources) names.push_back(source.name);
        config.health = read_health(*table, folder, names);
    }
    root.finish();
    return config;
}

/// Looks a variable up; nothing if it is not set.
using Lookup = std::function<std::optional<std::string>(const std::string&)>;

/// What the environment says wins over the file; set but empty counts as not set.
/// HOLDFAST_REPO (the environment's --repo) is stronger than BACKUP_ROOT, which runbooks set.
inline void apply_environment(Config& config, const Lookup& lookup,
                              const std::filesystem::path& current_folder) {
    for (const char* name : {"BACKUP_ROOT", "HOLDFAST_REPO"}) {
        const std::optional<std::string> value = lookup(name);
        if (value && !value->empty()) config.repository.path = detail::join_path(current_folder, *value);
    }
}

}  // namespace holdfast
