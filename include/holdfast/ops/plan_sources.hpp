// ops/plan_sources.hpp - from sources as configured to the components one run will capture.
//
// Globs are expanded now, once per run. A component is named after its source, or "source/file name" where several
// paths matched. What does not exist becomes a missing source with its reason, never an empty component.
#pragma once

#include <glob.h>

#include <set>
#include <string>
#include <vector>

#include "holdfast/policy/client_runs.hpp"
#include "holdfast/source/sqlite_files.hpp"
#include "holdfast/store/manifest.hpp"

namespace holdfast::ops {

struct CaptureTask {
    std::string component;
    const SourceConfig* source = nullptr;
    std::string path;  // one file or directory; empty for commands, servers and standard input
    std::optional<ClientRun> client{};  // of a server
};

struct CapturePlan {
    std::vector<CaptureTask> tasks;
    std::vector<MissingSource> missing;
};

namespace detail {

/// Paths that match one absolute pattern, sorted; a path without a pattern matches itself, there or not.
/// Throws: io (a folder on the way cannot be read).
inline std::vector<std::string> expand_glob(const std::string& pattern) {
    if (!has_glob(pattern)) return {pattern};
    struct Result {
        glob_t g{};
        ~Result() { ::globfree(&g); }
    } result;
    static thread_local std::string failed;
    failed.clear();
    const int rc = ::glob(
        pattern.c_str(), 0,
        [](const char* path, int error) {
            if (error == ENOENT || error == ENOTDIR) return 0;
            failed = OsError(error, "list " + in_quotes(path)).what();
            return 1;
        },
        &result.g);
    if (rc == GLOB_NOSPACE) throw std::bad_alloc();
    if (rc == GLOB_ABORTED) throw Error(Kind::io, failed, "check the owner and mode of that folder");
    return {result.g.gl_pathv, result.g.gl_pathv + result.g.gl_pathc};
}

/// t.db-wal beside t.db is part of the database, not one of its own.
inline bool is_sidecar(const std::string& path) {
    for (const std::string suffix : kSqliteSidecars)
        if (path.ends_with(suffix) && fs::exists(path.substr(0, path.size() - suffix.size()))) return true;
    return false;
}

inline void plan_paths(const SourceConfig& source, CapturePlan& plan) {
    std::set<std::string> paths;
    bool several = source.paths.size() > 1;
    for (const std::string& pattern : source.paths) {
        std::vector<std::string> found;
        try {
            found = expand_glob(pattern);
        } catch (const Error& e) {
            plan.missing.push_back({source.name, pattern, e.what()});
            continue;
        }
        if (source.kind == SourceKind::sqlite) std::erase_if(found, is_sidecar);
        if (found.empty())
            plan.missing.push_back({source.name, pattern, "nothing matches " + in_quotes(pattern)});
        struct stat st {};
        if (!has_glob(pattern) && ::lstat(pattern.c_str(), &st) != 0 &&
            (errno == ENOENT || errno == ENOTDIR)) {
            plan.missing.push_back({source.name, pattern, in_quotes(pattern) + " does not exist"});
            continue;
        }
        paths.insert(found.begin(), found.end());
    }
    several = several || paths.size() > 1;
    for (const std::string& path : paths) {
        const std::string component =
            several ? source.name + "/" + fs::path(path).filename().string() : source.name;
        plan.tasks.push_back({component, &source, path});
    }
}

}  // namespace detail

/// `sources` must outlive the plan. Throws: config if two components get one name, or a name cannot be one.
inline CapturePlan plan_sources(const std::vector<SourceConfig>& sources) {
    CapturePlan plan;
    for (const SourceConfig& source : sources) {
        if (source.kind == SourceKind::command)
            plan.tasks.push_back({source.name, &source, ""});
        else if (is_server(source.kind))
            for (const ClientRun& client : client_runs(source))
                plan.tasks.push_back({client.component, &source, "", client});
        else
            detail::plan_paths(source, plan);
    }
    std::set<std::string> names;
    for (const CaptureTask& task : plan.tasks) {
        try {
            check_component_name(task.component);
        } catch (const Error& e) {
            throw Error(Kind::config, e.what(), "rename the file, or give it a [[source]] of its own");
        }
        if (!names.insert(task.component).second)
            throw Error(Kind::config, "two components would be named " + in_quotes(task.component),
                        "give one of the paths a [[source]] with another name");
    }
    for (const std::string& name : names)
        if (const auto below = names.lower_bound(name + "/");
            below != names.end() && below->starts_with(name + "/"))
            throw Error(Kind::config,
                        "component " + in_quotes(*below) + " would lie inside component " + in_quotes(name),
                        "give one of the sources another name");
    return plan;
}

/// What a run ends with that captures nothing of the plan, although nothing else failed.
inline Error nothing_captured(const CapturePlan& plan) {
    if (plan.missing.empty())
        return {Kind::config, "there is nothing to capture",
                "name a source in the configuration, or use --sqlite, --tree or --stdin"};
    const MissingSource& first = plan.missing[0];
    return {Kind::not_found, "source " + in_quotes(first.source) + " not captured: " + first.reason,
            "check the path of the source"};
}

/// The exit code of a run that captures all that is planned. Throws: config, not_found (that is nothing).
inline int foreseen_exit_code(const CapturePlan& plan) {
    if (plan.tasks.empty()) throw nothing_captured(plan);
    return plan.missing.empty() ? 0 : static_cast<int>(Kind::partial);
}

}  // namespace holdfast::ops
