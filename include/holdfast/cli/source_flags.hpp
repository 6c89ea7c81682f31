// cli/source_flags.hpp - sources named on snap's command line, or picked from the configuration.
#pragma once

#include <string>
#include <vector>

#include "holdfast/cli/environment.hpp"
#include "holdfast/cli/flags.hpp"

namespace holdfast::cli {

struct SourceFlags {
    std::vector<std::string> names;    // of the configuration
    std::vector<std::string> classes;  // only sources of these classes
    std::vector<std::string> sqlite;   // paths, without a configuration
    std::vector<std::string> trees;
    std::vector<std::string> exclude;
    std::string stdin_name;
};

inline void add_source_flags(CLI::App& app, SourceFlags& flags) {
    app.add_option("SOURCE", flags.names, "sources of the configuration (all)");
    app.add_option("--class", flags.classes,
                   "only sources of this class: database, cache, config, logs, data; repeatable")
        ->check(CLI::IsMember(words_of<SourceClass>()))
        ->expected(1)
        ->take_all();
    app.add_option("--sqlite", flags.sqlite, "a database file, without a configuration; repeatable")
        ->type_name("PATH")
        ->expected(1)
        ->take_all();
    app.add_option("--tree", flags.trees, "a directory or file, without a configuration; repeatable")
        ->type_name("PATH")
        ->expected(1)
        ->take_all();
    app.add_option("--exclude", flags.exclude, "what to leave out of every --tree; repeatable")
        ->type_name("GLOB")
        ->expected(1)
        ->take_all();
    add_text(app, "--stdin", flags.stdin_name, "NAME", "capture standard input as a component of this name");
}

namespace detail {

/// A path is one source here, never a pattern: the shell expanded it already.
inline SourceConfig source_of_path(const std::string& path, SourceKind kind, const SourceFlags& flags) {
    if (path.empty())
        throw Error(Kind::usage, "a path is empty", "an unset variable in a script looks like that");
    SourceConfig source;
    source.kind = kind;
    const std::string absolute = fs::path(absolute_path(path)).lexically_normal().string();
    const fs::path bare =
        absolute.ends_with('/') && absolute.size() > 1 ? absolute.substr(0, absolute.size() - 1) : absolute;
    source.name = bare.filename().empty() ? "root" : bare.filename().string();
    source.source_class = kind == SourceKind::sqlite ? SourceClass::database : SourceClass::data;
    source.paths = {has_glob(bare.string()) ? quote_glob(bare.string()) : bare.string()};
    if (kind == SourceKind::tree) source.exclude = flags.exclude;
    return source;
}

}  // namespace detail

/// Throws: usage (both ways at once), not_found (no such source).
inline std::vector<SourceConfig> select_sources(const SourceFlags& flags, const Environment& env) {
    std::vector<SourceConfig> out;
    for (const std::string& path : flags.sqlite)
        out.push_back(detail::source_of_path(path, SourceKind::sqlite, flags));
    for (const std::string& path : flags.trees)
        out.push_back(detail::source_of_path(path, SourceKind::tree, flags));
    const bool by_path = !out.empty() || !flags.stdin_name.empty();
    if (!flags.exclude.empty() && flags.trees.empty())
        throw Error(Kind::usage, "--exclude goes with --tree", "in a configuration, use exclude = [...]");
    if (by_path) {
        if (!flags.names.empty() || !flags.classes.empty())
            throw Error(Kind::usage, "sources by name or class do not go with --sqlite, --tree or --stdin",
                        "take two snapshots, or put the paths into the configuration");
        if (!flags.stdin_name.empty() && !is_source_name(flags.stdin_name))
            throw Error(Kind::usage, in_quotes(flags.stdin_name) + " cannot be a component's name",
                        "use letters, digits, '.', '_' and '-'");
        return out;
    }
    for (const std::string& name : flags.names) {
        const SourceConfig* source = env.config.find_source(name);
        if (source == nullptr)
            throw Error(Kind::not_found, "there is no source " + in_quotes(name) + " in the configuration",
                        "snap --print-config shows what there is");
        out.push_back(*source);
    }
    if (flags.names.empty()) out = env.config.sources;
    if (!flags.classes.empty())
        std::erase_if(out, [&](const SourceConfig& s) {
            return std::find(flags.classes.begin(), flags.classes.end(), word_for(s.source_class)) ==
                   flags.classes.end();
        });
    if (out.empty())
        throw Error(
            Kind::config,
            env.config.sources.empty() ? "the configuration names no source" : "no source is of that class",
            "add a [[source]], or use --sqlite, --tree or --stdin");
    return out;
}

}  // namespace holdfast::cli
