// cli/flags.hpp - the flags that every tool has, and the end of every help text.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include "holdfast/base/error.hpp"
#include "holdfast/base/text.hpp"
#include "holdfast/base/units.hpp"
#include "holdfast/base/version.hpp"
#include "holdfast/wrap/sqlite.hpp"

namespace holdfast::cli {

struct CommonFlags {
    std::string config;  // empty: look in the usual places
    std::string repo;    // empty: from the environment or the configuration
    bool json = false;
    bool quiet = false;
    bool verbose = false;
    std::optional<std::chrono::seconds> lock_wait;
};

/// Adds "--name DURATION"; a value that is none is a usage error.
inline void add_duration(CLI::App& app, const std::string& name, std::optional<std::chrono::seconds>& out,
                         const std::string& help) {
    app.add_option_function<std::string>(
           name,
           [&out, name](const std::string& text) {
               out = parse_duration(text);
               if (!out) throw CLI::ValidationError(name, "not a duration: " + in_quotes(text));
           },
           help)
        ->type_name("DURATION");
}

/// Adds an option whose value may not be empty: an unset variable in a script must not mean "default".
inline CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& out,
                             const std::string& type, const std::string& help) {
    return app.add_option(name, out, help)
        ->type_name(type)
        ->check(CLI::Validator(
            [](std::string& text) { return text.empty() ? std::string{"must not be empty"} : std::string{}; },
            ""));
}

inline std::string version_line(const std::string& tool) {
    return tool + " (holdfast " + kVersion + ", SQLite " + sqlite_version() + ")";
}

inline constexpr const char* kExitStatusHelp =
    "EXIT STATUS\n"
    "  0 done            1 internal error   2 wrong usage       3 wrong configuration\n"
    "  4 partial         5 corrupt          6 not found         7 busy, try again later\n"
    "  8 input or output failed             9 cryptography failed\n"
    "  10 refused by a safety rule          128+n stopped by signal n\n";

/// Flags, --version and the footer. `examples`: one command per line, indented by two.
inline void add_common_flags(CLI::App& app, CommonFlags& flags, const std::string& examples) {
    add_text(app, "--config", flags.config, "FILE",
             "configuration; else $HOLDFAST_CONFIG, ./holdfast.toml, /etc/holdfast/holdfast.toml");
    add_text(app, "--repo", flags.repo, "DIR",
             "repository; else $HOLDFAST_REPO, $BACKUP_ROOT, the configuration");
    app.add_flag("--json", flags.json, "print JSON on standard output");
    app.add_flag("-q,--quiet", flags.quiet, "no progress and no notes, only errors");
    app.add_flag("-v,--verbose", flags.verbose, "say more on standard error");
    add_duration(app, "--lock-wait", flags.lock_wait, "how long to wait for a locked repository (10m)");
    app.set_version_flag("--version", version_line(app.get_name()), "print the version and exit");
    app.footer("\nEXAMPLES\n" + examples + (examples.ends_with('\n') ? "\n" : "\n\n") + kExitStatusHelp);
}

}  // namespace holdfast::cli
