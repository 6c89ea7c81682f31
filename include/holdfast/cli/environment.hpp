// cli/environment.hpp - which configuration and which repository a tool works with.
//
// The configuration: --config, else HOLDFAST_CONFIG, else ./holdfast.toml, else /etc/holdfast/holdfast.toml, else
// none. The repository: --repo, else HOLDFAST_REPO, else BACKUP_ROOT, else the configuration. `--config /dev/null`
// works without any. The facts about trust are those of the very descriptor that was read.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "holdfast/base/disk.hpp"
#include "holdfast/cli/flags.hpp"
#include "holdfast/policy/command_trust.hpp"
#include "holdfast/policy/config.hpp"

namespace holdfast::cli {

/// What a tool is going to do with the sources: only snap runs commands.
enum class Commands { never_run, may_run };

struct Environment {
    Config config;            // with the environment and the flags applied
    std::string config_file;  // absolute; empty: there is none

    /// The repository's absolute path. Throws: config if nothing names one.
    const std::string& repository() const {
        if (!config.repository.path.empty()) return config.repository.path;
        if (config_file.empty())
            throw Error(Kind::config, "no repository is named, and there is no configuration",
                        "give --repo DIR, or run it where holdfast.toml lies, or --config FILE");
        throw Error(Kind::config, in_quotes(config_file) + " names no repository",
                    "add [repository] path = \"...\", or give --repo DIR");
    }
};

inline std::optional<std::string> process_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

namespace detail {

inline fs::path current_folder() {
    std::error_code error;
    fs::path current = fs::current_path(error);
    if (error) throw OsError(error.value(), "find the current folder", "go to a folder that exists");
    return current;
}

inline std::string absolute_path(const std::string& path) {
    return path.starts_with('/') ? path : holdfast::detail::join_path(current_folder(), path);
}

/// The configuration's path; nothing if nobody named one and none lies in the usual places.
inline std::optional<std::string> find_config(const CommonFlags& flags, const Lookup& lookup) {
    if (!flags.config.empty()) return absolute_path(flags.config);
    const std::optional<std::string> named = lookup("HOLDFAST_CONFIG");
    if (named && !named->empty()) return absolute_path(*named);
    for (const char* usual : {"holdfast.toml", "/etc/holdfast/holdfast.toml"})
        if (::access(usual, F_OK) == 0 || errno != ENOENT) return absolute_path(usual);
    return std::nullopt;
}

inline PathFacts facts_of(const std::string& path, const struct stat& st) {
    return {path, st.st_uid, st.st_mode};
}

struct ConfigFile {
    std::string text;
    PathFacts facts;
};

/// Throws: config if it cannot be read.
inline ConfigFile read_config(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    std::string text(kMaxTomlBytes + 1, '\0');  // one more than allowed: the parser refuses it
    try {
        if (!fd) throw_os("read configuration " + in_quotes(path));
        text.resize(read_full(fd.get(), std::as_writable_bytes(std::span(text)),
                              "read configuration " + in_quotes(path)));
        return {std::move(text), facts_of(path, stat_fd(fd.get(), "stat " + in_quotes(path)))};
    } catch (const OsError& e) {
        throw Error(Kind::config, e.what(),
                    e.number() == ENOENT ? "check --config and HOLDFAST_CONFIG"
                                         : "check its owner and mode; --config /dev/null goes without");
    }
}

inline void check_trust(const PathFacts& file) {
    const std::string folder = fs::path(file.path).parent_path().string();
    struct stat st {};
    if (::stat(folder.c_str(), &st) != 0) throw_os("stat " + in_quotes(folder));
    require_trusted_commands(file, facts_of(folder, st), ::geteuid());
}

}  // namespace detail

/// Throws: config; refused if the configuration names commands, `commands` may run and others may write it.
inline Environment load_environment(const CommonFlags& flags, Commands commands,
                                    const Lookup& lookup = process_environment) {
    Environment out;
    if (const std::optional<std::string> path = detail::find_config(flags, lookup)) {
        const detail::ConfigFile file = detail::read_config(*path);
        out.config_file = *path;
        out.config = parse_config(file.text, flags.config.empty() ? *path : flags.config,
                                  fs::path(*path).parent_path());
        if (commands == Commands::may_run && out.config.names_commands()) detail::check_trust(file.facts);
    } else {
        out.config = default_config(detail::current_folder());
    }
    apply_environment(out.config, lookup, detail::current_folder());
    if (!flags.repo.empty()) out.config.repository.path = detail::absolute_path(flags.repo);
    if (flags.lock_wait) out.config.repository.lock_wait = *flags.lock_wait;
    return out;
}

}  // namespace holdfast::cli
