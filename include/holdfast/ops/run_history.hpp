// ops/run_history.hpp - the history of backup.sh's runs on this host, outside of the repository: a failed run may have none.
#pragma once

#include <optional>
#include <string>

#include "holdfast/base/lock.hpp"
#include "holdfast/policy/run_history.hpp"
#include "holdfast/store/state_file.hpp"

namespace holdfast::ops {

/// By the repository's path, which is known when the repository cannot be opened.
inline fs::path run_history_path(const std::string& repository_path) {
    return host_folder("XDG_STATE_HOME", "/var/lib", ".local/state") /
           ("runs-" + sha256(fs::path(repository_path).lexically_normal().string()).hex().substr(0, 16) +
            ".json");
}

namespace detail {

inline Json run_json(const BackupRun& run) {
    return {{"ended_utc", format_utc(run.ended)},
            {"type", json_text(run.type)},
            {"code", run.code},
            {"seconds", run.took.count()},
            {"snapshot", json_text(run.snapshot)}};
}

inline std::optional<BackupRun> run_from(const JsonFields& fields, const char* key) {
    const Json* json = fields.find(key);
    if (json == nullptr) return std::nullopt;
    const JsonFields f(*json, fields.what());
    const auto ended = parse_utc(f.text("ended_utc"));
    if (!ended) f.fail("ended_utc", "is not a time");
    return BackupRun{*ended, f.text("type"), static_cast<int>(f.number("code") & 0xFFU),
                     std::chrono::seconds{f.signed_number("seconds")}, f.text("snapshot")};
}

}  // namespace detail

/// Nothing if no run was recorded. Throws: corrupt, io.
inline std::optional<RunHistory> read_run_history(const std::string& repository_path) {
    const fs::path path = run_history_path(repository_path);
    const auto text = read_file_if_any(path, 64_KiB);
    if (!text) return std::nullopt;
    const std::string what = "run history '" + path.string() + "'";
    const Json json = parse_json(*text, what);
    const JsonFields f(json, what);
    RunHistory out;
    out.successes = f.number("successes");
    out.partials = f.number("partials");
    out.failures = f.number("failures");
    if (f.find("began_utc") != nullptr) out.began = parse_utc(f.text("began_utc"));
    out.last = detail::run_from(f, "last");
    out.last_success = detail::run_from(f, "last_success");
    const JsonFields took(f.at("seconds_by_type"), what);
    for (const auto& [type, value] : f.at("seconds_by_type").items())
        out.took[type] = std::chrono::seconds{took.signed_number(type.c_str())};
    return out;
}

/// Lets `change` at the history. Durable when it returns. One that cannot be read begins anew: counters may do that.
/// Throws: io, busy.
template <class Change>
void change_run_history(const std::string& repository_path, Change change) {
    const fs::path path = run_history_path(repository_path);
    make_directories(path.parent_path());
    const std::string lock_path = path.string() + ".lock";
    const UniqueFd made{::open(lock_path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!made) throw_os("open " + in_quotes(lock_path));
    const FileLock lock(lock_path, LockMode::exclusive, std::chrono::seconds{10});
    RunHistory history;
    try {
        history = read_run_history(repository_path).value_or(RunHistory{});
    } catch (const Error& e) {
        if (e.kind() != Kind::corrupt) throw;
    }
    change(history);
    Json took = Json::object();
    for (const auto& [type, seconds] : history.took) took[json_text(type)] = seconds.count();
    const Json json = {
        {"repository", json_text(repository_path)},
        {"successes", history.successes},
        {"partials", history.partials},
        {"failures", history.failures},
        {"began_utc", history.began ? Json(format_utc(*history.began)) : Json(nullptr)},
        {"last", history.last ? detail::run_json(*history.last) : Json(nullptr)},
        {"last_success", history.last_success ? detail::run_json(*history.last_success) : Json(nullptr)},
        {"seconds_by_type", took}};
    publish_file(path, as_bytes(dump_json(json, 2) + "\n"));
}

}  // namespace holdfast::ops
